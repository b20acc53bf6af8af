# SPDX-License-Identifier: Apache-2.0
"""Which entries of an ACL came and which went, in words or as SDDL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ...errors import FormatError
from ...windows.acl.sddl import Kind, format_ace, format_sddl
from ...windows.acl.text import describe
from ...windows.security import (
    DACL_AUTO_INHERITED,
    DACL_PRESENT,
    DACL_PROTECTED,
    SACL_PRESENT,
    SELF_RELATIVE,
    Acl,
    SecurityDescriptor,
)

NOT_SAID = "no security descriptor: Windows takes one from the folder above"
_ABOVE = {"file": "folder", "key": "key above"}
_SAID = SELF_RELATIVE | DACL_PRESENT | SACL_PRESENT | DACL_PROTECTED | DACL_AUTO_INHERITED


@dataclass(frozen=True, slots=True)
class AclChange:
    """Lines of one security descriptor that the other lacks; ``gone`` and ``came`` keep the order of their own side.

    ``reordered``: the same entries in another order, which matters to Windows, as the first that fits decides.
    """

    gone: tuple[str, ...]
    came: tuple[str, ...]
    reordered: bool = False

    @classmethod
    def between(cls, before: bytes | None, after: bytes | None, *, sddl: bool = False,
                kind: Kind = "file") -> AclChange:
        """The change from one descriptor to the other; ``None`` is an entry without one. ``kind`` is what they protect:
        rights have other names for a key of the registry than for a file."""
        old, new = acl_lines(before, sddl=sddl, kind=kind), acl_lines(after, sddl=sddl, kind=kind)
        gone, came = _missing(old, new), _missing(new, old)
        return cls(gone, came, reordered=not gone and not came and old != new)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"gone": list(self.gone), "came": list(self.came), "reordered": self.reordered}


def same_acl(before: bytes | None, after: bytes | None) -> bool:
    """Whether two descriptors say the same, in whatever order their parts stand in the bytes."""
    if before == after:
        return True
    old, new = _parsed(before), _parsed(after)
    return old is not None and old == new


def acl_lines(security: bytes | None, *, sddl: bool = False, kind: Kind = "file") -> list[str]:
    """A security descriptor line by line, in words or as pieces of SDDL (``O:BA``, ``G:SY``, ``D:AI``, each entry)."""
    if security is None:
        return [NOT_SAID if kind == "file" else "no security descriptor"]
    sd = _parsed(security)
    if sd is None:
        return [f"damaged: {len(security)} bytes that are no security descriptor"]
    return list(_pieces(sd)) if sddl else [*describe(sd, kind=kind), *_flags(sd, kind)]


def _pieces(sd: SecurityDescriptor) -> Iterator[str]:
    parts = [SecurityDescriptor(owner=sd.owner), SecurityDescriptor(group=sd.group),
             SecurityDescriptor(sd.control & ~SACL_PRESENT, dacl=_empty(sd.dacl)),
             SecurityDescriptor(sd.control & ~DACL_PRESENT, sacl=_empty(sd.sacl))]
    yield from (text for text in map(format_sddl, parts) if text)
    for acl in (sd.dacl, sd.sacl):
        yield from (format_ace(ace) for ace in (acl.aces if acl else ()))


def _empty(acl: Acl | None) -> Acl | None:
    return None if acl is None else Acl((), acl.revision)


def _flags(sd: SecurityDescriptor, kind: Kind) -> list[str]:
    """What the words leave out, so that two descriptors that differ never look alike."""
    lines = [f"marked as inherited from its {_ABOVE[kind]}"] if sd.control & DACL_AUTO_INHERITED else []
    rest = sd.control & ~_SAID
    return lines + ([f"control flags 0x{rest:04x}"] if rest else [])


def _missing(lines: list[str], other: list[str]) -> tuple[str, ...]:
    """Lines that the other side does not have (as often)."""
    left = Counter(other)
    out = []
    for line in lines:
        if left[line]:
            left[line] -= 1
        else:
            out.append(line)
    return tuple(out)


def _parsed(security: bytes | None) -> SecurityDescriptor | None:
    if security is None:
        return None
    try:
        return SecurityDescriptor.from_bytes(security)
    except FormatError:  # shown as bytes then; lint says what is wrong with them
        return None


__all__ = ["NOT_SAID", "AclChange", "acl_lines", "same_acl"]
