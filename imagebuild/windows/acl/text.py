# SPDX-License-Identifier: Apache-2.0
"""Access control lists in words, in the terms that Explorer and icacls use.

``allow BUILTIN\\Users: read & execute, this folder, subfolders and files``
"""

from __future__ import annotations

from .. import security as s
from ..security import Ace, SecurityDescriptor
from ..sid import account_name
from .sddl import Kind, format_ace

_VERBS = {
    s.ALLOW: "allow", s.DENY: "deny", s.AUDIT: "audit", s.ALARM: "alarm",
    s.ALLOW_OBJECT: "allow (object)", s.DENY_OBJECT: "deny (object)", s.AUDIT_OBJECT: "audit (object)",
    s.ALARM_OBJECT: "alarm (object)", s.ALLOW_CALLBACK: "allow if", s.DENY_CALLBACK: "deny if",
    s.AUDIT_CALLBACK: "audit if", s.ALLOW_CALLBACK_OBJECT: "allow if (object)",
    s.DENY_CALLBACK_OBJECT: "deny if (object)", s.MANDATORY_LABEL: "integrity",
}
_WHOLE: dict[Kind, tuple[tuple[int, str], ...]] = {
    "file": ((s.FILE_ALL, "full control"), (s.GENERIC_ALL, "full control"), (s.FILE_MODIFY, "modify"),
             (s.DELETE | s.GENERIC_READ | s.GENERIC_WRITE | s.GENERIC_EXECUTE, "modify"),
             (s.FILE_READ | s.FILE_WRITE | s.FILE_EXECUTE, "read, write & execute"),
             (s.FILE_READ_EXECUTE, "read & execute"), (s.GENERIC_READ | s.GENERIC_EXECUTE, "read & execute"),
             (s.FILE_READ | s.FILE_WRITE, "read & write"), (s.FILE_READ, "read"), (s.GENERIC_READ, "read"),
             (s.FILE_WRITE, "write"), (s.GENERIC_WRITE, "write"), (s.FILE_EXECUTE, "execute"),
             (s.GENERIC_EXECUTE, "execute")),
    "key": ((s.KEY_ALL, "full control"), (s.GENERIC_ALL, "full control"), (s.KEY_READ | s.KEY_WRITE, "read & write"),
            (s.KEY_READ, "read"), (s.GENERIC_READ, "read"), (s.GENERIC_READ | s.GENERIC_EXECUTE, "read"),
            (s.KEY_WRITE, "write"), (s.GENERIC_WRITE, "write")),
}
"""Masks that have one name; for files those of Explorer's "Permissions" box."""
_COMMON = (
    (s.DELETE, "delete"), (s.READ_CONTROL, "read permissions"), (s.WRITE_DAC, "change permissions"),
    (s.WRITE_OWNER, "take ownership"), (s.SYNCHRONIZE, "synchronize"), (s.ACCESS_SYSTEM_SECURITY, "access auditing"),
    (s.MAXIMUM_ALLOWED, "maximum allowed"), (s.GENERIC_ALL, "generic all"), (s.GENERIC_EXECUTE, "generic execute"),
    (s.GENERIC_WRITE, "generic write"), (s.GENERIC_READ, "generic read"),
)
_BITS: dict[Kind, tuple[tuple[int, str], ...]] = {
    "file": ((0x1, "list folder/read data"), (0x2, "create files/write data"), (0x4, "create folders/append data"),
             (0x8, "read extended attributes"), (0x10, "write extended attributes"), (0x20, "traverse/execute"),
             (0x40, "delete subfolders and files"), (0x80, "read attributes"), (0x100, "write attributes"), *_COMMON),
    "key": ((0x1, "query value"), (0x2, "set value"), (0x4, "create subkey"), (0x8, "enumerate subkeys"),
            (0x10, "notify"), (0x20, "create link"), *_COMMON),
}
_LABELS = ((0x1, "no write up"), (0x2, "no read up"), (0x4, "no execute up"))
_SCOPES: dict[Kind, dict[int, str]] = {
    "file": {
        0: "", s.CONTAINER_INHERIT: "this folder and subfolders", s.OBJECT_INHERIT: "this folder and files",
        s.OBJECT_INHERIT | s.CONTAINER_INHERIT: "this folder, subfolders and files",
        s.INHERIT_ONLY: "nothing", s.CONTAINER_INHERIT | s.INHERIT_ONLY: "subfolders only",
        s.OBJECT_INHERIT | s.INHERIT_ONLY: "files only",
        s.OBJECT_INHERIT | s.CONTAINER_INHERIT | s.INHERIT_ONLY: "subfolders and files only",
    },
    "key": {
        0: "", s.OBJECT_INHERIT: "", s.CONTAINER_INHERIT: "this key and subkeys",
        s.OBJECT_INHERIT | s.CONTAINER_INHERIT: "this key and subkeys",
        s.INHERIT_ONLY: "nothing", s.OBJECT_INHERIT | s.INHERIT_ONLY: "nothing",
        s.CONTAINER_INHERIT | s.INHERIT_ONLY: "subkeys only",
        s.OBJECT_INHERIT | s.CONTAINER_INHERIT | s.INHERIT_ONLY: "subkeys only",
    },
}
_REACH = s.OBJECT_INHERIT | s.CONTAINER_INHERIT | s.INHERIT_ONLY


def describe(sd: SecurityDescriptor, *, kind: Kind = "file") -> list[str]:
    """The descriptor line by line: owner, group, then each entry in the order in which Windows looks at them."""
    lines = [f"{word} {account_name(sid)}" for word, sid in (("owner", sd.owner), ("group", sd.group)) if sid]
    if sd.is_protected():
        lines.append("inherits nothing")
    if sd.dacl is None:
        lines.append("no access control: everyone may do everything")
    elif not sd.dacl.aces:
        lines.append("empty: nobody may do anything")
    lines += [describe_ace(ace, kind=kind) for acl in (sd.dacl, sd.sacl) if acl for ace in acl.aces]
    return lines


def describe_ace(ace: Ace, *, kind: Kind = "file") -> str:
    """One entry in words; one of a type without words as SDDL shows it."""
    verb = _VERBS.get(ace.type)
    if verb is None or ace.sid is None:
        return format_ace(ace)
    rights = _label(ace.mask) if ace.type == s.MANDATORY_LABEL else describe_rights(ace.mask, kind=kind)
    if ace.type in (s.AUDIT, s.AUDIT_OBJECT, s.AUDIT_CALLBACK):
        outcomes = ((s.SUCCESSFUL_ACCESS, "success"), (s.FAILED_ACCESS, "failure"))
        verb += f" {' and '.join(word for bit, word in outcomes if ace.flags & bit) or 'nothing'}"
    scope = _SCOPES[kind][ace.flags & _REACH]
    return "".join((
        f"{verb} {account_name(ace.sid)}: {rights}",
        f", {scope}" if scope else "",
        ", one level" if ace.flags & s.NO_PROPAGATE_INHERIT else "",
        " (inherited)" if ace.flags & s.INHERITED else ""))


def describe_rights(mask: int, *, kind: Kind = "file") -> str:
    """An access mask in words: ``full control``, ``read & execute``, else its bits one by one, the rest in hex."""
    for value, word in _WHOLE[kind]:
        if mask == value:
            return word
    words = [word for bit, word in _BITS[kind] if mask & bit]
    rest = mask & ~sum(bit for bit, _unused in _BITS[kind])
    return ", ".join(words + ([f"0x{rest:x}"] if rest else [])) or "nothing"


def _label(mask: int) -> str:
    rest = mask & ~7
    return ", ".join([word for bit, word in _LABELS if mask & bit] + ([f"0x{rest:x}"] if rest else [])) or "nothing"
