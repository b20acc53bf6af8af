# SPDX-License-Identifier: Apache-2.0
"""The smallest delta between two registries."""

from __future__ import annotations

from hypothesis import given, settings
from support.hives import OTHER, THIRD, amount, plain_roots

from imagebuild.hive import DEFAULT_SECURITY, Key, Value, read, walk, write
from imagebuild.hive.edits.delta import delta
from imagebuild.hive.tree import MERGE, SUPERSEDE_TREE, TOMBSTONE
from imagebuild.hive.union import Union, merge

LOWER = Key("ROOT", subkeys=(
    Key("a", (Value.sz("v", "1"), Value.sz("w", "2")), (Key("b", last_write=7, subkeys=(Key("c", last_write=8),)),),
        OTHER, "Class", 5, control=0xA0),
    Key("z"),
), last_write=3)


def changed(**more: object) -> Key:
    """LOWER with other fields of the key ``a``."""
    key = LOWER["a"]
    fields = {name: getattr(key, name) for name in Key.__slots__} | more
    return Key("ROOT", subkeys=(Key(**fields), LOWER["z"]), last_write=3)  # type: ignore[arg-type]


@settings(max_examples=150, deadline=None)
@given(plain_roots, plain_roots)
def test_base_and_delta_come_to_what_was_asked_for(lower: Key, upper: Key) -> None:
    found = delta(lower, upper)
    if found is None:
        assert amount(lower) == amount(upper)
        return
    over = read(write(found, layered=True, timestamp=4)).root
    assert amount(Union(lower, found).root) == amount(upper)
    assert amount(Union(read(write(lower)).root, over).root) == amount(upper)
    assert amount(merge(lower, over)) == amount(upper)
    assert delta(merge(lower, over), upper) is None


@settings(max_examples=100, deadline=None)
@given(plain_roots, plain_roots)
def test_no_key_becomes_older_and_one_whose_values_change_has_the_new_time(lower: Key, upper: Key) -> None:
    """Rule 6 over a delta: the latest time of all keys that are left of the path."""
    low, up = read(write(lower, timestamp=7)).root, read(write(upper, timestamp=8)).root
    found = delta(low, up)
    for path, key in Union(low, *[found] * (found is not None)).walk():
        before, after, over = low.get(path), up[path], found.get(path) if found is not None else None
        assert key.last_write is not None and after.last_write is not None
        if over is not None and over.values:
            assert key.last_write >= after.last_write
        if before is not None and (over is None or over.semantics == MERGE):
            assert key.last_write >= before.last_write


def test_equal_registries_have_no_delta_and_times_are_no_difference() -> None:
    assert delta(LOWER, LOWER) is None
    assert delta(LOWER, changed(last_write=99)) is None
    assert delta(Key("ROOT"), Key("ROOT", security=DEFAULT_SECURITY)) is None


def test_only_what_changed_is_in_it_below_promoted_keys() -> None:
    upper = changed(subkeys=(Key("b", last_write=7, subkeys=(
        Key("c", (Value.dword("new", 1),), last_write=9),)),))
    found = delta(LOWER, upper)
    assert found is not None
    assert [path for path, _ in walk(found)] == ["", "a", "a\\b", "a\\b\\c"]
    a, c = found["a"], found["a\\b\\c"]
    assert (a.values, a.security, a.class_name, a.inherit_class, a.last_write, a.control) == \
        ((), OTHER, None, True, 5, 0xA0)
    assert (found.name, found.semantics, found.inherit_class, found.last_write) == ("ROOT", MERGE, False, 3)
    assert (c.values, c.inherit_class, c.last_write, c.security) == ((Value.dword("new", 1),), True, 9, OTHER)


def test_what_is_gone_leaves_tombstones() -> None:
    more = tuple(Value.dword(f"more{number}", 0) for number in range(5))
    lower, upper = changed(values=(*LOWER["a"].values, *more)), changed(values=(LOWER["a"].values[1], *more),
                                                                       subkeys=(), last_write=6)
    found = delta(lower, upper)
    assert found is not None
    a = found["a"]
    assert a.values == (Value.tombstone("v"),)
    assert (a["b"].semantics, a["b"].subkeys, a["b"].security) == (TOMBSTONE, (), OTHER)
    assert a.last_write == 6


def test_each_field_of_a_key_is_a_difference() -> None:
    for more in ({"security": THIRD}, {"class_name": "New"}, {"class_name": None}, {"flags": 0x10}, {"control": 0},
                 {"name": "A"}):
        upper = changed(**more)
        found = delta(LOWER, upper)
        assert found is not None
        assert amount(Union(LOWER, found).root) == amount(upper)
        assert found["a"].inherit_class == ("class_name" not in more)
    root = delta(Key("ROOT"), Key("ROOT", security=OTHER))
    assert root is not None and root.security == OTHER


def test_a_new_key_stands_there_whole_and_inherits_nothing() -> None:
    upper = Key("ROOT", subkeys=(*LOWER.subkeys, Key("new", (Value.sz("", "x"),), (Key("below"),), OTHER, "C", 9)))
    found = delta(LOWER, upper)
    assert found is not None
    new = found["new"]
    assert (new.semantics, new.inherit_class, new.class_name, new.last_write) == (MERGE, False, "C", 9)
    assert (new["below"].semantics, new["below"].security) == (MERGE, OTHER)


def test_a_key_supersedes_its_tree_where_that_takes_fewer_records() -> None:
    many = Key("ROOT", subkeys=(Key("k", subkeys=tuple(Key(f"s{number}") for number in range(9))),))
    few = Key("ROOT", subkeys=(Key("k", subkeys=(Key("t", (Value.sz("v", ""),)),)),))
    found = delta(many, few)
    assert found is not None
    assert [key.semantics for path, key in walk(found) if path] == [SUPERSEDE_TREE, SUPERSEDE_TREE]
    assert amount(Union(many, found).root) == amount(few)
    some = Key("ROOT", subkeys=(Key("k", subkeys=many["k"].subkeys[1:]),))
    found = delta(many, some)
    assert found is not None and found["k"].semantics == MERGE


@settings(max_examples=100, deadline=None)
@given(plain_roots, plain_roots)
def test_it_is_never_larger_than_saying_all_anew(lower: Key, upper: Key) -> None:
    found = delta(lower, upper)
    if found is not None:
        records = sum(1 + len(key.values) for _, key in walk(found))
        new = sum(1 + len(key.values) for _, key in walk(upper))
        assert records <= new + len(lower.subkeys) + len(lower.values)
