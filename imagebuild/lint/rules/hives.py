# SPDX-License-Identifier: Apache-2.0
"""Rules about what is in registry hives: the deltas of layers, the hives of a base, those of users.

That a file is a hive at all, and where hives stand in a layer, is in ``rules_values.py``. The last table says which
rule each kind of damage of ``hive/checks/damage.py`` breaks. Format facts: msuhanov/regf, "Windows registry file format
specification"; Project Zero, "The Windows Registry Adventure" #6 to #8; two deltas that Windows wrote.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...hive.checks.damage import ERROR as BROKEN
from ...hive.checks.damage import KINDS
from ...hive.checks.damage import WARNING as ODD
from ..hives import Where
from .finding import Rule, Severity

ERROR, WARNING, NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_REGF = "msuhanov/regf: Windows registry file format specification"
_LAYERED = f"{_REGF} (Layered keys)"
_P6 = "Project Zero, The Windows Registry Adventure #6"
_P7 = "Project Zero, The Windows Registry Adventure #7"
_CIM = "microsoft/hcsshim:internal/wclayer/cim/registry.go"

HIVE_RULES = (
    Rule("delta-version", "a registry delta whose layers Windows would not look at",
         {"wcifs": WARNING, "cimfs": WARNING}, f"{_LAYERED}; {_P6}",
         "Only in a hive of version 1.6 with the flag 2 in its first page do keys and values delete or replace those "
         "of lower layers. In any other one such marks are passed over, and the key of a deletion is a new, empty key.",
         "write the delta as one: wcow reg import, or wcow reg diff --format delta", where="layer", proven=False),
    Rule("delta-dirty", "a registry delta that was not closed cleanly",
         {"wcifs": ERROR, "cimfs": ERROR}, f"{_REGF} (Base block); moby/moby#27193",
         "Its sequence numbers differ, and the logs that hold what is missing do not travel in a layer: where a hive "
         "cannot be loaded, the import fails ('not in a registry file format', 0x3f9).",
         "write the delta anew; wcow reg merge and wcow reg diff read one with its logs beside it", where="layer",
         proven=False),
    Rule("delta-root", "a registry delta whose root does not merge",
         {"wcifs": ERROR, "cimfs": ERROR}, _LAYERED,
         "The root of a hive is in every layer. One that deletes or supersedes would take the whole hive away; in all "
         "deltas that Windows wrote it merges.",
         "let the keys below the root delete or supersede", where="layer", proven=False),
    Rule("delta-layer-byte", "a key of a delta with bits in its layer byte that mean nothing",
         {"wcifs": WARNING, "cimfs": WARNING}, f"{_LAYERED}; the structure _CM_KEY_NODE of Windows' public symbols",
         "Bits 0 and 1 say how a key is layered, bit 7 that it inherits its class. Windows leaves the others, and the "
         "two bytes behind them, at zero.",
         "write the layer byte as 0 to 3, with or without 0x80", where="layer", proven=False),
    Rule("delta-tombstone", "a deleted key that has something in it",
         {"wcifs": ERROR, "cimfs": ERROR}, f"{_LAYERED}; {_P7} (CVE-2023-35382)",
         "A tombstone has a name and a security descriptor: no values, no subkeys, no class, and no counts or lists of "
         "them.",
         "write the tombstone without them; a key that replaces another one and all below it supersedes its tree (3)",
         where="layer"),
    Rule("delta-value-tombstone", "a deleted value that has a type or data",
         {"wcifs": ERROR, "cimfs": ERROR}, f"{_REGF} (Key value); yarp:hives_for_tests/System_Delta",
         "A value's tombstone has the flag 2, the type 0, the size 0 and the data offset 0xFFFFFFFF: so in every delta "
         "that Windows wrote.",
         "write it so", where="layer"),
    Rule("delta-supersede", "a key that merges below one that supersedes its tree",
         {"wcifs": ERROR, "cimfs": ERROR}, f"{_LAYERED}; {_P6}",
         "Below a key that replaces a tree there is nothing left to merge with: every key there supersedes its tree, "
         "too, or is a tombstone.",
         "give all keys below it the layer byte 3", where="layer"),
    Rule("delta-class", "a key of a delta that has a class and says that it inherits one",
         {"wcifs": WARNING, "cimfs": WARNING}, _LAYERED,
         "With 0x80 in its layer byte a key takes its class from the layers below; its own is not looked at.",
         "clear 0x80, or leave the class out", where="layer"),
    Rule("delta-dangling", "a key of a delta that continues one that no lower layer has",
         {"wcifs": WARNING, "cimfs": WARNING}, f"{_P7} (key promotion); scancode-toolkit and yarp: two real deltas",
         "Windows sets 0x80 on keys that it copies up from the layer below to write under them. Here there is none: "
         "the delta was made for another base, and whatever it meant to change is elsewhere.",
         "make the delta against the layers it stands on: wcow reg import", where="layer", proven=False),
    Rule("delta-hides-class", "a key of a delta hides the class of the one below",
         {"wcifs": WARNING, "cimfs": WARNING}, _LAYERED,
         "Without 0x80 a key's class is its own, here none, and the one that the lower layers have for it is lost.",
         "set 0x80 in the layer byte of keys that are only on the way to a change", where="layer", proven=False),
    Rule("delta-deletes-nothing", "a registry delta deletes what no lower layer has",
         {"wcifs": NOTE, "cimfs": NOTE}, "yarp:hives_for_tests/System_Delta",
         "It does no harm, and deltas of Windows do so, too; but it may have been made for another base.",
         "make the delta against the layers it stands on, unless Windows wrote it", where="layer"),
    Rule("layered-plain-hive", "a plain hive with the marks of a delta",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, f"{_LAYERED}; {_P6}",
         "Version 1.6 with the flag 2, or keys that say how they are layered: that is for the deltas in Hives. A hive "
         "of a base or of a user is loaded as it is, and nothing is below it that could be merged.",
         "merge it with what it was made for: wcow reg merge BASE DELTA -o HIVE", proven=False),
    Rule("hive-subkey-order", "a hive with subkeys that Windows would not find",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_REGF} (Subkeys list)",
         "Subkeys are looked up by the hash of their names in a list that is sorted by upcased names. Out of order, "
         "with a wrong hash, or twice, a key is there and cannot be opened.",
         "write the hive anew: wcow reg export and wcow reg import"),
    Rule("hive-security-missing", "a key without a security descriptor",
         {"base": ERROR, "wcifs": ERROR, "cimfs": ERROR}, f"{_REGF} (Key node); {_P7}",
         "Every key has one, those too that are in a delta only because something below them changes, and tombstones.",
         "give a key of a delta the descriptor of the key below it"),
    Rule("hive-security-count", "a security descriptor that counts other keys than have it",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, f"{_REGF} (Key security); {_P7} (CVE-2023-35382)",
         "Each descriptor counts its keys, tombstones among them. Windows puts the count right when it loads a hive, "
         "as far as it can; since November 2024 it drops descriptors that count none.",
         "write the hive with exact counts"),
    Rule("hive-odd", "a hive with something in it that Windows does not write",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, _REGF,
         "Flags nobody knows, a class that is no text, a longest name that is too short, a link that leads nowhere, "
         "and the like: Windows loads the hive, and drops it or misreads it.",
         "write the hive anew; wcow reg lint has all of it"),
    Rule("hive-current-control-set", "CurrentControlSet as a key of the SYSTEM hive",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING},
         "microsoft/hcsshim:internal/hcsoci/hcsdoc_wcow.go; msuhanov/yarp:hives_for_tests/System_Delta",
         "Windows makes CurrentControlSet when it starts, as a link to the set that Select names, and keeps it in "
         "memory only. What is below a real key of that name is not what programs see.",
         "change ControlSet001; wcow reg does when it is told CurrentControlSet", proven=False),
    Rule("hive-too-large", "a hive that is too large to be examined",
         {"base": NOTE, "wcifs": NOTE, "cimfs": NOTE}, "docs/guides/lint.md (a limit of wcow)",
         "To look at every key of such a hive would take long: only its first page and the heads of its bins were "
         "looked at.",
         "take it out (wcow cat) and examine it with wcow reg lint"),
    Rule("user-hive-invalid", "a user's hive that is none",
         {"base": WARNING, "wcifs": WARNING, "cimfs": WARNING}, _REGF,
         "NTUSER.DAT and UsrClass.dat are what a user has of the registry. One that cannot be loaded leaves the user "
         "with a temporary profile, or with none.",
         "use hives of Windows or wcow, or leave the file out: Windows makes it from the profile Default"),
    Rule("user-hive-dirty", "a user's hive that was not closed cleanly",
         {"base": NOTE, "wcifs": NOTE, "cimfs": NOTE}, f"{_REGF} (Base block)",
         "Its sequence numbers differ: what is in its logs is not in the file yet.",
         "load and unload the hive once on Windows, or keep its .LOG1 and .LOG2 beside it"),
)

INVALID: Mapping[Where, str] = {"delta": "delta-invalid", "base": "base-hive-invalid", "user": "user-hive-invalid",
                                "boot": "utilityvm-bcd"}
"""The rule that a file breaks which is no hive, or a damaged one, by where it stands."""
DIRTY: Mapping[Where, str] = {"delta": "delta-dirty", "base": "base-hive-dirty", "user": "user-hive-dirty"}
"""The rule that a hive breaks which was not closed cleanly."""
_OF_KINDS = {
    "block-dirty": "",  # told by the first page
    "block-checksum": "",
    "layer-root": "delta-root", "layer-bits": "delta-layer-byte", "layer-tombstone": "delta-tombstone",
    "value-tombstone": "delta-value-tombstone", "layer-tree": "delta-supersede", "layer-class": "delta-class",
    "layer-unsupported": "layered-plain-hive",
    "list-order": "hive-subkey-order", "list-hash": "hive-subkey-order", "list-hint": "hive-subkey-order",
    "list-duplicate": "hive-subkey-order", "security-missing": "hive-security-missing",
    "security-count": "hive-security-count",
}
_OTHERS = {BROKEN: INVALID, ODD: dict.fromkeys(INVALID, "hive-odd")}


def rule_of(kind: str, where: Where) -> str:
    """The rule that a kind of damage breaks in a hive that stands ``where``; empty for what is merely left behind (the
    kinds that are notes: hives that Windows wrote are full of them)."""
    known = _OF_KINDS.get(kind)
    if known is not None:
        return known
    others = _OTHERS.get(KINDS[kind])
    return others[where] if others is not None else ""


__all__ = ["DIRTY", "HIVE_RULES", "INVALID", "rule_of"]
