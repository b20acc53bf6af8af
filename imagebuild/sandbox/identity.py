# SPDX-License-Identifier: Apache-2.0
"""What a box says it is, as text for the end of Wine's registry files: its name, its Windows build, its user.

Wine reads its files from top to bottom and a value that comes twice has the last data, so nothing has to be parsed. A
full boot of Windows would write the computer's name; boxes do without one (``hostname.exe`` fails where it is missing).
"""

from __future__ import annotations

from ..windows.releases import release

_VERSION = r"Software\Microsoft\Windows NT\CurrentVersion"
_CONTROL = r"System\ControlSet001\Control"

Values = dict[str, str | int]


def system(hostname: str, build: int = 0, revision: int = 0) -> bytes:
    """The lines for ``system.reg``. ``build`` 0 leaves the version that Wine has."""
    netbios = hostname[:15].upper()
    keys: dict[str, Values] = {
        rf"{_CONTROL}\ComputerName\ComputerName": {"ComputerName": netbios},
        rf"{_CONTROL}\ComputerName\ActiveComputerName": {"ComputerName": netbios},
        r"System\ControlSet001\Services\Tcpip\Parameters": {"Hostname": hostname, "NV Hostname": hostname},
    }
    if build:
        keys[_VERSION] = _windows(build, revision)
        known = release(build)
        kind = "WinNT" if known is not None and not known.server else "ServerNT"
        keys[rf"{_CONTROL}\ProductOptions"] = {"ProductType": kind}
    return _text(keys)


def user(hostname: str, name: str) -> bytes:
    """The lines for ``user.reg``."""
    netbios = hostname[:15].upper()
    return _text({"Volatile Environment": {"USERDOMAIN": netbios, "LOGONSERVER": rf"\\{netbios}", "USERNAME": name}})


def _windows(build: int, revision: int) -> Values:
    out: Values = {"CurrentBuild": str(build), "CurrentBuildNumber": str(build), "CurrentMajorVersionNumber": 10,
                   "CurrentMinorVersionNumber": 0, "CurrentVersion": "6.3", "CSDVersion": "", "UBR": revision}
    known = release(build)
    if known is not None:
        out |= {"ProductName": known.name, "DisplayVersion": known.version, "ReleaseId": known.version}
    return out


def _text(keys: dict[str, Values]) -> bytes:
    lines = []
    for path, values in keys.items():
        lines += ["", "[" + path.replace("\\", "\\\\") + "]"]
        lines += [f'"{_quote(name)}"=' + (f"dword:{data:08x}" if isinstance(data, int) else f'"{_quote(data)}"')
                  for name, data in values.items()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _quote(text: str) -> str:
    """Wine's escapes: its files are pure ASCII, anything else is ``\\x`` and up to four hexadecimal digits, a UTF-16
    unit each."""
    if text.isascii() and text.isprintable():
        return text.replace("\\", "\\\\").replace('"', '\\"')
    out = []
    for char in text:
        if char in '\\"':
            out.append("\\" + char)
        elif " " <= char <= "~":
            out.append(char)
        else:
            units = char.encode("utf-16-le", "surrogatepass")
            out += [f"\\x{int.from_bytes(units[at:at + 2], 'little'):04x}" for at in range(0, len(units), 2)]
    return "".join(out)
