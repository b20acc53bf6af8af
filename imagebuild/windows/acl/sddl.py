# SPDX-License-Identifier: Apache-2.0
"""SDDL: security descriptors as people write them, ``O:BAG:SYD:PAI(A;OICI;FA;;;BA)``.

Grammar: [MS-DTYP] 2.5.1.1 and Microsoft's "Security Descriptor String Format". What is printed is spelled as Windows
spells it (ConvertSecurityDescriptorToStringSecurityDescriptor): upper case, sections in the order O G D S, flags as
``PARAI``, NULL lists as ``NO_ACCESS_CONTROL``, masks by whole names or letters where there are any, in hex elsewhere.

Entries with a condition (``XA``, ``XD``, ``XU``, ``ZA``, ``FL``) are printed with its bytes in hex, and entries of a
type that has no letters with their type as a number and their bytes in hex; neither can be read back, because we do
not compile conditions: a descriptor that has one travels in bytes.
"""

from __future__ import annotations

import re
from typing import Literal

from ...errors import FormatError, UnsupportedError, quoted
from .. import security as s
from ..security import Ace, Acl, SecurityDescriptor
from ..sid import RELATIVE_ALIASES, Sid, alias, from_alias
from .claims import format_claim, number, parse_claim
from .tokens import CONDITIONAL, FLAGS, RIGHTS, TYPES, WORDS, flags_text, rights_text

Kind = Literal["file", "key"]

_SECTION = re.compile(r"\s*([OGDS]):\s*", re.IGNORECASE)
_NUMBER = r"(?:0x[0-9a-f]+|[0-9]+)"
_SID = re.compile(rf"(S-{_NUMBER}(?:-{_NUMBER})+|[A-Z][A-Z])\s*(?=[OGDS]:|$)", re.IGNORECASE)
_ACL_FLAGS = re.compile(r"(P|AR|AI)\s*", re.IGNORECASE)
_NULL_ACL = re.compile(r"NO_ACCESS_CONTROL\s*", re.IGNORECASE)
_GUID = re.compile(r"([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})", re.IGNORECASE)
_ACE = re.compile(r'\(((?:[^()"]|"[^"]*"|\((?:[^()"]|"[^"]*"|\([^()"]*\))*\))*)\)\s*')
_CONDITIONAL = re.compile(rf"\(\s*({'|'.join(CONDITIONAL)})\s*;", re.IGNORECASE)

_ACL_CONTROL = {
    "D": {"P": s.DACL_PROTECTED, "AR": s.DACL_AUTO_INHERIT_REQ, "AI": s.DACL_AUTO_INHERITED},
    "S": {"P": s.SACL_PROTECTED, "AR": s.SACL_AUTO_INHERIT_REQ, "AI": s.SACL_AUTO_INHERITED},
}
_TYPE_NAMES = {value: name for name, value in (TYPES | CONDITIONAL).items()}


def parse_sddl(text: str, *, kind: Kind = "file", domain: Sid | None = None) -> SecurityDescriptor:
    """The security descriptor that ``text`` writes, in upper or lower case, sections in any order, each at most once.

    SDDL is one language for all objects: ``kind`` ("file" or "key") only says in errors what the text is for.
    ``domain`` is the SID of the domain or machine that aliases such as ``DA`` and ``LA`` are relative to; without it
    they are refused, since an image belongs to no domain.

    ``FormatError`` has the offset of the character that is wrong; ``UnsupportedError`` names conditional entries.
    """
    if kind not in ("file", "key"):
        raise ValueError(f"kind is 'file' or 'key', not {quoted(kind)}")
    return _Parser(text, "a registry key" if kind == "key" else "a file", domain).descriptor()


def format_sddl(sd: SecurityDescriptor) -> str:
    """The descriptor as Windows prints it; see the module about entries that cannot be read back."""
    owner = f"O:{alias(sd.owner)}" if sd.owner is not None else ""
    group = f"G:{alias(sd.group)}" if sd.group is not None else ""
    dacl = _acl_text("D", sd.dacl, sd.control) if sd.has_dacl() else ""
    sacl = _acl_text("S", sd.sacl, sd.control) if sd.has_sacl() else ""
    return owner + group + dacl + sacl


def format_ace(ace: Ace) -> str:
    """One entry with its parentheses."""
    flags = flags_text(ace.flags, access_filter=ace.type == s.ACCESS_FILTER)
    name = _TYPE_NAMES.get(ace.type)
    if name is None or ace.sid is None:
        return f"(0x{ace.type:X};{flags};0x{ace.to_bytes()[4:].hex()})"
    fields = [name, flags, rights_text(ace.mask, label=ace.type == s.MANDATORY_LABEL),
              format_guid(ace.object_type), format_guid(ace.inherited_type), alias(ace.sid)]
    if ace.data or name in CONDITIONAL or ace.type == s.RESOURCE_ATTRIBUTE:
        claim = format_claim(ace.data) if ace.type == s.RESOURCE_ATTRIBUTE else None
        fields.append(claim or f"0x{ace.data.hex()}")
    return f"({';'.join(fields)})"


def format_guid(guid: bytes | None) -> str:
    """Sixteen bytes as a GUID's text, its first three fields little-endian ([MS-DTYP] 2.3.4); empty for ``None``."""
    if guid is None:
        return ""
    return "-".join((guid[3::-1].hex(), guid[5:3:-1].hex(), guid[7:5:-1].hex(), guid[8:10].hex(), guid[10:].hex()))


def parse_guid(text: str) -> bytes:
    """The sixteen bytes of a GUID's text; ``FormatError`` when it is none."""
    match = _GUID.fullmatch(text)
    if not match:
        raise FormatError(f"cannot read {quoted(text[:60])} as a GUID",
                          why="a GUID looks like bf967aa5-0de6-11d0-a285-00aa003049e2")
    first, second, third, fourth, fifth = map(bytes.fromhex, match.groups())
    return first[::-1] + second[::-1] + third[::-1] + fourth + fifth


def _acl_text(letter: str, acl: Acl | None, control: int) -> str:
    flags = "".join(name for name, bit in _ACL_CONTROL[letter].items() if control & bit)
    aces = "NO_ACCESS_CONTROL" if acl is None else "".join(format_ace(ace) for ace in acl.aces)
    return f"{letter}:{flags}{aces}"


class _Parser:
    """Reads one text from left to right; ``at`` is where we are."""

    def __init__(self, text: str, what: str, domain: Sid | None) -> None:
        self.text = text
        self.what = what
        self.domain = domain
        self.at = 0

    def descriptor(self) -> SecurityDescriptor:
        control = s.SELF_RELATIVE
        sids: dict[str, Sid] = {}
        acls: dict[str, Acl | None] = {}
        while self.at < len(self.text.rstrip()):
            match = _SECTION.match(self.text, self.at)
            if not match:
                raise self.error("expected O:, G:, D: or S:")
            letter = match[1].upper()
            if letter in sids or letter in acls:
                raise self.error(f"{letter}: is there twice")
            self.at = match.end()
            if letter in "OG":
                sids[letter] = self.section_sid(letter)
            else:
                acls[letter], bits = self.acl(letter)
                control |= bits | (s.DACL_PRESENT if letter == "D" else s.SACL_PRESENT)
        return SecurityDescriptor(control, sids.get("O"), sids.get("G"), acls.get("D"), acls.get("S"))

    def section_sid(self, letter: str) -> Sid:
        match = _SID.match(self.text, self.at)
        if not match:
            raise self.error(f"expected a SID or two letters after {letter}:")
        sid = self.sid(match[1], self.at)
        self.at = match.end()
        return sid

    def acl(self, letter: str) -> tuple[Acl | None, int]:
        """The list after ``D:`` or ``S:`` and the control bits its flags stand for; ``None`` is a NULL list."""
        control = 0
        while match := _ACL_FLAGS.match(self.text, self.at):
            control |= _ACL_CONTROL[letter][match[1].upper()]
            self.at = match.end()
        if match := _NULL_ACL.match(self.text, self.at):
            self.at = match.end()
            if self.text.startswith("(", self.at):
                raise self.error("NO_ACCESS_CONTROL means that there is no list, so no entry can follow it")
            return None, control
        aces = []
        while self.text.startswith("(", self.at):
            self.refuse_condition()
            match = _ACE.match(self.text, self.at)
            if not match:
                raise self.error("this parenthesis is not closed")
            aces.append(self.ace(match[1]))
            self.at = match.end()
        # [MS-DTYP] 2.4.5: entries with object types need revision 4.
        return Acl(tuple(aces), 4 if any(ace.type in s.OBJECT_TYPES for ace in aces) else 2), control

    def refuse_condition(self) -> None:
        """Name a conditional entry before looking for its end: a condition may nest parentheses at will."""
        match = _CONDITIONAL.match(self.text, self.at)
        if match:
            name = match[1].upper()
            raise UnsupportedError(
                f"cannot use the {name} entry {quoted(self.text[self.at:self.at + 60])} for {self.what}", entry=name,
                offset=self.at, why=f"{name} is {WORDS[name]}, and conditions are not compiled",
                hint="write it without a condition, or give the descriptor in binary")

    def ace(self, body: str) -> Ace:
        fields = [field.strip() for field in body.split(";", 6)]
        name = fields[0].upper()
        if name not in TYPES:
            raise self.error(f"{quoted(fields[0])} is no type of entry; there are {' '.join(TYPES)}")
        if len(fields) < 6:
            raise self.error("an entry has six fields: (type;flags;rights;object;inherited object;account)")
        kind = TYPES[name]
        if kind not in s.OBJECT_TYPES and (fields[3] or fields[4]):
            raise self.error(f"only OA, OD, OU and OL entries have object types, not {name}")
        if (kind == s.RESOURCE_ATTRIBUTE) != (len(fields) == 7):
            raise self.error("an RA entry has a seventh field, the attribute" if kind == s.RESOURCE_ATTRIBUTE
                             else f"an entry of type {name} has six fields, not seven")
        return Ace(kind, self.flags(fields[1]), self.rights(fields[2]), self.sid(fields[5], self.at),
                   parse_guid(fields[3]) if fields[3] else None, parse_guid(fields[4]) if fields[4] else None,
                   data=parse_claim(fields[6], domain=self.domain) if kind == s.RESOURCE_ATTRIBUTE else b"")

    def flags(self, text: str) -> int:
        flags = 0
        for at in range(0, len(text), 2):
            bit = FLAGS.get(text[at:at + 2].upper())
            if bit is None:
                raise self.error(f"{quoted(text[at:at + 2])} is no flag; there are {' '.join(FLAGS)}")
            flags |= bit
        return flags

    def rights(self, text: str) -> int:
        if text[:1].isdigit():
            return number(text, 32, text)
        mask = 0
        for at in range(0, len(text), 2):
            bits = RIGHTS.get(text[at:at + 2].upper())
            if bits is None:
                raise self.error(f"{quoted(text[at:at + 2])} is no right; there are {' '.join(RIGHTS)}, or write "
                                 "0x1200a9")
            mask |= bits
        return mask

    def sid(self, text: str, at: int) -> Sid:
        if len(text) != 2:
            try:
                return Sid.parse(text)
            except FormatError as error:
                raise self.error(f"{quoted(text[:80])} is no account: {error.why}", at) from None
        sid = from_alias(text, self.domain)
        if sid is None and text.upper() in RELATIVE_ALIASES:
            words = RELATIVE_ALIASES[text.upper()][1]
            raise self.error(f"{text.upper()} ({words}) is another account in every domain; write its SID", at)
        if sid is None:
            raise self.error(f"{quoted(text)} is no account that SDDL knows", at)
        return sid

    def error(self, why: str, at: int | None = None) -> FormatError:
        shown = self.text if len(self.text) <= 100 else self.text[:97] + "..."
        return FormatError(f"cannot read the SDDL {quoted(shown)} for {self.what}", why=why, source="SDDL",
                           offset=self.at if at is None else at)
