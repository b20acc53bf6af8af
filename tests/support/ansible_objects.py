# SPDX-License-Identifier: Apache-2.0
"""Tasks of the modules for Docker objects, against an engine of :mod:`.engines` behind a socket."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import programs, windows_programs
from .ansible_hosts import Controller, Played, collections
from .engines import Served

PIPE = "ansible_wcow_engine_pipe"
_CONNECTION = Path(__file__).with_name("ansible_connection")


def ours(module: str, **args: Any) -> dict[str, Any]:
    """Return a task of a module of the collection."""
    return {f"wcow.containers.{module}": args}


def play(controller: Controller, served: Served, *tasks: dict[str, Any], arguments: Sequence[str] = ("--diff",),
         ) -> Played:
    """Play tasks on the engine, whose address is a default of the group, or which the host's own pipe leads to."""
    at = {} if PIPE in controller.variables else {"docker_host": f"unix://{served.socket}"}
    with programs.skipping():
        return controller.play(*tasks, arguments=arguments, module_defaults={"group/wcow.containers.docker": at})


def by_module(folder: Path, served: Served) -> Controller:
    """What plays through a connection of a user's own: each call of the engine is a run of ``engine_request`` in the
    PowerShell of this machine, whose named pipes are sockets."""
    with programs.skipping():
        pwsh = windows_programs.linux_powershell()
    return Controller(collections(folder), {"ansible_connection": "powershell_here", PIPE: str(served.socket)}, {
        "ANSIBLE_CONNECTION_PLUGINS": str(_CONNECTION), "WCOW_TEST_PWSH": str(pwsh),
        "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"})
