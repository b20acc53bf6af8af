# SPDX-License-Identifier: Apache-2.0
r"""Keys of a Windows that has Windows PowerShell and .NET Framework (Server Core and Server; Nano Server has neither):
where installers and scripts look for their versions.

Sources: "Detecting .NET Framework versions" (Microsoft's documentation: the table of Release by system), and "Windows
PowerShell system requirements" with what ``HKLM\SOFTWARE\Microsoft\PowerShell`` holds [from memory].
"""

from __future__ import annotations


class Expanded(str):
    """A text whose variables (``%NAME%``) are filled in when it is read: REG_EXPAND_SZ."""

    __slots__ = ()


Values = dict[str, str | int]

_POWERSHELL = r"Software\Microsoft\PowerShell"
_FRAMEWORK = r"Software\Microsoft\.NETFramework"
_SETUP = r"Software\Microsoft\NET Framework Setup\NDP\v4"
_HOME = r"C:\Windows\System32\WindowsPowerShell\v1.0"
_FOLDER = r"C:\Windows\Microsoft.NET\Framework64"

_RELEASES = ((26100, 533509, "4.8.09221"), (20348, 528449, "4.8.04161"), (17763, 461814, "4.7.03190"),
             (14393, 394802, "4.6.01586"))
"""The .NET Framework that comes with a build, newest first: build, Release, Version."""


USER_KEYS: dict[str, Values] = {"Environment": {"Path": Expanded(r"%USERPROFILE%\AppData\Local\Microsoft\WindowsApps")}}
"""The same for ``user.reg``: what every account of such a Windows has in its own ``Path``, which comes behind the
machine's."""


def windows_keys(build: int, revision: int) -> dict[str, Values]:
    """The keys with their values, for ``system.reg``; of builds between two known ones the older one's."""
    _unused, number, version = next((row for row in _RELEASES if build >= row[0]), _RELEASES[-1])
    shell = f"5.1.{build}.{revision}"
    framework: Values = {"Install": 1, "InstallPath": rf"{_FOLDER}\v4.0.30319" + "\\", "Release": number,
                         "Servicing": 0, "TargetVersion": "4.0.0", "Version": version}
    return {
        rf"{_POWERSHELL}\1": {"Install": 1, "PID": "89383-100-0001260-04309"},
        rf"{_POWERSHELL}\1\PowerShellEngine": {
            "ApplicationBase": _HOME, "PSCompatibleVersion": "1.0, 2.0", "PowerShellVersion": "2.0",
            "RuntimeVersion": "v2.0.50727"},
        rf"{_POWERSHELL}\1\ShellIds\Microsoft.PowerShell": {
            "ExecutionPolicy": "RemoteSigned", "Path": rf"{_HOME}\powershell.exe"},
        rf"{_POWERSHELL}\3": {"Install": 1},
        rf"{_POWERSHELL}\3\PowerShellEngine": {
            "ApplicationBase": _HOME, "PSCompatibleVersion": "1.0, 2.0, 3.0, 4.0, 5.0, 5.1",
            "PowerShellVersion": shell, "RuntimeVersion": "v4.0.30319"},
        _FRAMEWORK: {"InstallRoot": _FOLDER + "\\"},
        rf"{_FRAMEWORK}\v4.0.30319": {},
        rf"{_SETUP}\Client": framework,
        rf"{_SETUP}\Full": framework,
    }
