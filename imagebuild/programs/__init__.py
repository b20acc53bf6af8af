# SPDX-License-Identifier: Apache-2.0
"""Programs of Windows that the user brings, kept beside the engine: PowerShell, docker.exe.

:class:`ProgramStore` keeps one version of each :class:`Program`; :func:`fetch_powershell` gets the official archive.
Nothing of Microsoft's comes with this package.
"""

from __future__ import annotations

from .docker import DOCKER_CLI, fetch_docker, newest_docker, our_daemon, our_program, with_version
from .powershell import POWERSHELL, fetch_powershell, newest_powershell
from .store import Installed, Program, ProgramStore
from .windows_powershell import WindowsPowerShell

__all__ = ["DOCKER_CLI", "POWERSHELL", "Installed", "Program", "ProgramStore", "WindowsPowerShell", "fetch_docker",
           "fetch_powershell", "newest_docker", "newest_powershell", "our_daemon", "our_program",
           "with_version"]
