# SPDX-License-Identifier: Apache-2.0
"""Programs of Windows that the user brings, kept beside the engine: PowerShell.

:class:`ProgramStore` keeps one version of each :class:`Program`; :func:`fetch_powershell` gets the official archive.
Nothing of Microsoft's comes with this package.
"""

from __future__ import annotations

from .powershell import POWERSHELL, fetch_powershell, newest_powershell
from .store import Installed, Program, ProgramStore
from .windows_powershell import WindowsPowerShell

__all__ = ["POWERSHELL", "Installed", "Program", "ProgramStore", "WindowsPowerShell", "fetch_powershell",
           "newest_powershell"]
