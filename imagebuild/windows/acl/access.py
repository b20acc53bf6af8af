# SPDX-License-Identifier: Apache-2.0
"""May an account do this? The access check of Windows, and the meaning of generic rights.

Algorithm: [MS-DTYP] 2.5.3.2 ("Access Check Algorithm Pseudocode"); owner rights: Microsoft's "Well-known SIDs",
S-1-3-4. Mandatory labels are not considered: everything in a container runs at one integrity level.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from .. import security as s
from ..security import Ace, SecurityDescriptor
from ..sid import OWNER_RIGHTS, Sid

_DENY = frozenset({s.DENY, s.DENY_OBJECT, s.DENY_CALLBACK, s.DENY_CALLBACK_OBJECT})
_ALLOW = frozenset({s.ALLOW, s.ALLOW_OBJECT})
_PRIVILEGES = {"SeTakeOwnershipPrivilege": s.WRITE_OWNER, "SeSecurityPrivilege": s.ACCESS_SYSTEM_SECURITY}


@dataclass(frozen=True, slots=True)
class GenericMapping:
    """What GENERIC_READ, WRITE, EXECUTE and ALL stand for with one kind of object ([MS-DTYP] 2.4.3)."""

    read: int
    write: int
    execute: int
    all: int

    def map(self, mask: int) -> int:
        """The mask with its generic bits replaced by what they stand for."""
        for generic, rights in ((s.GENERIC_READ, self.read), (s.GENERIC_WRITE, self.write),
                                (s.GENERIC_EXECUTE, self.execute), (s.GENERIC_ALL, self.all)):
            if mask & generic:
                mask = mask & ~generic | rights
        return mask


FILE = GenericMapping(s.FILE_READ, s.FILE_WRITE, s.FILE_EXECUTE, s.FILE_ALL)
"""Files and folders (winnt.h, FILE_GENERIC_*)."""
KEY = GenericMapping(s.KEY_READ, s.KEY_WRITE, s.KEY_READ | 0x20, s.KEY_ALL)
"""Registry keys (winreg.h, KEY_*). The kernel's GENERIC_EXECUTE adds KEY_CREATE_LINK to what winreg.h calls
KEY_EXECUTE: in hives that Windows wrote, inherited ``GXGR`` is ``CCSWRPWPRC``."""


@dataclass(frozen=True, slots=True)
class Access:
    """The answer: the rights ``granted``, those ``missing``, and the ACE that ``denied`` one, if an ACE did."""

    granted: int
    missing: int
    denied: Ace | None = None

    def allowed(self) -> bool:
        """Whether all that was asked for is granted."""
        return not self.missing


def access_check(sd: SecurityDescriptor, sids: Collection[Sid], desired: int, *, mapping: GenericMapping = FILE,
                 privileges: Collection[str] = ()) -> Access:
    """What somebody whose token holds ``sids`` (user and groups) gets who asks for ``desired``.

    Entries count in their order: a right is decided by the first entry that names it. The owner reads and changes the
    descriptor unless an OWNER RIGHTS entry says what he may do. No DACL, or a NULL one, grants everything; an empty
    one nothing. With MAXIMUM_ALLOWED, ``granted`` is all that could be asked for. Entries for object types do not
    concern files and keys; conditions cannot be evaluated here, so a conditional deny denies and a conditional allow
    does not grant, as [MS-DTYP] has it for a condition of unknown outcome. ``privileges`` are
    ``SeTakeOwnershipPrivilege`` and ``SeSecurityPrivilege`` where the token holds them.
    """
    wanted = mapping.map(desired & ~s.MAXIMUM_ALLOWED)
    everything = bool(desired & s.MAXIMUM_ALLOWED)
    by_privilege = 0
    for name in privileges:
        by_privilege |= _PRIVILEGES.get(name, 0)
    granted = by_privilege & (wanted | (s.WRITE_OWNER if everything else 0))
    if sd.dacl is None:
        granted |= (wanted & ~s.ACCESS_SYSTEM_SECURITY) | (mapping.all if everything else 0)
        return Access(granted, wanted & ~granted)
    mine = set(sids)
    effective = [ace for ace in sd.dacl.aces if not ace.flags & s.INHERIT_ONLY]
    if sd.owner in mine:
        mine.add(OWNER_RIGHTS)
        if not any(ace.sid == OWNER_RIGHTS for ace in effective):
            granted |= (s.READ_CONTROL | s.WRITE_DAC) if everything else (s.READ_CONTROL | s.WRITE_DAC) & wanted
    return _walk(effective, mine, wanted, granted, everything, mapping)


def _walk(aces: list[Ace], mine: set[Sid], wanted: int, granted: int, everything: bool,
          mapping: GenericMapping) -> Access:
    """Decide every right by the first entry that names it."""
    denied, by = 0, None
    for ace in aces:
        if ace.sid not in mine or ace.object_type is not None:
            continue
        mask = mapping.map(ace.mask) & ~s.ACCESS_SYSTEM_SECURITY
        if ace.type in _DENY:
            if by is None and mask & wanted & ~granted:
                by = ace
            denied |= mask & ~granted
        elif ace.type in _ALLOW:
            granted |= mask & ~denied if everything else mask & wanted & ~denied
    return Access(granted, wanted & ~granted, by if wanted & ~granted else None)
