# SPDX-License-Identifier: Apache-2.0
"""What differs between two hives, as values, in order, and for JSON."""

from __future__ import annotations

import pytest
from support.hives import OTHER, THIRD

from imagebuild.hive import DEFAULT_SECURITY, Key, Value, read, write
from imagebuild.hive.edits.compare import KeyChange
from imagebuild.hive.tree import SUPERSEDE_LOCAL, SUPERSEDE_TREE, SYMLINK, TOMBSTONE
from imagebuild.images.compare.hive_change import (
    HiveChange,
    key_changes,
    key_facts,
    keys_of,
    sddl_of,
    security_change,
    told,
    total,
)
from imagebuild.windows.security import SecurityDescriptor


def one(before: Key, after: Key) -> KeyChange:
    """The only change between two keys below a root."""
    (change,) = key_changes(Key("ROOT", subkeys=(before,)), Key("ROOT", subkeys=(after,)), "H")
    return change


def test_keys_stand_in_the_order_of_their_paths_each_before_what_is_below_it() -> None:
    before = Key("ROOT", subkeys=(Key("a", subkeys=(Key("z"),)), Key("a b"), Key("c")))
    after = Key("ROOT", (Value.sz("", ""),), (
        Key("A", subkeys=(Key("y"),)), Key("a b", (Value.sz("", ""),)), Key("b", subkeys=(Key("x"),))))
    assert [(change.mark(), change.path) for change in key_changes(before, after, "H")] == [
        ("~", "H"), ("~", "H\\A"), ("+", "H\\A\\y"), ("-", "H\\A\\z"), ("~", "H\\a b"), ("+", "H\\b"), ("-", "H\\c")]


def test_of_a_key_that_both_have_what_is_below_is_not_kept() -> None:
    change = one(Key("a", subkeys=(Key("b"),)), Key("a", (Value.sz("", ""),), (Key("b"),)))
    assert change.after == Key("a", (Value.sz("", ""),)) and keys_of(change) == [("H\\a", change.after)]
    hive = read(write(Key("ROOT", subkeys=(Key("new", subkeys=(Key("below"),)),))))
    (came,) = key_changes(read(write(Key("ROOT"))).root, hive.root, "H")
    assert [(path, type(key)) for path, key in keys_of(came)] == [("H\\new", Key), ("H\\new\\below", Key)]


def test_a_descriptor_whose_parts_stand_in_another_order_is_the_same() -> None:
    parsed = SecurityDescriptor.from_bytes(OTHER)
    moved = parsed.to_bytes() + b"\0" * 8
    assert moved != parsed.to_bytes()
    assert not key_changes(Key("ROOT", security=parsed.to_bytes()), Key("ROOT", security=moved), "H")
    (change,) = key_changes(Key("ROOT", security=parsed.to_bytes()), Key("ROOT", (Value.sz("", ""),), security=moved),
                            "H")
    assert change.aspects == () and security_change(change) is None
    assert one(Key("a", security=OTHER), Key("a", security=THIRD)).aspects == ("security",)


@pytest.mark.parametrize(("more", "said"), [
    ({"name": "K"}, ("written", "k", "K")), ({"class_name": "c"}, ("class", "none", "c")),
    ({"flags": SYMLINK}, ("flags", "0x00/0x00", "0x10/0x00")), ({"control": 0xA0}, ("flags", "0x00/0x00", "0x00/0xa0")),
    ({"semantics": TOMBSTONE}, ("effect", "adds to lower layers", "deleted here")),
    ({"semantics": SUPERSEDE_LOCAL}, ("effect", "adds to lower layers",
                                      "replaces values, class and security of lower layers")),
    ({"semantics": SUPERSEDE_TREE}, ("effect", "adds to lower layers", "replaces all of lower layers")),
    ({"inherit_class": True}, ("class from", "here", "lower layers"))])
def test_each_thing_that_a_key_can_differ_in_is_told(more: dict[str, object], said: tuple[str, str, str]) -> None:
    change = one(Key("k"), Key(**{"name": "k"} | more))  # type: ignore[arg-type]
    assert told(change) == [said]


def test_counts_are_of_keys_and_whole_trees_count_whole() -> None:
    before = Key("ROOT", subkeys=(Key("a", subkeys=(Key("b"), Key("c"))), Key("d")))
    after = Key("ROOT", subkeys=(Key("d", (Value.sz("", ""),)), Key("e")))
    change = HiveChange("H", key_changes(before, after, "H"))
    assert change.counts() == {"added": 1, "removed": 3, "changed": 1}
    assert total([change, change, HiveChange("X", why="damaged")]) == {"added": 2, "removed": 6, "changed": 2,
                                                                      "unread": 1}


def test_facts_of_a_key_have_its_security_as_sddl_even_when_damaged() -> None:
    found = key_facts("H\\a", Key("a", (Value.dword("n", 1),), (Key("b"),), DEFAULT_SECURITY, "c",
                                  133_485_408_000_000_000, semantics=TOMBSTONE))
    assert found == {
        "path": "H\\a", "class": "c", "written": "2024-01-01T00:00:00Z", "sddl": sddl_of(DEFAULT_SECURITY),
        "values": [{"name": "n", "type": "REG_DWORD", "data": 1, "hex": "01000000"}], "semantics": "deleted here",
        "subkeys": ["b"]}
    assert found["sddl"].startswith("O:BAG:SYD:") and sddl_of(b"xx").startswith("damaged: 2 bytes")
    bare = key_facts("H", Key("ROOT"))
    assert bare["sddl"] is None and bare["written"] is None and "semantics" not in bare


def test_a_change_of_security_is_for_json_both_ways() -> None:
    change = HiveChange("H", (one(Key("a", security=OTHER), Key("a", security=THIRD)),))
    (facts,) = change.facts()["keys"]
    assert (facts["mark"], facts["changed"], facts["values"]) == ("~", ["security"], [])
    assert facts["before"]["sddl"] != facts["after"]["sddl"] and "values" not in facts["before"]
    assert facts["acl"] == {"gone": ["marked as inherited from its key above"], "came": [], "reordered": False}
