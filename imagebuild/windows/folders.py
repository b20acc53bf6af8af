# SPDX-License-Identifier: Apache-2.0
"""The folders every Windows image has, with the attributes and security Windows gives them.

Stand-in bases are made of these, and ``--base-metadata known`` takes the parents of a build's files from here when the
base itself is not downloaded. What cannot be known without a real image is marked: ``confidence`` is ``documented``
(Microsoft writes it), ``reported`` (read from a running Windows, in public) or ``inferred`` (it follows from its
neighbours by the rules of inheritance, or from what such folders have in common); ``source`` says where.

A folder that is not here inherits from the nearest one that is (:mod:`.acl.inherit`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import UnsupportedError, quoted
from . import attributes as a
from .upcase import fold

Flavour = Literal["nanoserver", "servercore", "server", "windows", "hostprocess"]
Confidence = Literal["documented", "reported", "inferred"]


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder: ``path`` below ``C:\\`` (``()`` is the root), FILE_ATTRIBUTE bits, security as SDDL."""

    path: tuple[str, ...]
    attributes: int
    sddl: str
    confidence: Confidence
    source: str


_TI = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"
_RESTRICTED_APPS = "S-1-15-2-2"

ROOT_SDDL = ("O:BAG:SYD:(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;LC;;;BU)"
             "(A;CIIO;DC;;;BU)(A;;0x1200a9;;;WD)")
"""``C:\\`` in a container on Windows Server. On Windows 10 and 11 hosts Authenticated Users may also modify."""

SYSTEM_SDDL = (
    f"O:{_TI}G:{_TI}D:PAI(A;;FA;;;{_TI})(A;CIIO;GA;;;{_TI})(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;BA)"
    "(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;AC)"
    f"(A;;0x1200a9;;;{_RESTRICTED_APPS})(A;OICIIO;GXGR;;;{_RESTRICTED_APPS})")
"""Windows, System32, Program Files: TrustedInstaller owns them, nobody else may change the folder itself."""

_USERS = ("O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;;0x1200a9;;;WD)"
          "(A;OICIIO;GXGR;;;WD)")
_PROGRAM_DATA = ("O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)"
                 "(A;CI;DCLCRPCR;;;BU)")
_PUBLIC = ("O:SYG:SYD:PAI(A;OICIIO;GA;;;CO)(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200af;;;IU)(A;OICIIO;DTSDGXGWGR;;;IU)"
           "(A;;0x1200af;;;SU)(A;OICIIO;DTSDGXGWGR;;;SU)(A;;0x1200af;;;S-1-5-3)(A;OICIIO;DTSDGXGWGR;;;S-1-5-3)")
_TEMP = "O:SYG:SYD:PAI(A;CI;0x100026;;;BU)(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICIIO;GA;;;CO)"
_CONFIG = (f"O:{_TI}G:{_TI}D:PAI(A;;FA;;;{_TI})(A;CIIO;GA;;;{_TI})(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)")
_INETPUB = (f"O:SYG:SYD:PAI(A;;FA;;;{_TI})(A;OICIIO;GA;;;{_TI})(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;;FA;;;BA)"
            "(A;OICIIO;GA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)(A;OICIIO;GA;;;CO)")


def _profile(sid: str) -> str:
    return f"O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;{sid})"


_D = a.DIRECTORY
_SERVER_ACL = "moby/buildkit#4731 (icacls C:\\ in servercore:ltsc2022), kubernetes/kubernetes#131341 (on a volume)"
_GET_ACL = "Get-Acl and icacls of the folder on Windows 10 and Server, as several public projects record it"
_PROFILE = "profiles give SYSTEM, Administrators and their user full control; userenv.dll knows S-1-5-93-2-1 and -2"

_BASE: tuple[Folder, ...] = (
    Folder((), _D, ROOT_SDDL, "reported", _SERVER_ACL),
    Folder(("Windows",), _D, SYSTEM_SDDL, "reported", _GET_ACL),
    Folder(("Windows", "System32"), _D, SYSTEM_SDDL, "reported", _GET_ACL),
    Folder(("Windows", "System32", "config"), _D, _CONFIG, "inferred",
           "only SYSTEM and Administrators read it; Microsoft, CVE-2021-36934, says that Users must not"),
)
_IMAGE: tuple[Folder, ...] = (
    Folder(("Windows", "System32", "drivers"), _D, SYSTEM_SDDL, "reported", _GET_ACL),
    Folder(("Windows", "System32", "drivers", "etc"), _D, SYSTEM_SDDL, "inferred", "as its parent"),
    Folder(("Windows", "Temp"), _D, _TEMP, "reported", "icacls C:\\Windows\\Temp: Users (CI)(S,WD,AD,X)"),
    Folder(("Program Files",), a.READONLY | _D, SYSTEM_SDDL, "reported", _GET_ACL + "; Squirrel, MachineInstaller.cpp"),
    Folder(("Program Files", "Common Files"), _D, SYSTEM_SDDL, "inferred", "as its parent"),
    Folder(("ProgramData",), a.HIDDEN | _D | a.NOT_CONTENT_INDEXED, _PROGRAM_DATA, "reported", _GET_ACL),
    Folder(("Users",), a.READONLY | _D, _USERS, "reported", _GET_ACL),
    Folder(("Users", "Default"), a.READONLY | a.HIDDEN | _D, _USERS, "inferred", "as its parent"),
    Folder(("Users", "Public"), a.READONLY | _D, _PUBLIC, "inferred",
           "icacls C:\\Users\\Public: INTERACTIVE, SERVICE and BATCH (RX,WD,AD) and (OI)(CI)(IO)(M,DC)"),
    Folder(("Users", "ContainerAdministrator"), _D, _profile("S-1-5-93-2-1"), "inferred", _PROFILE),
    Folder(("Users", "ContainerUser"), _D, _profile("S-1-5-93-2-2"), "inferred", _PROFILE),
)
_SERVER: tuple[Folder, ...] = (
    Folder(("Windows", "SysWOW64"), _D, SYSTEM_SDDL, "reported", _GET_ACL),
    Folder(("Program Files (x86)",), a.READONLY | _D, SYSTEM_SDDL, "reported", _GET_ACL),
    Folder(("Program Files (x86)", "Common Files"), _D, SYSTEM_SDDL, "inferred", "as its parent"),
    Folder(("inetpub",), _D, _INETPUB, "reported",
           "the update of April 2025 (CVE-2025-21204) makes it with this ACL where IIS is not installed"),
)
_FLAVOURS: dict[str, tuple[Folder, ...]] = {
    "hostprocess": _BASE,
    "nanoserver": _BASE + _IMAGE,
    "servercore": _BASE + _IMAGE + _SERVER,
    "server": _BASE + _IMAGE + _SERVER,
    "windows": _BASE + _IMAGE + _SERVER,
}


def folders(flavour: str, build: int = 0) -> tuple[Folder, ...]:
    """The well-known folders of a base image, parents before children, siblings by folded name.

    ``flavour`` is ``nanoserver``, ``servercore``, ``server``, ``windows`` or ``hostprocess``. ``build`` is the
    Windows build; nothing that differs between the builds that have containers is known, and an unknown one is
    welcome. ``UnsupportedError`` for another flavour.
    """
    del build
    if flavour not in _FLAVOURS:
        raise UnsupportedError(f"no base image {quoted(flavour)} is known", why=f"known are {', '.join(_FLAVOURS)}")
    return tuple(sorted(_FLAVOURS[flavour], key=lambda folder: tuple(map(fold, folder.path))))


def find_folder(path: tuple[str, ...], flavour: str, build: int = 0) -> Folder | None:
    """The well-known folder at ``path`` in any case, ``None`` when it is not one."""
    wanted = tuple(map(fold, path))
    return next((f for f in folders(flavour, build) if tuple(map(fold, f.path)) == wanted), None)
