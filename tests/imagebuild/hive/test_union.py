# SPDX-License-Identifier: Apache-2.0
"""Base and deltas as one registry: rule by rule, then all at once."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support.hives import OTHER, SHARED, THIRD, amount, plain_roots

from imagebuild.hive import Key, KeyLike, Value, freeze, read, write
from imagebuild.hive.edits.delta import delta
from imagebuild.hive.tree import MERGE, SUPERSEDE_LOCAL, SUPERSEDE_TREE, TOMBSTONE, Values
from imagebuild.hive.union import Union, merge

ONE, TWO = Value.sz("one", "1"), Value.sz("two", "2")
BASE = Key("ROOT", subkeys=(
    Key("k", (ONE, TWO), (Key("deep", (ONE,), (Key("deeper"),)), Key("other")), OTHER, "Class", 100, 0x10, 0xA0),
    Key("untouched", (ONE,), (Key("below"),)),
))


def root(*subkeys: Key) -> Key:
    return Key("ROOT", subkeys=subkeys)


def names(key: KeyLike) -> list[str]:
    return [child.name for child in key.subkeys]


def test_without_deltas_it_is_the_base() -> None:
    assert Union(BASE).root is BASE


def test_a_key_that_no_delta_has_is_the_bases_own() -> None:
    union = Union(BASE, root(Key("k", inherit_class=True)))
    assert union["untouched"] is BASE["untouched"]
    assert union["k\\deep"] is BASE["k\\deep"]


@pytest.mark.parametrize("semantics", [MERGE, SUPERSEDE_LOCAL, SUPERSEDE_TREE, TOMBSTONE])
def test_what_the_four_semantics_leave_of_values_and_subkeys(semantics: int) -> None:
    over = Key("K", (Value.sz("TWO", "new"), Value.sz("three", "3")) if semantics != TOMBSTONE else (),
               (Key("added"),) if semantics != TOMBSTONE else (), THIRD, "New", 50, semantics=semantics)
    union = Union(BASE, root(over))
    if semantics == TOMBSTONE:
        assert names(union.root) == ["untouched"] and "k" not in union and "k\\deep" not in union
        return
    key = union["k"]
    assert {value.name: value.text() for value in key.values} == {
        MERGE: {"one": "1", "TWO": "new", "three": "3"},
        SUPERSEDE_LOCAL: {"TWO": "new", "three": "3"},
        SUPERSEDE_TREE: {"TWO": "new", "three": "3"}}[semantics]
    assert names(key) == (["added"] if semantics == SUPERSEDE_TREE else ["added", "deep", "other"])
    assert ("k\\deep\\deeper" in union) == (semantics != SUPERSEDE_TREE)
    assert (key.name, key.security, key.class_name, key.flags, key.control) == ("K", THIRD, "New", 0, 0)
    assert key.last_write == (100 if semantics == MERGE else 50), "the latest of all that are left"
    assert (key.semantics, key.inherit_class) == (MERGE, False)


@pytest.mark.parametrize(("upper", "lower", "left"), [
    (MERGE, MERGE, {"one", "two", "up", "low"}), (MERGE, SUPERSEDE_LOCAL, {"up", "low"}),
    (MERGE, SUPERSEDE_TREE, {"up", "low"}), (MERGE, TOMBSTONE, {"up"}), (SUPERSEDE_LOCAL, MERGE, {"up"}),
    (SUPERSEDE_TREE, MERGE, {"up"}), (SUPERSEDE_TREE, TOMBSTONE, {"up"}), (TOMBSTONE, MERGE, None)])
def test_two_deltas_on_one_key(upper: int, lower: int, left: set[str] | None) -> None:
    below = root(Key("k", () if lower == TOMBSTONE else (Value.sz("low", ""),), semantics=lower))
    above = root(Key("k", () if upper == TOMBSTONE else (Value.sz("up", ""),), semantics=upper))
    found = Union(BASE, below, above).get("k")
    assert (None if found is None else {value.name for value in found.values}) == left


@pytest.mark.parametrize(("upper", "lower", "left"), [
    (MERGE, SUPERSEDE_LOCAL, ["deep", "low", "other", "up"]), (SUPERSEDE_LOCAL, TOMBSTONE, ["up"]),
    (SUPERSEDE_LOCAL, SUPERSEDE_TREE, ["low", "up"]), (MERGE, TOMBSTONE, ["up"])])
def test_subkeys_come_from_the_layers_that_are_left(upper: int, lower: int, left: list[str]) -> None:
    below = root(Key("k", subkeys=() if lower == TOMBSTONE else (Key("low", semantics=lower),), semantics=lower))
    above = root(Key("k", subkeys=(Key("up"),), semantics=upper))
    assert names(Union(BASE, below, above)["k"]) == left


def test_a_tombstone_deletes_nothing_where_nothing_is() -> None:
    union = Union(BASE, root(Key("nothing", semantics=TOMBSTONE), Key("new", subkeys=(
        Key("gone", semantics=TOMBSTONE),), semantics=SUPERSEDE_TREE)))
    assert names(union.root) == ["k", "new", "untouched"]
    assert names(union["new"]) == []


def test_a_values_tombstone_hides_those_below_it_and_not_those_above() -> None:
    low = root(Key("k", (Value.tombstone("ONE"),), inherit_class=True))
    assert [value.name for value in Union(BASE, low)["k"].values] == ["two"]
    again = root(Key("k", (Value.sz("One", "back"),), inherit_class=True))
    assert {value.name for value in Union(BASE, low, again)["k"].values} == {"One", "two"}


def test_a_class_is_inherited_from_the_next_key_that_has_its_own() -> None:
    inherits, empty = root(Key("k", inherit_class=True)), root(Key("k"))
    assert Union(BASE, inherits)["k"].class_name == "Class"
    assert Union(BASE, inherits, inherits)["k"].class_name == "Class"
    assert Union(BASE, empty, inherits)["k"].class_name is None
    assert Union(BASE, root(Key("new", inherit_class=True)))["new"].class_name is None


def test_a_root_deletes_nothing_whatever_its_record_says() -> None:
    for semantics in (TOMBSTONE, SUPERSEDE_LOCAL, SUPERSEDE_TREE):
        over = Key("ROOT", subkeys=(Key("new"),), semantics=semantics)
        assert names(Union(BASE, over).root) == ["k", "new", "untouched"]


def test_subkeys_of_a_union_are_sorted_as_windows_sorts_them() -> None:
    base = Key("ROOT", subkeys=tuple(Key(name) for name in ("A", "c", "\u00e9")))
    assert names(Union(base, root(Key("B"), Key("_"), Key("\u0436"))).root) == ["A", "B", "c", "_", "\u00e9", "\u0436"]


@settings(max_examples=150, deadline=None)
@given(plain_roots, plain_roots, plain_roots)
def test_layers_may_be_merged_two_at_a_time(base: Key, middle: Key, top: Key) -> None:
    first = delta(base, middle) or Key("ROOT", security=base.security)
    second = delta(middle, top) or Key("ROOT", security=middle.security)
    stacked = Union(base, first, second).root
    assert amount(stacked) == amount(Union(merge(base, first), second).root) == amount(top)
    assert amount(freeze(stacked)) == amount(stacked)
    plain = read(write(stacked)).root
    assert amount(plain) == amount(stacked)
    assert plain.semantics == MERGE


@settings(max_examples=100, deadline=None)
@given(plain_roots, plain_roots)
def test_looking_up_and_walking_find_the_same(base: Key, upper: Key) -> None:
    union = Union(base, delta(base, upper) or Key("ROOT"))
    paths = set()
    for path, key in union.walk():
        paths.add(path)
        found = union[path]
        assert (found.name, Values(found.values), found.last_write) == (key.name, key.values, key.last_write)
    for path, _ in Union(base).walk():
        assert (path in union) == (path.casefold() in {each.casefold() for each in paths} or path in paths)


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
@pytest.mark.parametrize("name", ["System_Delta.sandbox", "Software_Delta.image-layer"])
def test_a_real_delta_over_nothing_shows_what_it_adds(name: str) -> None:
    hive = read((SHARED / "delta" / name).read_bytes())
    union = Union(Key("ROOT"), hive.root)
    kinds = [key.semantics for _, key in hive.walk()]
    left = list(union.walk())
    assert all(key.semantics == MERGE and not any(value.deleted for value in key.values) for _, key in left)
    assert len(left) == len(kinds) - kinds.count(TOMBSTONE)
