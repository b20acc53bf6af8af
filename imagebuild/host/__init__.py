# SPDX-License-Identifier: Apache-2.0
"""A machine that runs containers: what it is, programs run on it, its engine, and every way to reach it.

``Host`` is the port. ``WinrmHost`` and ``SshHost`` reach a machine, ``EngineHost`` its engine alone, ``LocalHost`` is
this machine and ``MemoryHost`` the fake for tests. ``parse_address`` reads what users write, ``tunnel.Tunnel`` puts a
host's engine on a local socket. ``collected`` reads what the collector printed that people run on a Windows host
(``collector_script``).
"""

from __future__ import annotations

from .address import HostAddress
from .address import parse as parse_address
from .collector import collected, collector_script
from .command import Command
from .memory import MemoryHost
from .port import Done, Host
from .tunnel import Tunnel
from .ways.engine_only import EngineHost
from .ways.local import LocalHost
from .ways.ssh import SshHost
from .ways.winrm import WinrmHost

__all__ = ["Command", "Done", "EngineHost", "Host", "HostAddress", "LocalHost", "MemoryHost", "SshHost", "Tunnel",
           "WinrmHost", "collected", "collector_script", "parse_address"]
