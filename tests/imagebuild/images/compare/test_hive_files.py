# SPDX-License-Identifier: Apache-2.0
"""Hives that are files: users' profiles of two images, bases and deltas of two layers."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.differences import Sides
from support.images import file, hive_file

from imagebuild.hive import Key, Value
from imagebuild.hive.tree import TOMBSTONE
from imagebuild.images.compare.hive_files import is_hive
from imagebuild.images.compare.pairs import side_of_layer

USER = "Files/Users/me/NTUSER.DAT"
DEFAULT = "Files/Users/Default/NTUSER.DAT"
CLASSES = "AppData/Local/Microsoft/Windows/UsrClass.dat"
SHOWN = r"C:\Users\me\NTUSER.DAT"


def profile(number: int, **more: object) -> Key:
    """A user's hive with one number in it."""
    return Key("ROOT", subkeys=(Key("Software", (Value.dword("n", number),)),), **more)  # type: ignore[arg-type]


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


@pytest.mark.parametrize(("path", "is_one"), [
    (USER, True), ("Files/users/x/ntuser.dat", True), (f"Files/Users/x/{CLASSES}", True),
    ("Files/Windows/System32/config/SYSTEM", True), ("Files/Windows/System32/config/components", True),
    ("Files/Windows/System32/config/SYSTEM.LOG1", False), ("Files/SYSTEM", False), ("Hives/System_Delta", True),
    ("Hives/Other_Delta", False), ("Files/Hives/System_Delta", False)])
def test_hives_are_known_by_place_and_name(path: str, is_one: bool) -> None:
    assert is_hive(path) is is_one


def test_users_hives_are_compared_key_by_key_and_no_changed_bytes(sides: Sides) -> None:
    before = sides.image(hive_file(USER, profile(1)), hive_file(f"Files/Users/me/{CLASSES}", profile(1)))
    after = sides.image(hive_file(USER, profile(2)), hive_file(f"Files/Users/me/{CLASSES}", profile(1)))
    found = sides.compare(before, after)
    assert not found.files and not found.equal
    (change,) = found.registry
    assert (change.name, change.like, change.why) == (SHOWN, "", "")
    assert [(key.mark(), key.path, [(one.before, one.after) for one in key.values]) for key in change.keys] == [
        ("~", SHOWN + r"\Software", [(Value.dword("n", 1), Value.dword("n", 2))])]


def test_a_hive_with_the_same_keys_in_other_bytes_is_no_difference(sides: Sides) -> None:
    found = sides.compare(sides.image(hive_file(USER, profile(1))), sides.image(hive_file(USER, profile(
        1, last_write=77))))
    assert found.equal and not found.identical and not found.files


def test_what_else_differs_of_such_a_file_is_told_still(sides: Sides) -> None:
    one, other = hive_file(USER, profile(1)), hive_file(USER, profile(2))
    other = file(USER, other[1] or b"", sddl="O:SYG:SYD:(A;;FA;;;WD)")
    found = sides.compare(sides.image(one), sides.image(other))
    assert [(change.path, [aspect.value for aspect in change.aspects]) for change in found.files] == [(SHOWN, ["acl"])]
    assert len(found.registry) == 1


def test_a_damaged_one_stays_a_changed_file_and_the_reason_is_told(sides: Sides) -> None:
    found = sides.compare(sides.image(hive_file(USER, profile(1))), sides.image(file(USER, b"no hive")))
    assert [change.path for change in found.files] == [SHOWN]
    (change,) = found.registry
    assert (change.name, change.keys, len(change.before), len(change.after)) == (SHOWN, (), 1, 1)
    assert f"{USER} of app:1" in change.why and change.before[0].startswith("sha256:")


@pytest.mark.parametrize("came", [True, False])
def test_a_profile_that_one_side_lacks_is_compared_with_what_it_is_made_from(sides: Sides, came: bool) -> None:
    without = sides.image(hive_file(DEFAULT, profile(1)))
    with_one = sides.image(hive_file(DEFAULT, profile(1)), hive_file(USER, profile(2)))
    found = sides.compare(without, with_one) if came else sides.compare(with_one, without)
    assert ("+" if came else "-", SHOWN) in {(change.mark, change.path) for change in found.files}
    (change,) = found.registry
    assert (change.name, change.like) == (SHOWN, r"C:\Users\Default\NTUSER.DAT")
    (value,) = change.keys[0].values
    assert value.after is not None and value.after.number() == (2 if came else 1)
    service = sides.image(hive_file(DEFAULT, profile(1)), hive_file(
        "Files/Windows/ServiceProfiles/LocalService/NTUSER.DAT", profile(2)))
    assert not sides.compare(without, service).registry, "nobody makes that one from Default's"
    nothing_to_compare = sides.compare(sides.image(file("Files/a")), sides.image(hive_file(USER, profile(2))))
    assert not nothing_to_compare.registry and nothing_to_compare.files


def test_other_hives_of_windows_stay_files(sides: Sides) -> None:
    path = "Files/Windows/System32/config/COMPONENTS"
    found = sides.compare(sides.image(hive_file(path, profile(1))), sides.image(hive_file(path, profile(2))))
    assert [change.hive for change in found.files] == [True] and not found.registry


def test_of_layers_what_the_deltas_say_is_compared_tombstones_too(sides: Sides) -> None:
    base = sides.layer(hive_file("Files/Windows/System32/config/SYSTEM", Key("ROOT", subkeys=(Key("a"), Key("b")))),
                       base=True)
    one = Key("ROOT", subkeys=(Key("a", (Value.dword("v", 1),)), Key("b", semantics=TOMBSTONE)))
    two = Key("ROOT", subkeys=(Key("a", (Value.tombstone("v"),)), Key("b", inherit_class=True)))
    side = sides.side(base, sides.layer(hive_file("Hives/System_Delta", one)),
                      sides.layer(hive_file("Hives/System_Delta", two)), sides.layer(file("Files/x", b"")))
    found = sides.compare(side_of_layer(side, 1), side_of_layer(side, 2))
    assert not found.files and not found.equal
    (change,) = found.registry
    assert change.name == r"HKEY_LOCAL_MACHINE\SYSTEM"
    assert [(key.mark(), key.path.rpartition("\\")[2], key.aspects) for key in change.keys] == [
        ("~", "a", ()), ("~", "b", ("semantics",))]
    assert change.keys[0].values[0].after == Value.tombstone("v")
    # A layer without a delta says nothing: all that the other says is told.
    (alone,) = sides.compare(side_of_layer(side, 3), side_of_layer(side, 1)).registry
    assert [(key.mark(), key.path.rpartition("\\")[2]) for key in alone.keys] == [("+", "a"), ("+", "b")]
    assert sides.compare(side_of_layer(side, 1), side_of_layer(side, 1)).equal
    assert not sides.compare(side_of_layer(side, 1), side_of_layer(side, 2), path="Hives").registry


def test_a_base_and_a_layer_have_no_hive_in_common(sides: Sides) -> None:
    side = sides.side(sides.layer(hive_file("Files/Windows/System32/config/SYSTEM", profile(1)), base=True),
                      sides.layer(file("Files/x", b"")))
    found = sides.compare(side_of_layer(side, 1), side_of_layer(side, 0))
    assert not found.registry and ("+", "Files/Windows/System32/config/SYSTEM") in {
        (change.mark, change.path) for change in found.files}


def test_bases_are_compared_key_by_key_as_layers_too(sides: Sides) -> None:
    path = "Files/Windows/System32/config/SOFTWARE"
    one, two = (sides.side(sides.layer(hive_file(path, profile(number)), base=True)) for number in (1, 2))
    found = sides.compare(side_of_layer(one, 0), side_of_layer(two, 0))
    assert [change.name for change in found.registry] == [r"HKEY_LOCAL_MACHINE\SOFTWARE"] and not found.files
