# SPDX-License-Identifier: Apache-2.0
"""What a box says it is, as text for the end of Wine's registry files: its name, its Windows build, its user.

Wine reads its files from top to bottom and a value that comes twice has the last data, so nothing has to be parsed. A
full boot of Windows would write the computer's name; boxes do without one (``hostname.exe`` fails where it is missing).
"""

from __future__ import annotations

from collections.abc import Iterable

from ...errors import ToolError, quoted
from ...windows.releases import Release, release
from ...windows.upcase import fold
from .cpu_keys import cpu_keys
from .windows_keys import USER_KEYS, Expanded, Values, windows_keys

_VERSION = r"Software\Microsoft\Windows NT\CurrentVersion"
_CONTROL = r"System\ControlSet001\Control"

ADMINISTRATOR, OTHER_USER = "ContainerAdministrator", "ContainerUser"
"""The two accounts of people that every container of Windows has. Wine knows one; what the template says of it is said
of the other one where that is the container's."""
DOMAIN = "User Manager"
"""The domain of both (``whoami`` and ``%USERDOMAIN%`` in a container of Windows)."""
SERVICE_DOMAIN = "NT AUTHORITY"
SERVICES = ("SYSTEM", "LOCAL SERVICE", "NETWORK SERVICE")
"""The accounts of this domain that a container's program may run as (Kubernetes documents the last two for
``runAsUserName``)."""
LOGON_FAILURE = 1326
"""ERROR_LOGON_FAILURE: there is no such account."""
PROFILE = r"Software\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-0-0-0-1000"
"""Where Wine looks for the user's folder; the number is that of the account in a box."""


def system(hostname: str, build: int = 0, revision: int = 0, user: str = ADMINISTRATOR) -> bytes:
    """The lines for ``system.reg``. ``build`` 0 leaves the version that Wine has."""
    netbios = hostname[:15].upper()
    keys: dict[str, Values] = {
        rf"{_CONTROL}\ComputerName\ComputerName": {"ComputerName": netbios},
        rf"{_CONTROL}\ComputerName\ActiveComputerName": {"ComputerName": netbios},
        r"System\ControlSet001\Services\Tcpip\Parameters": {"Hostname": hostname, "NV Hostname": hostname},
        **cpu_keys(),
    }
    if build:
        keys[_VERSION] = _windows(build, revision)
        known = release(build)
        kind = "WinNT" if known is not None and not known.server else "ServerNT"
        keys[rf"{_CONTROL}\ProductOptions"] = {"ProductType": kind}
    if account(user) == OTHER_USER:
        keys[PROFILE] = {"ProfileImagePath": rf"C:\users\{OTHER_USER}"}
    return _text(keys)


def before_all(file: str, head: bytes, build: int, revision: int) -> tuple[int, bytes]:
    """Return where the first key of ``system.reg`` or ``user.reg`` is, of which ``head`` is the beginning, and the
    lines to put there for a Windows that has Windows PowerShell and .NET Framework. What the image's own registry says
    of them comes later, and counts."""
    at = head.find(b"\n[") + 1
    keys = USER_KEYS if file == "user.reg" else windows_keys(build, revision) if file == "system.reg" else {}
    return at, _text(keys) + b"\n" if keys and build and at else b""


def account(name: str) -> str:
    """An account's name without its domain, in the spelling of Windows where it is one that every container has."""
    short = name.rpartition("\\")[2] or ADMINISTRATOR
    return next((one for one in (ADMINISTRATOR, OTHER_USER, *SERVICES) if fold(one) == fold(short)), short)


def domain(name: str, hostname: str) -> str:
    """The domain that an account is in; that of an image's own accounts is the container."""
    short = account(name)
    if short in (ADMINISTRATOR, OTHER_USER):
        return DOMAIN
    return SERVICE_DOMAIN if short in SERVICES else hostname[:15].upper()


def check(name: str, hostname: str, local: Iterable[str], line: str = "") -> None:
    """Refuse, as HCS does, to start a program as an account that is not there: neither one that every container has nor
    one of ``local``, those of the image's SAM. Raises ToolError with Windows' code."""
    given, _unused, short = name.rpartition("\\")
    known = {fold(one) for one in (account(""), OTHER_USER, *SERVICES, *local)}
    domains = {fold(one) for one in ("", domain(name, hostname))}
    if domain(name, hostname) not in (DOMAIN, SERVICE_DOMAIN):
        domains.add(".")
    if name and (fold(short) not in known or fold(given) not in domains):
        raise ToolError(f"cannot start {quoted(line[:200])}", program=line.split(" ")[0], code=LOGON_FAILURE,
                        why=f"there is no account {quoted(name)}")


def user(hostname: str, name: str) -> bytes:
    """The lines for ``user.reg``."""
    return _text({"Volatile Environment": {"USERDOMAIN": domain(name, hostname),
                                           "LOGONSERVER": rf"\\{hostname[:15].upper()}", "USERNAME": account(name)}})


def profile(data: bytes, name: str) -> bytes:
    """``user.reg`` with the folders of the account that a container runs as."""
    if account(name) != OTHER_USER:
        return data
    return data.replace(rf"\users\\{ADMINISTRATOR}".encode(), rf"\users\\{OTHER_USER}".encode())


def _windows(build: int, revision: int) -> Values:
    out: Values = {"CurrentBuild": str(build), "CurrentBuildNumber": str(build), "CurrentMajorVersionNumber": 10,
                   "CurrentMinorVersionNumber": 0, "CurrentVersion": "6.3", "CSDVersion": "", "UBR": revision}
    known = release(build)
    if known is not None:
        # ReleaseId stayed at 2009 when names with H came [from memory: 20H2 and later show it].
        out |= {"ProductName": _product(known), "DisplayVersion": known.version,
                "ReleaseId": known.version if known.version.isdigit() else "2009"}
    return out


def _product(known: Release) -> str:
    """``ProductName`` as a container of this build has it: base images are made of the Datacenter edition."""
    if not known.server:
        return known.name
    named = known.server if known.channel == "LTSC" else "Windows Server"
    return f"{named} Datacenter"


def _text(keys: dict[str, Values]) -> bytes:
    lines = []
    for path, values in keys.items():
        lines += ["", "[" + path.replace("\\", "\\\\") + "]"]
        lines += [f'"{_quote(name)}"={_data(data)}' for name, data in values.items()]
    return ("\n".join(lines) + "\n").encode("ascii")


def _data(data: str | int) -> str:
    if isinstance(data, int):
        return f"dword:{data:08x}"
    return ("str(2):" if isinstance(data, Expanded) else "") + f'"{_quote(data)}"'


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
