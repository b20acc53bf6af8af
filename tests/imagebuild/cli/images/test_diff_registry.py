# SPDX-License-Identifier: Apache-2.0
"""The registry's part of a difference as people read it."""

from __future__ import annotations

from support.hives import OTHER, THIRD

from imagebuild.cli.images.diff_registry import registry_lines, registry_summary
from imagebuild.hive import Key, Value
from imagebuild.hive.tree import SUPERSEDE_TREE, TOMBSTONE
from imagebuild.images.compare.hive_change import HiveChange, key_changes

HIVE = r"HKEY_LOCAL_MACHINE\SYSTEM"


def change(before: Key, after: Key) -> HiveChange:
    return HiveChange(HIVE, key_changes(before, after, HIVE))


def test_values_stand_below_their_key_old_before_new() -> None:
    before = Key("ROOT", subkeys=(Key("k", (Value.dword("Start", 2), Value.sz("", "x\u202e"))),
                                  Key("old", subkeys=(Key("a"), Key("b")))))
    after = Key("ROOT", subkeys=(Key("k", (Value.dword("Start", 4), Value.multi_sz("m", ["a", "b"]))),
                                 Key("new", (Value("big", 3, b"\1" * 999),), (Key("below"),))))
    found = change(before, after)
    assert list(registry_lines([found])) == [
        rf"~ {HIVE}\k",
        r"    - (Default)    REG_SZ    x\u202e",
        r"    + m    REG_MULTI_SZ    a\0b",
        "    - Start    REG_DWORD    0x2",
        "    + Start    REG_DWORD    0x4",
        rf"+ {HIVE}\new",
        "    + big    REG_BINARY    " + "01" * 80 + "…",
        rf"+ {HIVE}\new\below",
        rf"- {HIVE}\old  and 2 keys below it"]
    assert registry_summary([found]) == "registry: 2 keys added, 3 removed, 1 changed"


def test_security_is_told_in_words_or_sddl_and_class_beside_it() -> None:
    found = change(Key("ROOT", subkeys=(Key("k", security=OTHER),)),
                   Key("ROOT", subkeys=(Key("k", security=THIRD, class_name="c"),)))
    assert list(registry_lines([found])) == [
        rf"~ {HIVE}\k  class none -> c, acl", "    - marked as inherited from its key above"]
    assert list(registry_lines([found], acl="sddl")) == [
        rf"~ {HIVE}\k  class none -> c, acl", "    - D:AI", "    + D:"]


def test_what_a_delta_does_to_lower_layers_is_told() -> None:
    found = change(Key("ROOT", subkeys=(Key("k"),)), Key("ROOT", subkeys=(
        Key("k", semantics=SUPERSEDE_TREE), Key("z", semantics=TOMBSTONE))))
    assert list(registry_lines([found])) == [
        rf"~ {HIVE}\k  effect adds to lower layers -> replaces all of lower layers", rf"+ {HIVE}\z  [deleted here]"]


def test_what_could_not_be_compared_has_its_reason() -> None:
    bad = HiveChange(HIVE, (), (), ("sha256:1",), "it is damaged")
    assert list(registry_lines([bad])) == [f"~ {HIVE}  no hives -> 1 hive",
                                           "    not compared key by key: it is damaged"]
    assert registry_summary([bad]) == "registry: 1 hive not compared"
    assert registry_summary([bad, change(Key("ROOT"), Key("ROOT", (Value.sz("", ""),)))]) == \
        "registry: 1 key changed, 1 hive not compared"
    like = HiveChange(r"C:\Users\me\NTUSER.DAT", like=r"C:\Users\Default\NTUSER.DAT")
    assert list(registry_lines([like])) == [
        r"~ C:\Users\me\NTUSER.DAT  compared with C:\Users\Default\NTUSER.DAT, of which it is a copy at first"]
