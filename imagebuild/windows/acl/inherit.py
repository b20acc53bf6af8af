# SPDX-License-Identifier: Apache-2.0
"""What a new file, folder or key gets from its parent: access control lists inherited as NTFS and the kernel do it.

Algorithm: [MS-DTYP] 2.5.3.4 (CreateSecurityDescriptor, ComputeACL, PostProcessACL); order of sources: Microsoft's
"DACL for a New Object". Two things are in no document and were read off the registry hives of real machines, where
this computes the stored entries of 32,776 of 32,817 keys (the rest were edited by hand or inherited before their
parent changed): an effective entry keeps only rights that its kind of object has at all (those of GENERIC_ALL), so
that ``0x111fffff`` becomes ``KA``; and what an earlier inherited entry already says is not said again.
"""

from __future__ import annotations

from dataclasses import replace

from .. import security as s
from ..security import Ace, Acl, SecurityDescriptor
from ..sid import CREATOR_GROUP, CREATOR_OWNER, SYSTEM, Sid
from .access import FILE, GenericMapping

_DOWN = s.OBJECT_INHERIT | s.CONTAINER_INHERIT | s.NO_PROPAGATE_INHERIT | s.INHERIT_ONLY
_REACH = s.OBJECT_INHERIT | s.CONTAINER_INHERIT | s.INHERIT_ONLY
_NOT_RIGHTS = frozenset({s.MANDATORY_LABEL, s.RESOURCE_ATTRIBUTE, s.SCOPED_POLICY_ID, s.PROCESS_TRUST_LABEL})
"""Entries whose mask is no set of rights: generic bits mean nothing in them."""


def inherited(parent: SecurityDescriptor, *, directory: bool, owner: Sid, group: Sid | None = None,
              explicit: SecurityDescriptor | None = None, mapping: GenericMapping = FILE) -> SecurityDescriptor:
    """The descriptor of something new below ``parent``; ``directory`` for folders and keys.

    Without ``explicit`` the lists come from the parent's inheritable entries; when it has none for the DACL, owner and
    SYSTEM get full control, which is what the default DACL of an ordinary token says. ``explicit`` is what its creator
    asks for: its owner and group win, and its lists replace the inherited ones if protected, else come before them;
    entries in it that are marked inherited are dropped, so that a changed parent can be propagated by passing the
    old descriptor. ``group`` is SYSTEM when nobody names one.

    The result is marked auto-inherited (``AI``), and what came from the parent ``ID``, as NTFS does on every file.
    """
    owner = explicit.owner if explicit is not None and explicit.owner is not None else owner
    group = explicit.group if explicit is not None and explicit.group is not None else group or SYSTEM
    compute = _Computer(directory, owner, group, mapping)
    dacl: Acl | None
    if explicit is not None and explicit.has_dacl():
        control = explicit.control & s.DACL_PROTECTED | s.DACL_PRESENT | s.DACL_AUTO_INHERITED
        dacl = compute.merged(explicit.dacl, None if explicit.is_protected() else parent.dacl)
    else:
        aces = compute.from_parent(parent.dacl)
        control = s.DACL_PRESENT | (s.DACL_AUTO_INHERITED if aces else 0)
        dacl = _acl(aces or [Ace(s.ALLOW, 0, mapping.all, sid) for sid in dict.fromkeys((owner, SYSTEM))])
    sacl, bits = _sacl(compute, parent, explicit)
    return SecurityDescriptor(control | bits, owner, group, dacl, sacl)


def _sacl(compute: _Computer, parent: SecurityDescriptor,
          explicit: SecurityDescriptor | None) -> tuple[Acl | None, int]:
    """The audit list and its control bits; there is none unless somebody asked for it."""
    if explicit is not None and explicit.has_sacl():
        protected = explicit.control & s.SACL_PROTECTED
        bits = protected | s.SACL_PRESENT | s.SACL_AUTO_INHERITED
        return compute.merged(explicit.sacl, None if protected else parent.sacl), bits
    aces = compute.from_parent(parent.sacl)
    return (_acl(aces), s.SACL_PRESENT | s.SACL_AUTO_INHERITED) if aces else (None, 0)


class _Computer:
    """What stays the same while one descriptor is computed."""

    def __init__(self, directory: bool, owner: Sid, group: Sid, mapping: GenericMapping) -> None:
        self.directory = directory
        self.accounts = {CREATOR_OWNER: owner, CREATOR_GROUP: group}
        self.mapping = mapping

    def merged(self, explicit: Acl | None, parent: Acl | None) -> Acl | None:
        """The creator's entries, made effective here, then the parent's; a NULL list stays one."""
        if explicit is None:
            return None
        aces = []
        for ace in explicit.aces:
            if not ace.flags & s.INHERITED:
                aces += self.settle(ace)
        return _acl(aces + self.from_parent(parent))

    def from_parent(self, parent: Acl | None) -> list[Ace]:
        """The parent's inheritable entries as they stand on the child ([MS-DTYP] 2.5.3.4.4)."""
        aces: list[Ace] = []
        for ace in parent.aces if parent is not None else ():
            flags = self.passed_on(ace)
            if flags is not None:
                for new in self.settle(replace(ace, flags=flags | s.INHERITED)):
                    aces += _without_repeats(new, aces)
        return aces

    def passed_on(self, ace: Ace) -> int | None:
        """The flags with which an entry of the parent arrives, ``None`` when it does not."""
        here = ace.flags & (s.CONTAINER_INHERIT if self.directory else s.OBJECT_INHERIT)
        further = self.directory and not ace.flags & s.NO_PROPAGATE_INHERIT
        applies = bool(here) and ace.inherited_type is None  # files and keys are of no directory-object type
        if applies:
            return ace.flags & ~(s.INHERIT_ONLY if further else _DOWN)
        if further and ace.flags & (s.CONTAINER_INHERIT | s.OBJECT_INHERIT):
            return ace.flags | s.INHERIT_ONLY
        return None

    def settle(self, ace: Ace) -> list[Ace]:
        """An entry as it takes effect on this object: generic rights mapped, creators replaced (2.5.3.4.7).

        When that changes an entry which is also handed on, it becomes two: the effective one, and the original as
        inherit-only. One that grants nothing here leaves only the second.
        """
        if not self.directory:
            if ace.flags & s.INHERIT_ONLY:
                return []
            ace = replace(ace, flags=ace.flags & ~_DOWN)
        if ace.sid is None or ace.flags & s.INHERIT_ONLY:
            return [ace]
        sid = self.accounts.get(ace.sid, ace.sid)
        mask = ace.mask if ace.type in _NOT_RIGHTS else self.mapping.map(ace.mask) & self.mapping.all
        if (mask, sid) == (ace.mask, ace.sid):
            return [ace]
        effective = [replace(ace, mask=mask, sid=sid, flags=ace.flags & ~_DOWN)] if mask else []
        if ace.flags & (s.OBJECT_INHERIT | s.CONTAINER_INHERIT):
            return [*effective, replace(ace, flags=ace.flags | s.INHERIT_ONLY)]
        return effective


def _without_repeats(new: Ace, before: list[Ace]) -> list[Ace]:
    """An inherited entry less what earlier ones already say: here, to folders below, to files below.

    Without this, every folder whose owner is also named would get a second entry from CREATOR OWNER.
    """
    parts = _parts(new)
    for old in before:
        beyond = old.mask != new.mask if new.type in _NOT_RIGHTS else new.mask & ~old.mask
        if not beyond and _blank(old) == _blank(new):
            parts -= _parts(old)
    if not parts:
        return []
    kept = sum(parts - {0}) | (0 if 0 in parts else s.INHERIT_ONLY)
    return [replace(new, flags=new.flags & ~_REACH | kept)]


def _blank(ace: Ace) -> Ace:
    """An entry without its rights and its reach: what two entries must share to repeat each other."""
    return replace(ace, flags=ace.flags | _REACH, mask=0)


def _parts(ace: Ace) -> set[int]:
    """Where an entry has an effect: 0 for here, CONTAINER_INHERIT and OBJECT_INHERIT for below."""
    below = {flag for flag in (s.OBJECT_INHERIT, s.CONTAINER_INHERIT) if ace.flags & flag}
    return below if ace.flags & s.INHERIT_ONLY else below | {0}


def _acl(aces: list[Ace]) -> Acl:
    return Acl(tuple(aces), 4 if any(ace.type in s.OBJECT_TYPES for ace in aces) else 2)
