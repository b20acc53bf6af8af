# SPDX-License-Identifier: Apache-2.0
"""The letters of SDDL: ACE types, flags and rights, each with its value, in one place.

Source: [MS-DTYP] 2.5.1.1 and Microsoft's "ACE Strings". The order of flags and rights is the one in which
ConvertSecurityDescriptorToStringSecurityDescriptor prints them, by rising bit: ``OICIIOID``, ``SDGXGWGR``, ``DCLCRPCR``
are how Windows spells the ACLs of ``C:\\`` and ``C:\\ProgramData``.
"""

from __future__ import annotations

from .. import security as s

TYPES: dict[str, int] = {
    "A": s.ALLOW, "D": s.DENY, "AU": s.AUDIT, "AL": s.ALARM,
    "OA": s.ALLOW_OBJECT, "OD": s.DENY_OBJECT, "OU": s.AUDIT_OBJECT, "OL": s.ALARM_OBJECT,
    "ML": s.MANDATORY_LABEL, "RA": s.RESOURCE_ATTRIBUTE, "SP": s.SCOPED_POLICY_ID, "TL": s.PROCESS_TRUST_LABEL,
}
"""ACE types we read and write."""

CONDITIONAL: dict[str, int] = {
    "XA": s.ALLOW_CALLBACK, "XD": s.DENY_CALLBACK, "XU": s.AUDIT_CALLBACK, "ZA": s.ALLOW_CALLBACK_OBJECT,
    "FL": s.ACCESS_FILTER,
}
"""ACE types that carry a condition: shown with its bytes in hex, refused when written."""

WORDS: dict[str, str] = {
    "XA": "a conditional allow", "XD": "a conditional deny", "XU": "a conditional audit",
    "ZA": "a conditional allow for an object type", "FL": "an access filter",
}

FLAGS: dict[str, int] = {
    "OI": s.OBJECT_INHERIT, "CI": s.CONTAINER_INHERIT, "NP": s.NO_PROPAGATE_INHERIT, "IO": s.INHERIT_ONLY,
    "ID": s.INHERITED, "CR": s.CRITICAL, "SA": s.SUCCESSFUL_ACCESS, "TP": s.SUCCESSFUL_ACCESS, "FA": s.FAILED_ACCESS,
}
"""ACE flags. ``TP`` (trust protected) is bit 0x40 of an access filter, ``SA`` the same bit of all others."""

BITS: dict[str, int] = {
    "CC": 0x0001, "DC": 0x0002, "LC": 0x0004, "SW": 0x0008, "RP": 0x0010, "WP": 0x0020, "DT": 0x0040, "LO": 0x0080,
    "CR": 0x0100, "SD": s.DELETE, "RC": s.READ_CONTROL, "WD": s.WRITE_DAC, "WO": s.WRITE_OWNER,
    "GA": s.GENERIC_ALL, "GX": s.GENERIC_EXECUTE, "GW": s.GENERIC_WRITE, "GR": s.GENERIC_READ,
}
"""Rights that are one bit each: of directory objects, standard, generic."""

WHOLE: dict[str, int] = {
    "FA": s.FILE_ALL, "FR": s.FILE_READ, "FW": s.FILE_WRITE, "FX": s.FILE_EXECUTE,
    "KA": s.KEY_ALL, "KR": s.KEY_READ, "KW": s.KEY_WRITE, "KX": s.KEY_EXECUTE,
}
"""Rights that stand for a whole mask; printed only when they are all of it. KX is KR, and prints as KR."""

LABEL_BITS: dict[str, int] = {"NW": 0x1, "NR": 0x2, "NX": 0x4}
"""What a mandatory label forbids those of lower integrity: to write up, read up, execute up."""

RIGHTS: dict[str, int] = BITS | WHOLE | LABEL_BITS


def rights_text(mask: int, *, label: bool = False) -> str:
    """The mask as Windows prints it: whole names, else letters for every bit, else hexadecimal; ``label`` for ML."""
    if not label:
        for name, value in WHOLE.items():
            if mask == value:
                return name
    bits = LABEL_BITS if label else BITS
    if mask & ~sum(bits.values()):
        return f"0x{mask:x}"
    return "".join(name for name, value in bits.items() if mask & value)


def flags_text(flags: int, *, access_filter: bool = False) -> str:
    """The ACE flags as Windows prints them."""
    skip = "SA" if access_filter else "TP"
    return "".join(name for name, value in FLAGS.items() if flags & value and name != skip)
