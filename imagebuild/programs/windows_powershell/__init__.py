# SPDX-License-Identifier: Apache-2.0
"""The stand-in for Windows PowerShell 5.1: PowerShell 7 at the place where Windows has ``powershell.exe``.

::

    windows/system32/WindowsPowerShell/
      v1.0/powershell.exe    pwsh.exe, its library's path changed to ../7/powershell.dll
      7/                     the files of PowerShell, and powershell.dll, which host.cs became

The place itself must not hold PowerShell's libraries: it would take the modules there for 5.1's. ``host.cs`` gives
5.1's manners (arguments, encodings, aliases); PowerShell's own compiler compiles it, once for each version.
"""

from __future__ import annotations

from .layer import WindowsPowerShell

__all__ = ["WindowsPowerShell"]
