# SPDX-License-Identifier: Apache-2.0
"""Security descriptors in bytes: owner, group and access control lists as Windows keeps them.

Layouts: [MS-DTYP] 2.4.4 (ACEs), 2.4.5 (ACL), 2.4.6 (SECURITY_DESCRIPTOR). Every ACE is carried byte for byte: the ones
whose layout is documented as their fields, all others as the bytes after their header. Lengths and offsets are checked
against what is there, never trusted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from struct import Struct, unpack_from

from ..errors import FormatError
from .sid import Sid

# ACE types ([MS-DTYP] 2.4.4.1); 0x04 (compound) and 0x10 (callback object alarm) are reserved.
ALLOW, DENY, AUDIT, ALARM = 0x00, 0x01, 0x02, 0x03
ALLOW_OBJECT, DENY_OBJECT, AUDIT_OBJECT, ALARM_OBJECT = 0x05, 0x06, 0x07, 0x08
ALLOW_CALLBACK, DENY_CALLBACK, ALLOW_CALLBACK_OBJECT, DENY_CALLBACK_OBJECT = 0x09, 0x0A, 0x0B, 0x0C
AUDIT_CALLBACK, ALARM_CALLBACK, AUDIT_CALLBACK_OBJECT, ALARM_CALLBACK_OBJECT = 0x0D, 0x0E, 0x0F, 0x10
MANDATORY_LABEL, RESOURCE_ATTRIBUTE, SCOPED_POLICY_ID, PROCESS_TRUST_LABEL, ACCESS_FILTER = 0x11, 0x12, 0x13, 0x14, 0x15

OBJECT_TYPES = frozenset({ALLOW_OBJECT, DENY_OBJECT, AUDIT_OBJECT, ALARM_OBJECT, ALLOW_CALLBACK_OBJECT,
                          DENY_CALLBACK_OBJECT, AUDIT_CALLBACK_OBJECT, ALARM_CALLBACK_OBJECT})
"""ACE types that carry up to two GUIDs."""
KNOWN_TYPES = frozenset(range(0x16)) - {0x04}
"""ACE types whose fields we read: mask, GUIDs, SID, and the application data after it."""

# ACE flags (2.4.4.1). 0x20 and 0x40 mean something else in an ACL of access, see sddl.
OBJECT_INHERIT, CONTAINER_INHERIT, NO_PROPAGATE_INHERIT, INHERIT_ONLY, INHERITED = 0x01, 0x02, 0x04, 0x08, 0x10
CRITICAL, SUCCESSFUL_ACCESS, FAILED_ACCESS = 0x20, 0x40, 0x80

# Control flags (2.4.6).
OWNER_DEFAULTED, GROUP_DEFAULTED, DACL_PRESENT, DACL_DEFAULTED = 0x0001, 0x0002, 0x0004, 0x0008
SACL_PRESENT, SACL_DEFAULTED, DACL_TRUSTED, SERVER_SECURITY = 0x0010, 0x0020, 0x0040, 0x0080
DACL_AUTO_INHERIT_REQ, SACL_AUTO_INHERIT_REQ, DACL_AUTO_INHERITED, SACL_AUTO_INHERITED = 0x0100, 0x0200, 0x0400, 0x0800
DACL_PROTECTED, SACL_PROTECTED, RM_CONTROL_VALID, SELF_RELATIVE = 0x1000, 0x2000, 0x4000, 0x8000

# Access masks: generic and standard ([MS-DTYP] 2.4.3), files (winnt.h), keys (winreg.h).
GENERIC_READ, GENERIC_WRITE, GENERIC_EXECUTE, GENERIC_ALL = 0x8000_0000, 0x4000_0000, 0x2000_0000, 0x1000_0000
MAXIMUM_ALLOWED, ACCESS_SYSTEM_SECURITY = 0x0200_0000, 0x0100_0000
DELETE, READ_CONTROL, WRITE_DAC, WRITE_OWNER = 0x0001_0000, 0x0002_0000, 0x0004_0000, 0x0008_0000
SYNCHRONIZE = 0x0010_0000
FILE_ALL, FILE_READ, FILE_WRITE, FILE_EXECUTE = 0x001F_01FF, 0x0012_0089, 0x0012_0116, 0x0012_00A0
FILE_MODIFY, FILE_READ_EXECUTE = 0x0013_01BF, 0x0012_00A9
KEY_ALL, KEY_READ, KEY_WRITE, KEY_EXECUTE = 0x000F_003F, 0x0002_0019, 0x0002_0006, 0x0002_0019

_HEADER = Struct("<BBHIIII")
_ACL = Struct("<BBHHH")
_ACE = Struct("<BBH")
_PARTS = "ogsd"


@dataclass(frozen=True, slots=True)
class Ace:
    """One entry of an access control list.

    ``sid`` is ``None`` exactly when the type's layout is not known (:data:`KNOWN_TYPES`); such an ACE has only
    ``data``, all bytes after its four-byte header. For the others ``data`` is what follows the SID: the condition of a
    callback ACE, the claim of a resource attribute, else nothing. GUIDs are 16 bytes as they stand on disk;
    ``object_bits`` are bits of an object ACE's flags beyond the two that say which GUIDs are there.
    """

    type: int
    flags: int = 0
    mask: int = 0
    sid: Sid | None = None
    object_type: bytes | None = None
    inherited_type: bytes | None = None
    object_bits: int = 0
    data: bytes = b""

    def to_bytes(self) -> bytes:
        """The ACE with its header; its size must stay under 64 KiB (``FormatError``)."""
        size = 4 + len(self.data)
        body = b""
        if self.sid is not None:
            body = self.mask.to_bytes(4, "little")
            if self.type in OBJECT_TYPES:
                here = (self.object_type is not None) | (self.inherited_type is not None) << 1 | self.object_bits
                body += here.to_bytes(4, "little") + (self.object_type or b"") + (self.inherited_type or b"")
            body += self.sid.to_bytes()
        size += len(body)
        if size > 0xFFFF:
            raise FormatError("cannot write an access control entry", why=f"it has {size} bytes, 65535 are allowed")
        return _ACE.pack(self.type, self.flags, size) + body + self.data


@dataclass(frozen=True, slots=True)
class Acl:
    """An access control list: ``revision`` (2, or 4 with object ACEs), its ACEs in order, and ``tail``.

    ``tail`` is unused room after the last ACE that the ACL's size counts; Windows leaves some in the registry.
    """

    aces: tuple[Ace, ...] = ()
    revision: int = 2
    tail: bytes = b""

    @classmethod
    def from_bytes(cls, data: bytes, at: int = 0, *, source: str = "") -> Acl:
        """The ACL at offset ``at`` of ``data``; ``FormatError`` names the offset in ``data`` that is wrong."""
        if at + 8 > len(data):
            raise FormatError("cannot read an access control list", offset=at, source=source, why="it is cut off")
        revision, _unused, size, count, _unused = _ACL.unpack_from(data, at)
        end = at + size
        if size < 8 or end > len(data):
            raise FormatError("cannot read an access control list", offset=at + 2, source=source,
                              why=f"it says {size} bytes, {len(data) - at} are there")
        aces = []
        place = at + 8
        for _unused in range(count):
            ace, place = _read_ace(data, place, end, source)
            aces.append(ace)
        return cls(tuple(aces), revision, data[place:end])

    def to_bytes(self) -> bytes:
        """The ACL with its header; all of it must stay under 64 KiB (``FormatError``)."""
        aces = b"".join([ace.to_bytes() for ace in self.aces])
        size = 8 + len(aces) + len(self.tail)
        if size > 0xFFFF:
            raise FormatError("cannot write an access control list", why=f"it has {size} bytes, 65535 are allowed")
        return _ACL.pack(self.revision, 0, size, len(self.aces), 0) + aces + self.tail


@dataclass(frozen=True, slots=True)
class SecurityDescriptor:
    """Who owns an object and who may do what to it.

    ``dacl`` is ``None`` both when there is none and when there is a NULL one; :meth:`has_dacl` tells them apart, and
    either lets everyone do everything, while an ``Acl`` without ACEs lets no one. The same holds for ``sacl``.
    ``control`` always includes SELF_RELATIVE and says what is present. ``manager`` is the byte that RM_CONTROL_VALID
    refers to. ``layout`` is the order in which the parts stand in the bytes (``o``, ``g``, ``s``, ``d``): a descriptor
    that was read writes back the same bytes; it plays no part in comparison.

    The default layout is owner, group, SACL, DACL, as ConvertStringSecurityDescriptorToSecurityDescriptor gives it
    and every layer made by go-winio carries it (its ``sd_test.go``, BuildKit's ``winlayers``); the kernel's own, found
    in registry hives, is SACL, DACL, owner, group. All are legal ([MS-DTYP] 2.4.6).
    """

    control: int = SELF_RELATIVE
    owner: Sid | None = None
    group: Sid | None = None
    dacl: Acl | None = None
    sacl: Acl | None = None
    manager: int = 0
    layout: str = _PARTS

    def __post_init__(self) -> None:
        control = self.control | SELF_RELATIVE
        control |= DACL_PRESENT if self.dacl is not None else 0
        control |= SACL_PRESENT if self.sacl is not None else 0
        object.__setattr__(self, "control", control)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecurityDescriptor) and self._facts() == other._facts()

    def __hash__(self) -> int:
        return hash(self._facts())

    def _facts(self) -> tuple[object, ...]:
        return self.control, self.owner, self.group, self.dacl, self.sacl, self.manager

    def has_dacl(self) -> bool:
        """Whether a DACL is present, a NULL one included."""
        return bool(self.control & DACL_PRESENT)

    def has_sacl(self) -> bool:
        """Whether a SACL is present, a NULL one included."""
        return bool(self.control & SACL_PRESENT)

    def is_protected(self) -> bool:
        """Whether the DACL refuses to inherit from its parent (``P`` in SDDL)."""
        return bool(self.control & DACL_PROTECTED)

    def with_owner(self, owner: Sid | None) -> SecurityDescriptor:
        """The same descriptor with another owner."""
        return replace(self, owner=owner, control=self.control & ~OWNER_DEFAULTED)

    def with_dacl(self, dacl: Acl | None, *, present: bool = True) -> SecurityDescriptor:
        """The same descriptor with another DACL; ``None`` is a NULL one unless ``present`` is false."""
        control = self.control & ~DACL_DEFAULTED
        control = control | DACL_PRESENT if present else control & ~DACL_PRESENT
        return replace(self, dacl=dacl, control=control)

    @classmethod
    def from_bytes(cls, data: bytes, *, source: str = "") -> SecurityDescriptor:
        """The self-relative descriptor at the start of ``data``, in whatever order its parts stand.

        An ACL that the control flags do not announce is ignored, as Windows ignores it. ``FormatError`` with the
        offset, in ``source``, when anything reaches outside ``data``.
        """
        if len(data) < 20:
            raise FormatError("cannot read a security descriptor", offset=len(data), source=source,
                              why=f"it has {len(data)} bytes, its header alone needs 20")
        revision, manager, control, owner, group, sacl, dacl = _HEADER.unpack_from(data)
        if revision != 1 or not control & SELF_RELATIVE:
            raise FormatError("cannot read a security descriptor", offset=0 if revision != 1 else 2, source=source,
                              why="its revision is not 1" if revision != 1 else "it is not in self-relative form")
        sacl *= bool(control & SACL_PRESENT)
        dacl *= bool(control & DACL_PRESENT)
        places = dict(zip(_PARTS, (owner, group, sacl, dacl), strict=True))
        for field, part in enumerate(_PARTS):
            if places[part] and not 20 <= places[part] <= len(data):
                raise FormatError("cannot read a security descriptor", offset=4 + 4 * field, source=source,
                                  why=f"an offset of {places[part]} points outside its {len(data)} bytes")
        # Parts that are absent keep their canonical rank, so that adding one later puts it where it is expected.
        layout = "".join(sorted((part for part in _PARTS if places[part]), key=lambda part: places[part]))
        return cls(control,
                   Sid.from_bytes(data[owner:owner + 68], offset=owner, source=source) if owner else None,
                   Sid.from_bytes(data[group:group + 68], offset=group, source=source) if group else None,
                   Acl.from_bytes(data, dacl, source=source) if dacl else None,
                   Acl.from_bytes(data, sacl, source=source) if sacl else None,
                   manager, layout + "".join(part for part in _PARTS if part not in layout))

    def to_bytes(self) -> bytes:
        """The descriptor in self-relative form, its parts in the order of ``layout`` without gaps."""
        parts = {"o": self.owner, "g": self.group, "s": self.sacl, "d": self.dacl}
        places = dict.fromkeys(_PARTS, 0)
        body = b""
        for part in self.layout:
            value = parts[part]
            if value is not None:
                places[part] = 20 + len(body)
                body += value.to_bytes()
        return _HEADER.pack(1, self.manager, self.control, *(places[part] for part in _PARTS)) + body


def _read_ace(data: bytes, at: int, end: int, source: str) -> tuple[Ace, int]:
    """The ACE at ``at`` and the place after it; it must end by ``end``."""
    if at + 4 > end:
        raise FormatError("cannot read an access control entry", offset=at, source=source,
                          why="the list ends before the number of entries it announces")
    kind, flags, size = _ACE.unpack_from(data, at)
    stop = at + size
    if size < 4 or stop > end:
        raise FormatError("cannot read an access control entry", offset=at + 2, source=source,
                          why=f"it says {size} bytes, {end - at} are left in the list")
    if kind not in KNOWN_TYPES:
        return Ace(kind, flags, data=data[at + 4:stop]), stop
    place = at + 4
    needed = 8 if kind in OBJECT_TYPES else 4
    if place + needed > stop:
        raise FormatError("cannot read an access control entry", offset=at, source=source, why="it is cut off")
    mask = int.from_bytes(data[place:place + 4], "little")
    place += needed
    guids: list[bytes | None] = [None, None]
    bits = 0
    if kind in OBJECT_TYPES:
        (bits,) = unpack_from("<I", data, place - 4)
        for which in (0, 1):
            if bits >> which & 1:
                guids[which] = data[place:place + 16]
                place += 16
    if place > stop:
        raise FormatError("cannot read an access control entry", offset=at, source=source, why="it is cut off")
    sid = Sid.from_bytes(data[place:stop], offset=place, source=source)
    place += 8 + 4 * len(sid.subs)
    return Ace(kind, flags, mask, sid, guids[0], guids[1], bits & ~3, data[place:stop]), stop
