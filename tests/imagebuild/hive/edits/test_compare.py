# SPDX-License-Identifier: Apache-2.0
"""How two registries differ, and the edits that make one of the other."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from support.hives import OTHER, THIRD, amount, plain_roots

from imagebuild.hive import Key, KeyLike, Union, Value, read, walk, write
from imagebuild.hive.edits.change import edited
from imagebuild.hive.edits.compare import KeyChange, ValueChange, differences, edits_between
from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, SetValue
from imagebuild.hive.tree import NO_DELETE, SUPERSEDE_TREE, SYMLINK, TOMBSTONE
from imagebuild.windows.upcase import fold

KEY = Key("k", (Value.dword("n", 1), Value.sz("s", "x")), (Key("below"),), OTHER, "Class", 5)


def root(*keys: Key) -> Key:
    return Key("ROOT", subkeys=keys)


def changed(**more: object) -> Key:
    """KEY with other fields."""
    return Key(**({name: getattr(KEY, name) for name in Key.__slots__} | more))  # type: ignore[arg-type]


def content(key: KeyLike, path: str = "") -> Iterator[tuple[str, frozenset[tuple[str, int, bytes]]]]:
    """What a ``.reg`` file can hold: keys and values, in any order, names as Windows compares them."""
    for at, each in walk(key, path):
        yield fold(at), frozenset((fold(value.name), value.type, value.data) for value in each.values)


def explicit(key: Key, security: bytes = OTHER) -> Key:
    """The same tree with each key's security written out, as hives have it."""
    own = key.security or security
    return Key(key.name, key.values, [explicit(child, own) for child in key.subkeys], own, key.class_name,
               key.last_write, key.flags, key.control)


@settings(max_examples=150, deadline=None)
@given(plain_roots, plain_roots)
def test_there_are_no_differences_where_and_only_where_two_registries_are_equal(one: Key, other: Key) -> None:
    one, other = explicit(one), explicit(other)
    equal = amount(one) == amount(other)
    assert (not list(differences(one, other))) is equal
    assert (not list(differences(read(write(one)).root, read(write(other)).root))) is equal
    assert not list(differences(one, explicit(one)))


@settings(max_examples=150, deadline=None)
@given(plain_roots, plain_roots)
def test_the_edits_between_two_make_the_keys_and_values_of_the_second(one: Key, other: Key) -> None:
    for before, after in ((one, other), (read(write(one)).root, read(write(other)).root)):
        made = edited(before, edits_between(before, after))
        assert sorted(content(made), key=str) == sorted(content(after), key=str)


@settings(max_examples=100, deadline=None)
@given(plain_roots, plain_roots)
def test_one_way_is_the_other_way_round(one: Key, other: Key) -> None:
    there = {(fold(change.path), change.before, change.after) for change in differences(one, other)}
    back = {(fold(change.path), change.after, change.before) for change in differences(other, one)}
    assert there == back


def test_values_that_came_went_and_changed_are_told_by_name() -> None:
    after = changed(values=(Value.dword("N", 1), Value.sz("new", "")))
    (change,) = differences(root(KEY), root(after))
    assert (change.path, change.mark(), change.aspects) == ("k", "~", ())
    assert change.values == (ValueChange(Value.dword("n", 1), Value.dword("N", 1)),
                             ValueChange(None, Value.sz("new", "")), ValueChange(Value.sz("s", "x"), None))
    assert [one.name() for one in change.values] == ["N", "new", "s"]


@pytest.mark.parametrize(("more", "aspect"), [
    ({"name": "K"}, "case"), ({"class_name": "Other"}, "class"), ({"class_name": None}, "class"),
    ({"security": THIRD}, "security"), ({"flags": SYMLINK}, "flags"), ({"control": 0xA0}, "flags"),
    ({"semantics": SUPERSEDE_TREE}, "semantics"), ({"inherit_class": True}, "semantics")])
def test_each_field_of_a_key_is_a_difference_of_its_own(more: dict[str, object], aspect: str) -> None:
    (change,) = differences(root(KEY), root(changed(**more)))
    assert (change.aspects, change.values) == ((aspect,), ())


@pytest.mark.parametrize("more", [{"last_write": 99}, {"flags": NO_DELETE}, {"values": KEY.values[::-1]}])
def test_times_and_the_order_of_values_are_none(more: dict[str, object]) -> None:
    assert not list(differences(root(KEY), root(changed(**more))))


def test_the_name_of_a_root_is_no_difference_and_an_empty_class_is_none() -> None:
    assert not list(differences(Key("ROOT"), Key("CMI-CreateHive{1}", class_name="")))
    assert not list(differences(Key("ROOT"), Key("root"), "HKLM\\SYSTEM"))


def test_a_key_that_came_or_went_stands_for_all_below_it() -> None:
    before, after = root(KEY, Key("z")), root(Key("a", subkeys=(Key("b"),)), Key("z", (Value.sz("", ""),)))
    assert [(change.mark(), change.path) for change in differences(before, after, "HKLM\\X")] == [
        ("+", "HKLM\\X\\a"), ("-", "HKLM\\X\\k"), ("~", "HKLM\\X\\z")]
    assert list(edits_between(before, after)) == [
        AddKey("a"), AddKey("a\\b"), DeleteKey("k"), SetValue("z", Value.sz("", ""))]
    assert list(edits_between(root(KEY), root(changed(values=(KEY.values[0],))))) == [DeleteValue("k", "s")]


def test_keys_that_are_one_and_the_same_of_one_hive_are_not_looked_into(monkeypatch: pytest.MonkeyPatch) -> None:
    hive = read(write(root(KEY, Key("z", subkeys=(Key("y"),)))))
    over = Key("ROOT", (), (Key("z", (Value.dword("v", 1),), security=OTHER, inherit_class=True),),
               hive.root.security)
    looked: list[str] = []
    plain = type(hive).subkeys_of
    monkeypatch.setattr(type(hive), "subkeys_of", lambda self, key: (looked.append(key.name), plain(self, key))[1])
    found = list(differences(hive.root, Union(hive.root, over).root))
    assert [change.path for change in found] == ["z"]
    assert set(looked) == {"ROOT", "z"}


def test_tombstones_of_deltas_are_differences() -> None:
    found: list[KeyChange] = list(differences(root(Key("a", (Value.dword("v", 1),)), Key("b")), root(
        Key("a", (Value.tombstone("v"),)), Key("b", semantics=TOMBSTONE))))
    assert [(change.path, change.aspects) for change in found] == [("a", ()), ("b", ("semantics",))]
    assert found[0].values == (ValueChange(Value.dword("v", 1), Value.tombstone("v")),)
