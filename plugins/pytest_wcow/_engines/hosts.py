# SPDX-License-Identifier: Apache-2.0
"""The host that an engine runs on; where WinRM or ssh reach it, its engine comes through a tunnel that lives as long as
this process.

The tunnel is a socket of this machine, so that ``wcow_engine.env`` leads ``docker`` and SDKs there, too.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from imagebuild.host import Host, HostAddress

    from .engine import Engine

PASSWORD = "WCOW_HOST_PASSWORD"


def names_host(wanted: str) -> bool:
    """Whether it is the address of a host: ``winrm://…``, ``winrm+http://…``, ``ssh://…``, ``host://NAME``."""
    from imagebuild import wiring

    return wiring.names_host(wiring.Settings(), wanted)


def open_tunnel(wanted: str, stack: ExitStack) -> tuple[str, Host, str]:
    """The address of a tunnel to the engine of a host, the host, and its own name; the stack closes both. Raises
    HostError where no way leads to an engine."""
    from imagebuild import wiring
    from imagebuild.errors import UsageError
    from imagebuild.host import SshHost, Tunnel, WinrmHost

    host = wiring.host_named(wiring.Settings(password=_password), wanted)
    stack.callback(host.close)
    if not isinstance(host, SshHost | WinrmHost):
        raise UsageError(f"{wanted} is not a host that can be reached from here")
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="wcow-", ignore_cleanup_errors=True))
    tunnel = stack.enter_context(Tunnel(host.dialer, Path(folder, "engine.sock"), name=wanted))
    return tunnel.address, host, host.address.name


def host_of(engine: Engine) -> Host:
    """The machine of an engine. Of an engine that was named by its own address only the API is known, unless this
    machine is the Windows that it runs on."""
    from imagebuild import wiring
    from imagebuild.host import LocalHost

    if engine.machine is not None:
        return engine.machine
    if os.name == "nt" and engine.address.startswith("npipe://"):
        return LocalHost()
    return wiring.host_named(wiring.Settings(), engine.address)


def _password(address: HostAddress) -> str:
    found = os.environ.get(PASSWORD, "")
    if not found:
        from imagebuild.errors import UsageError

        raise UsageError(f"{address} needs a password", why="none was given", hint=f"{PASSWORD} has it")
    return found
