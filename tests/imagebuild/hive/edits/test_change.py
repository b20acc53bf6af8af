# SPDX-License-Identifier: Apache-2.0
"""Edits collected and written down as a delta."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hives import OTHER, SHARED, few_names, few_values, plain_roots

from imagebuild.errors import InputError
from imagebuild.hive import Key, KeyLike, Value, freeze, read, walk, write
from imagebuild.hive.edits.change import Change, edited
from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from imagebuild.hive.tree import MERGE, SUPERSEDE_TREE, TOMBSTONE
from imagebuild.hive.union import Union
from imagebuild.windows.acl.sddl import format_sddl
from imagebuild.windows.security import SecurityDescriptor
from imagebuild.windows.upcase import fold

BASE = Key("ROOT", subkeys=(
    Key("Services", (Value.dword("n", 1),), (
        Key("diagtrack", (Value.dword("Start", 2), Value.sz("Name", "x")), (Key("Parameters"),), last_write=11),
        Key("other", last_write=12)), OTHER, "Class", 10, control=0xA0),
    Key("Setup", last_write=13),
), last_write=1)
NOW = 99


def delta_of(*edits: Edit, base: KeyLike = BASE) -> Key:
    change = Change(base, timestamp=NOW)
    change.apply(*edits)
    found = change.delta()
    assert found is not None
    return found


def test_a_changed_value_promotes_the_keys_above_it() -> None:
    found = delta_of(SetValue("services\\DIAGTRACK", Value.dword("START", 4)))
    assert [path for path, _ in walk(found)] == ["", "Services", "Services\\diagtrack"]
    above, key = found["Services"], found["Services\\diagtrack"]
    assert key.values == (Value.dword("Start", 4),), "in the casing it was made with, and no other value"
    assert (above.last_write, above.security, above.inherit_class, above.class_name, above.control, above.values) == \
        (10, OTHER, True, None, 0xA0, ())
    assert (key.last_write, key.inherit_class, key.security) == (NOW, True, OTHER)
    assert (found.name, found.semantics, found.inherit_class, found.last_write) == ("ROOT", MERGE, False, 1)
    assert {value.name: value.number() for value in Union(BASE, found)["Services\\diagtrack"].values
            if value.name == "Start"} == {"Start": 4}


def test_a_new_key_inherits_its_security_and_its_parent_has_a_new_time() -> None:
    found = delta_of(AddKey("Setup\\New\\Below"))
    new = found["Setup\\New"]
    assert (new.semantics, new.inherit_class, new.last_write, found["Setup"].last_write) == (MERGE, False, NOW, NOW)
    assert format_sddl(SecurityDescriptor.from_bytes(new.security or b"")) == (
        "O:BAG:SYD:AI(A;ID;KA;;;BA)(A;CIIOID;KA;;;CO)(A;CIID;KA;;;SY)(A;CIIOID;KA;;;BA)(A;CIID;KR;;;BU)(A;CIID;KR;;;AC)")
    assert found["Setup\\New\\Below"].security == new.security


def test_a_deleted_key_leaves_a_tombstone_and_nothing_below_it() -> None:
    found = delta_of(SetValue("Services\\diagtrack\\Parameters", Value.sz("v", "")), DeleteKey("Services\\DiagTrack"))
    assert [path for path, _ in walk(found)] == ["", "Services", "Services\\diagtrack"]
    gone = found["Services\\diagtrack"]
    assert (gone.semantics, gone.values, gone.security) == (TOMBSTONE, (), OTHER)
    assert found["Services"].last_write == NOW
    assert "Services\\diagtrack" not in Union(BASE, found)


def test_a_key_that_is_made_again_supersedes_its_tree() -> None:
    found = delta_of(DeleteKey("Services\\diagtrack"), SetValue("Services\\DiagTrack\\New", Value.sz("v", "")))
    assert [(path, key.semantics) for path, key in walk(found["Services"], "S") if path != "S"] == [
        ("S\\DiagTrack", SUPERSEDE_TREE), ("S\\DiagTrack\\New", SUPERSEDE_TREE)]
    union = Union(BASE, found)
    assert [key.name for key in union["Services\\diagtrack"].subkeys] == ["New"]
    assert union["Services\\diagtrack"].values == ()
    again = delta_of(DeleteKey("Services\\diagtrack"), AddKey("Services\\diagtrack"), DeleteKey("Services\\diagtrack"))
    assert again["Services\\diagtrack"].semantics == TOMBSTONE


def test_a_deleted_value_leaves_a_tombstone_only_where_one_was() -> None:
    found = delta_of(DeleteValue("Services\\diagtrack", "START"), DeleteValue("Services\\diagtrack", "nothing"),
                     DeleteValue("Nowhere", "v"))
    assert found["Services\\diagtrack"].values == (Value.tombstone("Start"),)
    assert "Nowhere" not in [key.name for key in found.subkeys]


@pytest.mark.parametrize("edits", [
    (), (AddKey("Services"),), (DeleteKey("Nowhere\\at all"),), (SetValue("Services", Value.dword("N", 1)),),
    (AddKey("New"), DeleteKey("New")), (SetValue("Setup", Value.sz("v", "")), DeleteValue("setup", "V")),
    (SetValue("Services", Value.dword("n", 2)), SetValue("Services", Value.dword("n", 1))),
    (DeleteValue("Services", "n"), SetValue("Services", Value.dword("n", 1)))])
def test_edits_that_come_to_nothing_make_no_delta(edits: tuple[Edit, ...]) -> None:
    change = Change(BASE)
    change.apply(*edits)
    assert change.delta() is None
    assert change.result() is BASE


@pytest.mark.parametrize(("edit", "said"), [
    (DeleteKey(""), "root of a hive cannot be deleted"), (DeleteKey("\\"), "root of a hive cannot be deleted"),
    (AddKey("x" * 256), "255 are allowed"), (AddKey("\\".join("k" * 512)), "512 levels"),
    (SetValue("k", Value.sz("x" * 16384, "")), "16383"), (SetValue("k", Value.tombstone("v")), "tombstone")])
def test_what_no_registry_can_hold_is_refused(edit: Edit, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Change(BASE).apply(edit)


def test_the_same_edits_give_the_same_bytes_and_the_base_is_as_it_was() -> None:
    before = freeze(BASE)
    edits = (DeleteKey("Services\\other"), SetValue("a\\b", Value.sz("v", "x")))
    assert write(delta_of(*edits), layered=True) == write(delta_of(*edits), layered=True)
    assert before == BASE


paths = st.lists(few_names, min_size=1, max_size=3).map("\\".join)
edits = st.lists(st.one_of(
    st.builds(AddKey, paths), st.builds(DeleteKey, paths),
    st.builds(lambda path, some: SetValue(path, some[0]) if some else AddKey(path), paths, few_values),
    st.builds(DeleteValue, paths, st.sampled_from(["", "x", "y", "\u0436"]))), max_size=8)
_Values = dict[str, tuple[int, bytes]]
Model = dict[tuple[str, ...], _Values]


def model_of(key: KeyLike, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], _Values]]:
    yield path, {fold(value.name): (value.type, value.data) for value in key.values}
    for child in key.subkeys:
        yield from model_of(child, (*path, fold(child.name)))


def apply_to(model: Model, edit: Edit) -> None:
    """The edit, on a table of paths: a registry as simple as it can be."""
    path = tuple(map(fold, edit.path.split("\\")))
    if isinstance(edit, DeleteKey):
        for other in [other for other in model if other[: len(path)] == path]:
            del model[other]
    elif isinstance(edit, DeleteValue):
        model.get(path, {}).pop(fold(edit.name), None)
    else:
        for depth in range(1, len(path) + 1):
            model.setdefault(path[:depth], {})
        if isinstance(edit, SetValue):
            model[path][fold(edit.value.name)] = (edit.value.type, edit.value.data)


@settings(max_examples=200, deadline=None)
@given(plain_roots, edits, edits)
def test_any_edits_come_to_what_they_say(base: Key, first: list[Edit], second: list[Edit]) -> None:
    model = dict(model_of(base))
    for edit in (*first, *second):
        apply_to(model, edit)
    change = Change(base)
    change.apply(*first, *second)
    assert dict(model_of(change.result())) == model
    on_disk = edited(read(write(edited(base, first))).root, second)
    assert dict(model_of(read(write(on_disk)).root)) == model
    over = Change(base)
    over.apply(*first)
    middle = over.delta() or Key("ROOT")
    change = Change(Union(base, middle).root)
    change.apply(*second)
    top = change.delta() or Key("ROOT")
    assert dict(model_of(Union(base, read(write(middle, layered=True)).root, top).root)) == model


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
def test_edits_of_a_real_hive_read_only_what_they_touch() -> None:
    hive = read((SHARED / "real" / "SYSTEM_WIN_10_1709").read_bytes())
    change = Change(hive.root, timestamp=NOW)
    change.apply(SetValue("ControlSet001\\Services\\Dnscache", Value.dword("Start", 4)),
                 DeleteKey("ControlSet001\\Services\\DiagTrack"), AddKey("ControlSet001\\Services\\new"))
    found = change.delta()
    assert found is not None
    assert len(hive._parents) < 1000, "keys of 43,211 that were looked at: a new one is compared with its siblings"
    union = Union(hive.root, read(write(found, layered=True)).root)
    assert union["ControlSet001\\Services\\Dnscache"].values["Start"].number() == 4
    assert "ControlSet001\\Services\\DiagTrack" not in union
    assert sum(1 for _ in union.walk()) == 43211 + 1 - sum(1 for _ in walk(hive["ControlSet001\\Services\\DiagTrack"]))
