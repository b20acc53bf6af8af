# SPDX-License-Identifier: Apache-2.0
"""What a container sees of several layers."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import OTHER_SECURITY, entry, folder, tar, write

from imagebuild.errors import UsageError
from imagebuild.layer import Entry, Found, Index, Kind, Union

DIR: dict[str, Any] = {"type": tarfile.DIRTYPE}
Make = Callable[..., Union]

# Indexes of examples that hypothesis keeps are collected when it likes; Python 3.13 says so.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning",
                                        "ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def union(tmp_path: Path) -> Make:
    def make(*blobs: bytes, linux: bool = False) -> Union:
        return Union([Index.build(io.BytesIO(blob), tmp_path / f"{number}.idx", linux=linux)
                      for number, blob in enumerate(blobs)])
    return make


BASE = write([folder("Files"), folder("Files/Windows", attributes=0x12), entry("Files/Windows/a.dll"),
              entry("Files/Windows/b.dll"), folder("Files/Windows/sub"), entry("Files/Windows/sub/c.txt")], base=True)


def paths(union: Union) -> list[str]:
    return [found.entry.path for found in union.walk("Files")]


def test_the_topmost_entry_counts_and_says_its_layer(union: Make) -> None:
    view = union(BASE, write([folder("Files"), folder("Files/windows", security=OTHER_SECURITY),
                              (entry("Files/windows/A.DLL", size=1), b"x")]))
    found = view.get("files/WINDOWS/a.dll")
    assert found is not None
    assert (found.entry.path, found.entry.size, found.layer) == ("Files/windows/A.DLL", 1, 1)
    assert view.get("Files/Windows/b.dll") == Found(entry("Files/Windows/b.dll"), 0)
    directory = view.get("Files/Windows")
    assert directory is not None
    assert (directory.entry.security, directory.entry.attributes, directory.layer) == (OTHER_SECURITY, 0x10, 1)
    assert [found.entry.path for found in view.children("Files/Windows")] == [
        "Files/windows/A.DLL", "Files/Windows/b.dll", "Files/Windows/sub"]
    assert view.get("Files/none") is None


def test_a_whiteout_takes_away_a_path_and_all_below_it(union: Make) -> None:
    view = union(BASE, write([folder("Files"), folder("Files/Windows"), entry("Files/Windows/A.dll", Kind.WHITEOUT),
                              entry("Files/Windows/SUB", Kind.WHITEOUT)]))
    assert paths(view) == ["Files/Windows", "Files/Windows/b.dll"]
    for gone in ("Files/Windows/a.dll", "Files/Windows/sub", "Files/Windows/sub/c.txt"):
        assert view.get(gone) is None
    assert view.children("Files/Windows/sub") == []


def test_what_was_taken_away_can_come_back_in_a_higher_layer(union: Make) -> None:
    view = union(BASE, write([folder("Files"), folder("Files/Windows"), entry("Files/Windows/sub", Kind.WHITEOUT)]),
                 write([folder("Files"), folder("Files/Windows"), folder("Files/Windows/sub"),
                        entry("Files/Windows/sub/new")]))
    assert [found.entry.path for found in view.children("Files/Windows/sub")] == ["Files/Windows/sub/new"]
    assert view.get("Files/Windows/sub/c.txt") is None
    assert view.get("Files/Windows/sub/new") == Found(entry("Files/Windows/sub/new"), 2)


def test_a_whiteout_does_not_touch_its_own_layer(union: Make) -> None:
    view = union(BASE, tar(("Files/Windows/.wh.a.dll", {}), ("Files/Windows/a.dll", {"data": b"12"})))
    found = view.get("Files/Windows/a.dll")
    assert found is not None
    assert (found.entry.size, found.layer) == (2, 1)
    assert "Files/Windows/a.dll" in paths(view)


@pytest.mark.parametrize("over", [
    entry("Files/Windows/sub"), entry("Files/Windows/sub", Kind.JUNCTION, target="C:\\x"),
    entry("Files/Windows/sub", Kind.SYMLINK, target="x")], ids=lambda item: item.kind.value)
def test_a_file_or_link_over_a_directory_covers_what_it_held(union: Make, over: Entry) -> None:
    view = union(BASE, write([folder("Files"), folder("Files/Windows"), over]))
    assert view.get("Files/Windows/sub") == Found(over, 1)
    assert view.get("Files/Windows/sub/c.txt") is None
    assert view.children("Files/Windows/sub") == []
    assert "Files/Windows/sub/c.txt" not in paths(view)


def test_a_directory_over_a_file_does_not_bring_back_what_was_below_that(union: Make) -> None:
    view = union(BASE, write([folder("Files"), folder("Files/Windows"), entry("Files/Windows/sub")]),
                 write([folder("Files"), folder("Files/Windows"), folder("Files/Windows/sub")]))
    assert view.get("Files/Windows/sub/c.txt") is None
    assert view.children("Files/Windows/sub") == []


def test_a_parent_that_is_only_implied_shows_the_metadata_below(union: Make) -> None:
    view = union(BASE, tar(("Files/Windows/new.txt", {}), ("Files/other/x", {})))
    found = view.get("Files/Windows")
    assert found is not None
    assert (found.entry.attributes, found.layer) == (0x12, 0)
    listed = {child.entry.path: child for child in view.children("Files")}
    assert listed["Files/Windows"] == found
    assert listed["Files/other"] == Found(Entry("Files/other", Kind.DIRECTORY), 1) == view.get("Files/other")
    over_file = union(tar(("Files/x", {})), tar(("Files/x/y", {})))
    assert over_file.get("Files/x") == Found(Entry("Files/x", Kind.DIRECTORY), 1)
    assert over_file.children("Files") == [Found(Entry("Files/x", Kind.DIRECTORY), 1)]
    twice = union(tar(("Files/x/y", {})), tar(("Files/x/z", {})))
    assert twice.get("Files/x") == Found(Entry("Files/x", Kind.DIRECTORY), 1)
    assert twice.children("Files") == [Found(Entry("Files/x", Kind.DIRECTORY), 1)]


def test_an_opaque_whiteout_counts_on_linux_only(union: Make) -> None:
    lower = tar(("d", DIR), ("d/a", {}), ("d/e", DIR), ("d/e/f", {}))
    upper = tar(("d", DIR), ("d/.wh..wh..opq", {}), ("d/new", {}))
    linux = union(lower, upper, linux=True)
    assert [found.entry.path for found in linux.walk()] == ["d", "d/new"]
    assert linux.get("d/a") is None
    assert linux.get("d/e/f") is None
    assert linux.get("d") is not None
    windows = union(lower, upper)
    assert [found.entry.path for found in windows.walk()] == ["d", "d/a", "d/e", "d/e/f", "d/new"]


def test_an_opaque_root_covers_everything_below(union: Make) -> None:
    view = union(tar(("a", {})), tar((".wh..wh..opq", {}), ("b", {})), linux=True)
    assert [found.entry.path for found in view.walk()] == ["b"]
    assert view.get("a") is None


def test_hard_links_lead_into_their_own_layer_and_those_below(union: Make) -> None:
    view = union(BASE, write([folder("Files"), entry("Files/own", Kind.HARD_LINK, target="Files/Windows/b.dll")],
                             in_parent=lambda path: True))
    link = view.get("Files/own")
    assert link is not None
    assert view.content_of(link) == Found(entry("Files/Windows/b.dll"), 0)
    file = view.get("Files/Windows/a.dll")
    assert file is not None
    assert view.content_of(file) == file
    directory = view.get("Files")
    assert directory is not None
    assert view.content_of(directory) is None


def test_hard_links_that_lead_nowhere_or_in_a_circle_have_no_content(union: Make) -> None:
    link = {"type": tarfile.LNKTYPE}
    view = union(tar(("Files/a", {**link, "linkname": "Files/b"}), ("Files/b", {**link, "linkname": "Files/a"}),
                     ("Files/c", {**link, "linkname": "Files/none"})))
    for path in ("Files/a", "Files/c"):
        found = view.get(path)
        assert found is not None
        assert view.content_of(found) is None


def test_hard_links_do_not_lead_into_a_layer_above(union: Make) -> None:
    view = union(tar(("Files/a", {"type": tarfile.LNKTYPE, "linkname": "Files/b"})), tar(("Files/b", {})))
    link = view.get("Files/a")
    assert link is not None
    assert view.content_of(link) is None


def test_windows_and_linux_layers_do_not_mix(tmp_path: Path) -> None:
    one = Index.build(io.BytesIO(BASE), tmp_path / "1")
    two = Index.build(io.BytesIO(BASE), tmp_path / "2", linux=True)
    with pytest.raises(UsageError) as caught:
        Union([one, two])
    assert caught.value.lines() == ["cannot lay Windows and Linux layers over one another",
                                    "one compares names without case, the other with it"]


def test_a_name_stays_closed_however_many_layers_are_below(union: Make) -> None:
    """A whiteout of the top layer counts through the layers between, whatever else those take away."""
    gone, other = (write([folder("Files"), folder("Files/Windows"), entry(f"Files/Windows/{name}", Kind.WHITEOUT)])
                   for name in ("a.dll", "b.dll"))
    assert paths(union(BASE, other, gone)) == ["Files/Windows", "Files/Windows/sub", "Files/Windows/sub/c.txt"]


def test_a_folder_with_an_entry_shows_its_own_metadata_over_one_that_is_implied_above(union: Make) -> None:
    full = write([folder("Files"), folder("Files/Windows", attributes=0x16)])
    view = union(BASE, full, tar(("Files/Windows/new.txt", {})))
    (found,) = view.children("Files")
    assert (found.entry.attributes, found.layer) == (0x16, 1)
    assert view.get("Files/Windows") == found


def test_the_top_lists_what_is_at_the_top(union: Make) -> None:
    assert [found.entry.path for found in union(BASE).children()] == ["Files"]


def test_no_layers_show_nothing() -> None:
    view = Union([])
    assert view.get("Files") is None
    assert view.children() == []
    assert list(view.walk()) == []


parts = st.sampled_from("ab")
changes = st.lists(st.tuples(st.lists(parts, min_size=1, max_size=3), st.sampled_from(
    ["file", "dir", "gone", "opaque"])),
                   max_size=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(changes, max_size=4))
def test_the_union_is_what_applying_the_layers_one_after_another_gives(tmp_path_factory: pytest.TempPathFactory,
                                                                       layers: list[Any]) -> None:
    """The model: a dict of paths, changed layer by layer as a file system would be."""
    state: dict[tuple[str, ...], str] = {}
    blobs = []
    for layer in layers:
        members: dict[str, dict[str, Any]] = {}
        here: dict[tuple[str, ...], str] = {}
        removed: list[tuple[tuple[str, ...], str]] = []
        for path, change in layer:
            path = tuple(path)
            if change in ("gone", "opaque"):
                removed.append((path, change))
                continue
            if any(here.get(path[:size]) == "file" for size in range(1, len(path))) or path in here:
                continue
            for size in range(1, len(path)):
                here[path[:size]] = "dir"
            here[path] = change
        for path, change in removed:
            if any(here.get(path[:size], "dir") == "file" for size in range(1, len(path) + (change == "opaque"))):
                continue
            name = (*path, ".wh..wh..opq") if change == "opaque" else (*path[:-1], ".wh." + path[-1])
            members["/".join(name)] = {}
            parents = range(1, len(path) + (change == "opaque"))
            for size in parents:
                here.setdefault(path[:size], "dir")
            state = {key: kind for key, kind in state.items()
                     if not (key[:len(path)] == path and (change == "gone" or key != path))}
        for path, kind in here.items():
            members["/".join(path)] = dict(DIR) if kind == "dir" else {}
            if kind == "file" or state.get(path) == "file":
                state = {key: old for key, old in state.items() if key[:len(path)] != path}
        state.update(here)
        blobs.append(tar(*members.items()))
    folder_ = tmp_path_factory.mktemp("union")
    view = Union([Index.build(io.BytesIO(blob), folder_ / f"{number}.idx", linux=True) for number,
                  blob in enumerate(blobs)])
    shown = {tuple(found.entry.path.split("/")): "dir" if found.entry.kind is Kind.DIRECTORY else "file"
             for found in view.walk()}
    assert shown == state
    for path in [(a, *rest) for a in "ab" for rest in ((), ("a",), ("b",), ("a", "a"), ("b", "a"))]:
        found = view.get("/".join(path))
        assert (None if found is None else "dir" if found.entry.kind is Kind.DIRECTORY else "file") == state.get(path)
    for index in view.indexes:
        index.close()


def test_a_folder_that_is_taken_away_and_implied_by_one_layer_is_there(union: Make) -> None:
    view = union(BASE, tar(("Files/.wh.Windows", {}), ("Files/Windows/new.txt", {})))
    assert view.get("Files/Windows") == Found(Entry("Files/Windows", Kind.DIRECTORY), 1)
    assert paths(view) == ["Files/Windows", "Files/Windows/new.txt"]
