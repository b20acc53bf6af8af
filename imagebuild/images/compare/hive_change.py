# SPDX-License-Identifier: Apache-2.0
"""One registry hive that two images (or layers) have otherwise: its keys and values that came, went and changed.

What is kept are values: nothing of a hive is read any more once :func:`key_changes` has returned.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from ...errors import FormatError
from ...hive import Key, KeyLike, freeze, walk
from ...hive.edits.compare import KeyChange, differences
from ...hive.layout import sort_key
from ...hive.regfile.value_format import facts
from ...hive.tree import SUPERSEDE_LOCAL, SUPERSEDE_TREE, TOMBSTONE, split
from ...windows.acl.sddl import format_sddl
from ...windows.filetime import to_iso
from ...windows.security import SecurityDescriptor
from .acls import AclChange, acl_lines, same_acl

SEMANTICS = {TOMBSTONE: "deleted here", SUPERSEDE_LOCAL: "replaces values, class and security of lower layers",
             SUPERSEDE_TREE: "replaces all of lower layers"}
"""What a key of a delta does to the layers below, in words; one that adds to them needs none."""


@dataclass(frozen=True, slots=True)
class HiveChange:
    r"""A registry hive that differs.

    ``name`` is where its keys are: ``HKEY_LOCAL_MACHINE\SOFTWARE``, or the path of the file it is; paths of ``keys``
    begin with it. Where the two cannot be compared key by key, ``why`` says so, and ``before`` and ``after`` have what
    each layer that the sides do not share says of the hive (its base, a delta), by digest, lowest first. ``like`` names
    the file that stood in for the hive on the side that has none.
    """

    name: str
    keys: tuple[KeyChange, ...] = ()
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    why: str = ""
    like: str = ""

    def counts(self) -> dict[str, int]:
        """How many keys came, went and changed; of trees that came or went, every key counts."""
        counts = {"added": 0, "removed": 0, "changed": 0}
        for change in self.keys:
            if change.before is None or change.after is None:
                counts["added" if change.before is None else "removed"] += len(keys_of(change))
            else:
                counts["changed"] += 1
        return counts

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "keys": [_facts(change) for change in self.keys], "before": list(self.before),
                "after": list(self.after), "why": self.why, "like": self.like}


def key_changes(before: KeyLike, after: KeyLike, name: str) -> tuple[KeyChange, ...]:
    """The keys that differ below two root keys, as values, each key before those below it.

    FormatError when something that has to be read is damaged.
    """
    found = []
    for change in differences(before, after, name):
        if "security" in change.aspects and change.before is not None and change.after is not None \
                and same_acl(change.before.security, change.after.security):
            change = replace(change, aspects=tuple(one for one in change.aspects if one != "security"))
            if not change.values and not change.aspects:
                continue
        found.append(replace(change, before=_kept(change.before, whole=change.after is None),
                             after=_kept(change.after, whole=change.before is None)))
    return tuple(sorted(found, key=lambda change: [sort_key(part) for part in split(change.path[len(name):])]))


def keys_of(change: KeyChange) -> list[tuple[str, KeyLike]]:
    """The keys of a change with their paths: of one that came or went, itself and all that is below it."""
    if change.before is not None and change.after is not None:
        return [(change.path, change.after)]
    key = change.after or change.before
    assert key is not None
    return list(walk(key, change.path))


def security_change(change: KeyChange, *, sddl: bool = False) -> AclChange | None:
    """Which entries of the key's ACL came and went; None when it did not change."""
    if "security" not in change.aspects or change.before is None or change.after is None:
        return None
    return AclChange.between(change.before.security, change.after.security, sddl=sddl, kind="key")


def told(change: KeyChange) -> list[tuple[str, str, str]]:
    """What else of a key changed, as texts: what, before, after. Values and security are told apart from these."""
    old, new = change.before, change.after
    if old is None or new is None:
        return []
    out = []
    for aspect in change.aspects:
        if aspect == "case":
            out.append(("written", old.name, new.name))
        elif aspect == "class":
            out.append(("class", old.class_name or "none", new.class_name or "none"))
        elif aspect == "flags":
            out.append(("flags", _flags(old), _flags(new)))
        elif aspect == "semantics":
            if old.semantics != new.semantics:
                out.append(("effect", _effect(old), _effect(new)))
            if old.inherit_class != new.inherit_class:
                out.append(("class from", _whose(old), _whose(new)))
    return out


def key_facts(path: str, key: KeyLike) -> dict[str, Any]:
    """A key for JSON."""
    return {"path": path, **own_facts(key), "subkeys": [child.name for child in key.subkeys]}


def own_facts(key: KeyLike) -> dict[str, Any]:
    """The same without its place and what is below it."""
    found: dict[str, Any] = {
        "class": key.class_name, "written": to_iso(key.last_write) if key.last_write else None,
        "sddl": sddl_of(key.security) if key.security is not None else None,
        "values": [facts(value) for value in key.values]}
    if key.semantics:
        found["semantics"] = SEMANTICS[key.semantics]
    return found


def sddl_of(security: bytes) -> str:
    """A descriptor as SDDL; one that is damaged in words."""
    try:
        return format_sddl(SecurityDescriptor.from_bytes(security))
    except FormatError:
        return acl_lines(security)[0]


def _facts(change: KeyChange) -> dict[str, Any]:
    """A change for JSON: values in full; of a key that came or went all that is below it, of one that changed both
    sides' own fields."""
    found: dict[str, Any] = {"path": change.path, "mark": change.mark()}
    if change.before is None or change.after is None:
        return {**found, "keys": [key_facts(path, key) for path, key in keys_of(change)]}
    found |= {"changed": list(change.aspects),
              "values": [{"before": facts(one.before) if one.before is not None else None,
                          "after": facts(one.after) if one.after is not None else None} for one in change.values]}
    if change.aspects:
        found |= {"before": _without_values(change.before), "after": _without_values(change.after)}
    acl = security_change(change)
    if acl is not None:
        found["acl"] = acl.facts()
    return found


def _without_values(key: KeyLike) -> dict[str, Any]:
    return {name: value for name, value in own_facts(key).items() if name != "values"}


def _kept(key: KeyLike | None, *, whole: bool) -> Key | None:
    """The key as a value; what is below it only where all of it came or went."""
    if key is None:
        return None
    if whole:
        return freeze(key)
    return Key(key.name, key.values, (), key.security, key.class_name, key.last_write, key.flags, key.control,
               key.semantics, key.inherit_class)


def _flags(key: KeyLike) -> str:
    return f"0x{key.flags:02x}/0x{key.control:02x}"


def _effect(key: KeyLike) -> str:
    return SEMANTICS.get(key.semantics, "adds to lower layers")


def _whose(key: KeyLike) -> str:
    return "lower layers" if key.inherit_class else "here"


def total(changes: Iterable[HiveChange]) -> dict[str, int]:
    """The sum of all counts, and ``unread``: the hives that could not be compared key by key."""
    counts = {"added": 0, "removed": 0, "changed": 0, "unread": 0}
    for change in changes:
        for name, count in change.counts().items():
            counts[name] += count
        counts["unread"] += bool(change.why)
    return counts


__all__ = ["SEMANTICS", "HiveChange", "key_changes", "key_facts", "keys_of", "own_facts", "sddl_of", "security_change",
           "told", "total"]
