# SPDX-License-Identifier: Apache-2.0
"""A Windows container host on Linux: WinRM, PowerShell remoting and a Docker engine over a box of the embedded engine.

It *is* a host, as sshd is to ssh; ``host/`` reaches hosts, and the two share no code of the protocols.

Each name is loaded when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import control, inventory, record

__all__ = ["control", "inventory", "record"]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f".{name}", __name__)
