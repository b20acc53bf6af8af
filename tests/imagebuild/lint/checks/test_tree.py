# SPDX-License-Identifier: Apache-2.0
"""The tree that a layer's entries make: what is told about each, in full, and what is remembered for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.breaches import Breaches
from support.layers import SECURITY, TIMES

from imagebuild.errors import FormatError
from imagebuild.layer import Batch, Kind
from imagebuild.lint.checks import tree as subject
from imagebuild.lint.checks.item import Facts, Item
from imagebuild.lint.checks.tree import Below, Tree

FOLDER, FILE, LINK, SYMLINK = Kind.DIRECTORY, Kind.FILE, Kind.HARD_LINK, Kind.SYMLINK
Entry = tuple[Any, ...]


class Layer:
    """A tree that is fed with (kind, path), a target or a name as written behind; the n-th entry stands at byte n."""

    def __init__(self, *entries: Entry, below: Below | None = None, base: bool | None = False) -> None:
        self.report = Breaches(base)
        self.tree = Tree(self.report, below)  # type: ignore[arg-type]
        self.count = 0
        self.add(*entries)

    def add(self, *entries: Entry) -> Layer:
        for kind, path, *rest in entries:
            more = {"target": rest[0]} if rest else {}
            name = path
            if kind is Kind.WHITEOUT:
                folder, slash, base = path.rpartition("/")
                name = f"{folder}{slash}.wh.{base}"
            elif path.endswith("/"):
                path = path[:-1]
            item = Item(name, path, kind, Facts(), offset=self.count, **more)
            self.count += 1
            if kind is Kind.WHITEOUT:
                self.tree.whiteout(item)
            else:
                self.tree.place(item)
        return self

    def told(self) -> list[tuple[Any, ...]]:
        """What was told since the last call."""
        told, self.report.told = self.report.told, []
        return told

    def end(self) -> list[tuple[Any, ...]]:
        self.tree.finish()
        return self.told()


TOP = ((FOLDER, "Files"), (FOLDER, "Hives"))
BASE_HIVES = ("hives-in-base", "Windows makes Hives of a base itself", "Hives", 1)


def layer(*entries: Entry, **options: Any) -> Layer:
    """``Files`` at byte 0, ``Hives`` at 1, the entries from 2 on."""
    made = Layer(*TOP, **options)
    assert made.told() == [BASE_HIVES]
    return made.add(*entries)


def whole(*entries: Entry, **options: Any) -> list[tuple[Any, ...]]:
    """All that is told about the entries, the end of the layer included."""
    return layer(*entries, **options).end()


# --- a property -----------------------------------------------------------------------------------------------------

@given(st.lists(st.lists(st.sampled_from(["a", "B", "ß"]), min_size=1, max_size=3), max_size=12))
def test_folders_that_come_before_what_they_hold_each_once_are_right(paths: list[list[str]]) -> None:
    seen: dict[str, None] = {}
    for path in paths:
        for count in range(1, len(path) + 1):
            seen["/".join(("Files", *path[:count]))] = None
    made = layer(*((FOLDER, path) for path in seen))
    assert made.end() == []
    assert {made.tree.seen[key] for key in made.tree.seen} == {"Files", "Hives", *seen}
    assert set(made.tree.dirs) == {"", "Files", "Hives", *seen}
    spelt = {key: made.tree.seen[key] for key in made.tree.seen}
    assert all(key == "FILES/" + path[6:].upper() or "ß" in path for key, path in spelt.items()
               if path.startswith("Files/"))


# --- parents --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("entries", "told"), [
    ([(FOLDER, "Files/a"), (FILE, "Files/a/b")], []),
    ([(FOLDER, "Files/A"), (FILE, "Files/a/b"), (FILE, "Files/a/c")], []),
    ([(FILE, "Files/a/b"), (FILE, "Files/a/c")],
     [("parent-missing", "Files/a has no entry of its own before Files/a/b", "Files/a", 2)]),
    ([(FILE, "Files/a/b"), (FILE, "Files/a/B")],
     [("case-collision", "Files/a/b was there before, and is the same name to Windows", "Files/a/B", 3),
      ("parent-missing", "Files/a has no entry of its own before Files/a/b", "Files/a", 2)]),
    ([(FILE, "Files/a/b/c")],
     [("parent-missing", "Files/a/b has no entry of its own before Files/a/b/c", "Files/a/b", 2),
      ("parent-missing", "Files/a has no entry of its own before Files/a/b/c", "Files/a", 2)]),
    ([(FILE, "Files/a/b/c"), (FILE, "Files/A/d/e")],
     [("parent-missing", "Files/a/b has no entry of its own before Files/a/b/c", "Files/a/b", 2),
      ("parent-missing", "Files/a has no entry of its own before Files/a/b/c", "Files/a", 2),
      ("parent-missing", "Files/A/d has no entry of its own before Files/A/d/e", "Files/A/d", 3)]),
    ([(FILE, "Files/a/b"), (FOLDER, "Files/A")],
     [("parent-late", "its content Files/a/b came before it", "Files/A", 3)]),
    ([(FILE, "Files/a/b"), (FILE, "Files/a")],
     [("below-file", "Files/a/b was before it, and it is no folder", "Files/a", 3)]),
    ([(SYMLINK, "Files/a", "x"), (FILE, "Files/A/b"), (FILE, "Files/A/c")],
     [("below-reparse-point", "Files/a is a symlink or junction", "Files/A/b", 3)]),
    ([(Kind.JUNCTION, "Files/a", "C:\\"), (FILE, "Files/a/b")],
     [("below-reparse-point", "Files/a is a symlink or junction", "Files/a/b", 3)]),
    ([(FILE, "Files/a"), (FILE, "Files/A/b"), (FILE, "Files/A/c")],
     [("below-file", "Files/a is no folder", "Files/A/b", 3)]),
    ([(FILE, "Files/a"), (LINK, "Files/l", "Files/a"), (FILE, "Files/l/b")],
     [("below-file", "Files/l is no folder", "Files/l/b", 4)]),
])
def test_each_fault_of_a_parent_is_told_once(entries: list[Entry], told: list[tuple[Any, ...]]) -> None:
    assert whole(*entries) == told


@pytest.mark.parametrize(("folder", "told"), [
    ("nul", [("reserved-name", "'nul' is a device on Windows", "Files/nul", 2)]), ("a" * 255, []),
    ("a" * 256, [("name-too-long", f"{'a' * 60!r}... has 256 UTF-16 units, 255 are allowed", f"Files/{'a' * 256}", 2)]),
    ("a?", [("forbidden-character", "'a?' has '?' in it", "Files/a?", 2)])])
def test_the_name_of_a_folder_that_has_no_entry_is_looked_at_too(folder: str, told: list[tuple[Any, ...]]) -> None:
    made = layer((FILE, f"Files/{folder}/b/c"), (FILE, f"Files/{folder}/d"))
    assert made.told() == told
    assert [rule for rule, *_ in made.end()] == ["parent-missing"] * 2


# --- doubles --------------------------------------------------------------------------------------------------------

def test_a_name_that_comes_twice_is_told_by_its_spelling() -> None:
    assert whole((FILE, "Files/a"), (FILE, "Files/a"), (FOLDER, "Files/A")) == [
        ("duplicate-entry", "it was there before", "Files/a", 3),
        ("case-collision", "Files/a was there before, and is the same name to Windows", "Files/A", 4)]


# --- what stands at the top -----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("entries", "told"), [
    ([(FOLDER, "etc"), (FILE, "etc/a")], [("unknown-top-level", "'etc' stands at the top of the layer", "etc", 2)]),
    ([(FOLDER, "files")], [
        ("unknown-top-level", "'files' stands at the top of the layer, Files is spelt otherwise", "files", 2),
        ("case-collision", "Files was there before, and is the same name to Windows", "files", 2)]),
    ([(FOLDER, "x" * 150)], [("unknown-top-level", f"{'x' * 100!r} stands at the top of the layer", "x" * 150, 2)]),
    ([(FOLDER, "utilityVM")], [
        ("unknown-top-level", "'utilityVM' stands at the top of the layer, UtilityVM is spelt otherwise", "utilityVM",
         2)]),
    ([(FOLDER, "UtilityVM"), (FOLDER, "UtilityVM/Files")], [
        ("utilityvm-in-cim-layer", "CimFS takes it in a base only", "UtilityVM", 2)]),
    ([(FOLDER, "UtilityVM/"), (FOLDER, "UtilityVM/Files/"), (FOLDER, "UtilityVM/Files/x/")], [
        ("utilityvm-in-cim-layer", "CimFS takes it in a base only", "UtilityVM", 2),
        ("utilityvm-trailing-slash", "'UtilityVM/' is overlooked, and every entry below it fails", "UtilityVM/", 2,
         "layer"),
        ("utilityvm-trailing-slash", "'UtilityVM/Files/' is overlooked, the utility VM not prepared",
         "UtilityVM/Files/", 3, "base")]),
    ([(FOLDER, "Files/UtilityVM/"), (FILE, "Files/Hives")], []),
])
def test_the_top_of_a_layer_holds_three_names(entries: list[Entry], told: list[tuple[Any, ...]]) -> None:
    assert layer(*entries).told() == told


def test_a_top_that_is_hives_in_other_letters_is_told() -> None:
    assert Layer((FOLDER, "hives")).told() == [
        ("unknown-top-level", "'hives' stands at the top of the layer, Hives is spelt otherwise", "hives", 0)]


@pytest.mark.parametrize(("entry", "told"), [
    ((FILE, "Hives/System_Delta"), None), ((FILE, "Hives/SYSTEM_DELTA"), "it is spelt System_Delta"),
    ((FILE, "Hives/x"), "it is none of the five deltas"), ((FOLDER, "Hives/Sam_Delta"), "it is a directory"),
    ((FILE, "Hives/Sam_Delta/x"), "it is none of the five deltas")])
def test_hives_holds_the_five_deltas(entry: Entry, told: str | None) -> None:
    assert [one for one in layer(entry).told() if one[0] == "unknown-hive"] == (
        [] if told is None else [("unknown-hive", told, entry[1], 2)])


# --- whiteouts ------------------------------------------------------------------------------------------------------

def whiteouts(*entries: Entry) -> list[tuple[Any, ...]]:
    """What is told about them beside that a base can have none, which is told of each."""
    made = layer(*entries)
    told = made.end()
    names = [f"{path.rpartition('/')[0]}{'/' if '/' in path else ''}.wh.{path.rpartition('/')[2]}"
             for kind, path, *_ in entries if kind is Kind.WHITEOUT]
    offsets = [2 + at for at, entry in enumerate(entries) if entry[0] is Kind.WHITEOUT]
    in_base = [("whiteout-in-base", "it takes something away, and there is nothing below", name, offset)
               for name, offset in zip(names, offsets, strict=True)]
    assert [one for one in told if one[0] == "whiteout-in-base"] == in_base
    assert made.tree.whiteouts is bool(names)
    return [one for one in told if one[0] != "whiteout-in-base"]


GONE = Kind.WHITEOUT


@pytest.mark.parametrize(("entries", "told"), [
    ([(FOLDER, "Files/a"), (GONE, "Files/a/b"), (GONE, "Files/a/c")], []),
    ([(FOLDER, "UtilityVM"), (FOLDER, "UtilityVM/Files"), (GONE, "UtilityVM/Files/b")],
     [("utilityvm-in-cim-layer", "CimFS takes it in a base only", "UtilityVM", 2)]),
    ([(GONE, "x")], [("whiteout-outside-files", "x is not below Files or UtilityVM/Files", ".wh.x", 2)]),
    ([(GONE, "Hives/x")],
     [("whiteout-outside-files", "Hives/x is not below Files or UtilityVM/Files", "Hives/.wh.x", 2)]),
    ([(FOLDER, "Files/a"), (FILE, "Files/a/b"), (GONE, "Files/a/c")],
     [("whiteout-order", "it does not stand behind the entry of Files/a", "Files/a/.wh.c", 4)]),
    ([(FOLDER, "Files/a"), (SYMLINK, "Files/a/b", "x"), (GONE, "Files/a/c")],
     [("whiteout-order", "it does not stand behind the entry of Files/a", "Files/a/.wh.c", 4)]),
    ([(FOLDER, "Files/a"), (FOLDER, "Files/a/b"), (GONE, "Files/a/c")],
     [("whiteout-order", "it does not stand behind the entry of Files/a", "Files/a/.wh.c", 4)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/.wh..opq")],
     [("whiteout-opaque", "it is meant to empty Files/a", "Files/a/.wh..wh..opq", 3)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/.wh.plnk")],
     [("whiteout-name", "'.wh.plnk' is no name that could go", "Files/a/.wh..wh.plnk", 3)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/")], [("whiteout-name", "'' is no name that could go", "Files/a/.wh.", 3)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/..")],
     [("whiteout-name", "'..' is no name that could go", "Files/a/.wh...", 3)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/.")],
     [("whiteout-name", "'.' is no name that could go", "Files/a/.wh..", 3)]),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/..b")], []),
    ([(FOLDER, "Files/a"), (GONE, "Files/a/b"), (FILE, "Files/a/B"), (FILE, "Files/a/c")],
     [("whiteout-of-own-entry", "the layer both brings it and takes it away", "Files/a/B", 4)]),
    ([(FOLDER, "Files/b"), (FOLDER, "Files/a"), (GONE, "Files/a/c"), (FOLDER, "Files/d"), (FOLDER, "Files"),
      (GONE, "Files/B")],
     [("duplicate-entry", "it was there before", "Files", 6),
      ("whiteout-of-own-entry", "the layer both brings it and takes it away", "Files/.wh.B", 7)]),
])
def test_a_whiteout_stands_behind_its_folder_and_names_what_goes(entries: list[Entry],
                                                                 told: list[tuple[Any, ...]]) -> None:
    assert whiteouts(*entries) == told


def test_a_whiteout_of_no_name_is_not_remembered() -> None:
    made = layer((FOLDER, "Files/a"), (GONE, "Files/a/"))
    assert made.tree.gone == {}
    assert layer((FOLDER, "Files/a"), (GONE, "Files/a/B")).tree.gone == {"FILES/A/B": "Files/a/B"}
    assert layer().tree.whiteouts is False
    assert (layer().tree.last_folder, layer((FOLDER, "Files/a")).tree.last_folder) == ("Hives", "Files/a")
    assert [layer((kind, "Files/a", "Files/b")).tree.last_folder for kind in (FILE, LINK, SYMLINK)] == [None] * 3


# --- hard links -----------------------------------------------------------------------------------------------------

def missing(target: str, path: str = "Files/l", offset: int = 2) -> tuple[Any, ...]:
    return ("hard-link-missing", f"its target {target} is not there", path, offset)


def unverified(target: str) -> list[tuple[Any, ...]]:
    return [("hard-link-unverified", f"its target {target} must be in a lower layer", "Files/l", 2, "layer"),
            (*missing(target), "base")]


@pytest.mark.parametrize(("entries", "told"), [
    ([(FILE, "Files/a"), (LINK, "Files/l", "Files/a")], []),
    ([(LINK, "Files/l", "a")], [("hard-link-unprefixed", "its target is a", "Files/l", 2)]),
    ([(LINK, "Files/l", "b" * 300)], [("hard-link-unprefixed", f"its target is {'b' * 200}", "Files/l", 2)]),
    ([(LINK, "Files/l", "")], [("hard-link-unprefixed", "its target is empty", "Files/l", 2)]),
    ([(FILE, "Files/a"), (LINK, "Files/l", "Files/A")],
     [("hard-link-spelling", "its target Files/A is spelt Files/a there", "Files/l", 3)]),
    ([(FOLDER, "Files/a"), (LINK, "Files/l", "Files/A")],
     [("hard-link-to-folder", "Files/a is a folder", "Files/l", 3)]),
    ([(LINK, "Files/l", "Files/a"), (FILE, "Files/A")],
     [("hard-link-late", "its target Files/a comes after it", "Files/l", 2)]),
    ([(LINK, "Files/l", "Files/a")], unverified("Files/a")),
    ([(LINK, "Files/l", "Files/L")], unverified("Files/L")),
    ([(LINK, "Files/l", "Files/l")], unverified("Files/l")),
])
def test_a_hard_link_leads_to_a_file_that_was_before_it(entries: list[Entry], told: list[tuple[Any, ...]]) -> None:
    assert whole(*entries) == told


def test_a_hard_link_stands_where_links_can_stand() -> None:
    told = layer((FILE, "Files/a"), (LINK, "UtilityVM", "Files/a"), (LINK, "Hives/l", "Files/a")).told()
    assert [one for one in told if one[0].startswith("hard")] == [
        ("hard-link-unprefixed", "the link itself is not below Files/ or UtilityVM/Files/", "UtilityVM", 3),
        ("hard-link-unprefixed", "the link itself is not below Files/ or UtilityVM/Files/", "Hives/l", 4)]
    assert [one[0] for one in whole((FOLDER, "UtilityVM"), (FOLDER, "UtilityVM/Files"), (FILE, "UtilityVM/Files/a"), (
        LINK, "UtilityVM/Files/l", "UtilityVM/Files/a"))] == ["utilityvm-in-cim-layer"]


@pytest.mark.parametrize(("base", "below", "told"), [
    (True, None, [missing("Files/a")]), (False, None, unverified("Files/a")), (None, None, unverified("Files/a")),
    (False, Below(), [missing("Files/a")]), (False, Below({"FILES/A": False}), []),
    (False, Below({"FILES/A": True}), []),
    (False, Below(None), unverified("Files/a")), (True, Below(None), [missing("Files/a")])])
def test_where_a_target_is_not_in_the_layer_those_below_are_asked(base: bool | None, below: Below | None,
                                                                  told: list[tuple[Any, ...]]) -> None:
    assert whole((LINK, "Files/l", "Files/a"), base=base, below=below) == told


# --- symlinks -------------------------------------------------------------------------------------------------------

def prefix(target: str, offset: int = 2) -> list[tuple[Any, ...]]:
    return [("symlink-files-prefix", f"its target is {target}", "Files/l", offset)]


def to_folder(target: str, path: str = "Files/l", offset: int = 2) -> list[tuple[Any, ...]]:
    return [("symlink-to-folder", f"its target {target} is a folder", path, offset)]


DIR_LINK = Kind.DIRECTORY_SYMLINK


@pytest.mark.parametrize(("entries", "told"), [
    ([(SYMLINK, "Files/l", "a")], []),
    ([(SYMLINK, "Files/l", "Files/a")], prefix("Files\\a")),
    ([(DIR_LINK, "Files/l", "Files\\a")], prefix("Files\\a")),
    ([(Kind.JUNCTION, "Files/l", "Files\\a")], prefix("Files\\a")),
    ([(SYMLINK, "Files/l", "Files\\" + "b" * 300)], prefix("Files\\" + "b" * 194)),
    ([(SYMLINK, "Files/l", "Filesa"), (DIR_LINK, "Files/k", "x/Files/")], []),
    ([(SYMLINK, "Files/l", "Files\\a"), (FOLDER, "Files/files")], []),
    ([(SYMLINK, "Files/l", "Files\\a"), (FILE, "Files/Files/x")],
     [("parent-missing", "Files/Files has no entry of its own before Files/Files/x", "Files/Files", 3)]),
    ([(FOLDER, "Files/d"), (SYMLINK, "Files/d/l", "Files\\a"), (FOLDER, "Files/Files")],
     [("symlink-files-prefix", "its target is Files\\a", "Files/d/l", 3)]),
    ([(FOLDER, "Files/d"), (SYMLINK, "Files/d/l", "Files\\a"), (FOLDER, "Files/d/Files")], []),
    ([(SYMLINK, "Files/l", "a"), (FOLDER, "Files/A")], to_folder("a")),
    ([(SYMLINK, "Files/l", "C:/" + "a" * 250), (FOLDER, "Files/" + "a" * 250)], to_folder("C:\\" + "a" * 197)),
    ([(SYMLINK, "Files/l", "a"), (FILE, "Files/A")], []),
    ([(DIR_LINK, "Files/l", "a"), (FOLDER, "Files/A")], []),
    ([(FOLDER, "Files/d"), (SYMLINK, "Files/d/l", "..\\d")], to_folder("..\\d", "Files/d/l", 3)),
    ([(FOLDER, "Files/d"), (SYMLINK, "Files/d/l", "d")], []),
    ([(SYMLINK, "Files/l", "D:\\a"), (SYMLINK, "Files/m", "a"), (FOLDER, "Files/a")],
     to_folder("a", "Files/m", 3)),
    ([(SYMLINK, "Files/l", "Files\\a"), (FOLDER, "Files/Files"), (FOLDER, "Files/Files/a")], to_folder("Files\\a")),
    ([(SYMLINK, "Files/l", "Files\\a"), (SYMLINK, "Files/m", "b"), (FOLDER, "Files/b")],
     [*prefix("Files\\a"), *to_folder("b", "Files/m", 3)]),
    ([(DIR_LINK, "Files/l", "Files\\a"), (FOLDER, "Files/Files"), (SYMLINK, "Files/m", "b"), (FOLDER, "Files/b")],
     to_folder("b", "Files/m", 4)),
])
def test_a_symlink_is_looked_at_when_all_is_there(entries: list[Entry], told: list[tuple[Any, ...]]) -> None:
    assert whole(*entries) == told


def test_symlinks_outside_files_are_left_alone() -> None:
    told = whole((FOLDER, "UtilityVM"), (SYMLINK, "UtilityVM/l", "Files\\a"))
    assert [rule for rule, *_ in told] == ["utilityvm-in-cim-layer"]


@pytest.mark.parametrize(("below", "target", "told"), [
    (Below({"FILES/A": True}), "a", to_folder("a")), (Below({"FILES/A": False}), "a", []), (Below(), "a", []),
    (Below(None), "a", []), (Below({"FILES/FILES": True}), "Files\\a", []),
    (Below(None), "Files\\a", prefix("Files\\a")),
    (Below({"FILES/B": True}), "Files\\a", prefix("Files\\a"))])
def test_a_symlink_may_lead_into_lower_layers(below: Below, target: str, told: list[tuple[Any, ...]]) -> None:
    assert whole((SYMLINK, "Files/l", target), below=below) == told


# --- the end --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("entries", "told"), [
    ([(FOLDER, "Hives")], [(*BASE_HIVES[:3], 0), ("missing-files", "no entry Files: this is no layer of Windows", "",
                                                  None)]),
    ([(FOLDER, "Hives"), (FILE, "Files/a")],
     [(*BASE_HIVES[:3], 0), ("missing-files", "no entry for Files itself, only for what is in it", "", None)]),
    ([(FOLDER, "Files")], [("missing-hives", "no entry Hives", "", None)]),
    ([(FOLDER, "Files"), (FILE, "Hives/Sam_Delta")],
     [("hives-in-base", "Windows makes Hives of a base itself", "Hives/Sam_Delta", 1),
      ("missing-hives", "no entry Hives", "", None)]),
    ([(FOLDER, "Files"), (FILE, "Hives")], [BASE_HIVES, ("missing-hives", "no entry Hives", "", None)]),
    ([(FILE, "Files"), (FOLDER, "Hives")],
     [BASE_HIVES, ("missing-files", "no entry Files: this is no layer of Windows", "", None)]),
    ([(FOLDER, "Files"), (FOLDER, "Hives")], [BASE_HIVES]),
])
def test_the_end_tells_what_is_missing_at_the_top(entries: list[Entry], told: list[tuple[Any, ...]]) -> None:
    assert Layer(*entries).end() == told


# --- memory ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("entry", "paths"), [
    ((FILE, "Files/abc"), ["Files/abc"]), ((FILE, "Files/a/b"), ["Files/a/b", "Files/a"]),
    ((LINK, "Files/l", "Files/abcde"), ["Files/l", "Files/abcde"]),
    ((SYMLINK, "Files/l", "abcde"), ["Files/l", "abcde"]), ((GONE, "Files/abc"), ["Files/abc"])])
def test_every_name_that_is_kept_is_counted(entry: Entry, paths: list[str]) -> None:
    made = layer()
    before = made.tree.memory
    assert before == 2 * len("FilesHives") + 400
    made.add(entry)
    assert made.tree.memory - before == sum(2 * len(path) + 200 for path in paths)


def test_names_for_more_than_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "MEMORY", 3 << 20)
    made = layer()
    made.tree.memory = (3 << 20) - 2 * 9 - 200
    made.add((FILE, "Files/abc"))
    with pytest.raises(FormatError) as caught:
        made.add((FILE, "Files/abd"))
    assert caught.value.lines() == ["cannot examine the layer", "it has more names than 3 MiB hold"]


def test_a_batch_has_its_place_in_a_folder_that_is_known_when_none_of_it_was_there() -> None:
    made = Layer(*TOP)
    tree, before = made.tree, made.tree.memory
    assert tree.last_folder == "Hives"
    assert not tree.place_batch(Batch("Files/none", ["a"], [0], 0x20, SECURITY, TIMES))
    names = Batch("Files", ["a", "b", "c"], [0] * 3, 0x20, SECURITY, TIMES)
    assert tree.place_batch(names)
    assert (tree.seen.get("FILES/B"), tree.memory - before, tree.last_folder) == (
        "Files/b", 3 * subject.PLAIN_COST, None)
    assert not tree.place_batch(names)


# --- lower layers ---------------------------------------------------------------------------------------------------

def lay(below: Below, *layers: Layer) -> Below:
    for one in layers:
        below.absorb(one.tree)
    return below


def test_lower_layers_know_each_name_and_whether_it_is_a_folder() -> None:
    below = lay(Below(), layer((FILE, "Files/a"), (FOLDER, "Files/b")), layer((FOLDER, "Files/A"), (FILE, "Files/b/c")))
    assert below.names == {"FILES": True, "HIVES": True, "FILES/A": True, "FILES/B": True, "FILES/B/C": False}
    assert (below.has("FILES/A"), below.has("FILES/X"), Below(None).has("FILES/A")) == (True, False, None)
    assert lay(Below(None), layer()).names is None


def test_of_lower_layers_only_so_many_names_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "BELOW", 4)
    below = lay(Below(), layer(), layer())
    assert below.names == {"FILES": True, "HIVES": True}
    assert lay(below, layer((FILE, "Files/a"))).names is None


@pytest.mark.parametrize("make", [Below, lambda: Below(None)])
def test_lower_layers_begin_with_no_folders_and_no_deltas(make: Callable[[], Below]) -> None:
    assert (make().folders, make().deltas) == ({}, None)
