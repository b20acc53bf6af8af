# SPDX-License-Identifier: Apache-2.0
r"""Which hive a path of the registry lies in: ``HKLM\SOFTWARE\Microsoft`` is ``Microsoft`` in the hive SOFTWARE.

A container has five hives that layers can change by deltas (hcsshim ``internal/wclayer/cim/common.go`` names them), and
the files of its users' profiles, which are ordinary files of a layer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ..errors import InputError, UnsupportedError, quoted
from .roots import ROOTS, long_path
from .tree import split

Kind = Literal["machine", "user", "classes"]

MACHINE = {"SYSTEM": "System_Delta", "SOFTWARE": "Software_Delta", "SAM": "Sam_Delta", "SECURITY": "Security_Delta",
           "DEFAULT": "DefaultUser_Delta"}
"""A hive's file in ``System32\\config`` to its delta in a layer's ``Hives``."""
_WITHOUT_DELTA = {
    "COMPONENTS": "it belongs to servicing, which containers do not do",
    "DRIVERS": "it belongs to the kernel, which is the host's",
    "HARDWARE": "it is made anew whenever Windows starts",
}
_LM, _USERS = ROOTS["HKLM"], ROOTS["HKU"]
_CURRENT = ROOTS["HKCU"]
_SYSTEM_SID = "S-1-5-18"
_SID = re.compile(r"S-1(?:-\d+)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HiveName:
    """One hive of an image.

    ``name`` is that of a machine's hive (a key of :data:`MACHINE`); of a user's, the user's SID or account, empty for
    the user that the image runs as. ``root`` is where the registry shows the hive.
    """

    kind: Kind
    name: str
    root: str

    def delta(self) -> str:
        """The file of a layer's ``Hives`` that changes it; empty for hives that are files of a profile."""
        return MACHINE[self.name] if self.kind == "machine" else ""


@dataclass(frozen=True, slots=True)
class Place:
    """A key: the hive it lies in, and its path below the hive's root."""

    hive: HiveName
    path: str


HIVES = {name: HiveName("machine", name, f"{_LM}\\{name}" if name != "DEFAULT" else f"{_USERS}\\.DEFAULT")
         for name in MACHINE}
"""The machine's hives by name."""


def place_of(path: str) -> Place:
    """Where a key lies, given with its root (short or long).

    InputError for a path that is not below a hive, UnsupportedError for hives that no layer can change.
    """
    long = long_path(path)
    if long is None:
        raise InputError(f"cannot find {path} in the registry", why="it does not begin with a root key",
                         hint=f"begin with one of {', '.join(ROOTS)}")
    root, *parts = split(long)
    if root == ROOTS["HKCR"]:
        return Place(HIVES["SOFTWARE"], "\\".join(("Classes", *parts)))
    if root == ROOTS["HKCC"]:
        return Place(HIVES["SYSTEM"], "\\".join((r"CurrentControlSet\Hardware Profiles\Current", *parts)))
    if root == _CURRENT:
        return _of_user("", _CURRENT, parts)
    if not parts:
        below = ", ".join(MACHINE) if root == _LM else ".DEFAULT and the SIDs of users"
        raise InputError(f"cannot use {path} as it is", why=f"it is no hive, but what has them: {below}",
                         hint=f"name one, such as {root}\\{'SOFTWARE' if root == _LM else '.DEFAULT'}")
    first, rest = parts[0], parts[1:]
    return _of_machine(first.upper(), rest, path) if root == _LM else _of_users(first, rest, path)


def _of_machine(name: str, rest: list[str], path: str) -> Place:
    if name in MACHINE and name != "DEFAULT":
        return Place(HIVES[name], "\\".join(rest))
    why = "it belongs to starting Windows, which containers do not do" if name.startswith("BCD") else \
        _WITHOUT_DELTA.get(name)
    if why is not None:
        raise UnsupportedError(f"cannot use {path}", why=f"layers have no delta for {name}: {why}",
                               hint="the file itself may be in Files/Windows/System32/config: 'wcow cat' gets it")
    raise InputError(f"cannot find {path} in the registry", why=f"there is no hive {name}",
                     hint=f"hives below {_LM} are {', '.join(name for name in MACHINE if name != 'DEFAULT')}")


def _of_users(name: str, rest: list[str], path: str) -> Place:
    if name.upper() in (".DEFAULT", _SYSTEM_SID):
        return Place(HIVES["DEFAULT"], "\\".join(rest))
    sid, underscore, classes = name.partition("_")
    if not _SID.fullmatch(sid) or (underscore and classes.upper() != "CLASSES"):
        raise InputError(f"cannot find {path} in the registry",
                         why=f"{quoted(name)} is neither .DEFAULT nor the SID of a user",
                         hint=r"HKU\S-1-5-93-2-1 is ContainerAdministrator's, HKU\S-1-5-93-2-2 ContainerUser's")
    sid = sid.upper()
    if underscore:
        return Place(HiveName("classes", sid, f"{_USERS}\\{sid}_Classes"), "\\".join(rest))
    return _of_user(sid, f"{_USERS}\\{sid}", rest)


def _of_user(name: str, root: str, parts: list[str]) -> Place:
    if [part.upper() for part in parts[:2]] == ["SOFTWARE", "CLASSES"]:
        return Place(HiveName("classes", name, f"{root}\\Software\\Classes"), "\\".join(parts[2:]))
    return Place(HiveName("user", name, root), "\\".join(parts))
