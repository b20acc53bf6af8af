# SPDX-License-Identifier: Apache-2.0
"""Links of Windows as text of a Linux link, and back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.layer import Kind
from imagebuild.runtime.links import NOWHERE, Link, destination, from_linux, is_absolute, linux_destination, to_linux

NAMES = st.text(st.characters(exclude_characters="/\\:\0", exclude_categories=["Cs"]), min_size=1, max_size=6).filter(
    lambda name: name not in (".", ".."))
FOLDERS = st.lists(NAMES, max_size=3).map(tuple)
KINDS = st.sampled_from([Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION])


@given(KINDS, FOLDERS.filter(bool), FOLDERS)
def test_an_absolute_target_comes_back_as_it_was(kind: Kind, path: tuple[str, ...], folder: tuple[str, ...]) -> None:
    link = Link(kind, "C:\\" + "\\".join(path))
    text = to_linux(link, folder, destination(link.target, folder))
    assert from_linux(text, folder) == link
    assert linux_destination(text, folder) == path
    assert not text.startswith("/")


@given(st.sampled_from([Kind.SYMLINK, Kind.DIRECTORY_SYMLINK]), FOLDERS, st.lists(st.one_of(
    NAMES, st.sampled_from(["..", "."])), min_size=1, max_size=5))
def test_a_relative_target_leads_to_the_same_place(kind: Kind, folder: tuple[str, ...], names: list[str]) -> None:
    link = Link(kind, "\\".join(names))
    if is_absolute(link.target):
        return
    wanted = destination(link.target, folder)
    assert wanted is not None
    text = to_linux(link, folder, wanted)
    found = from_linux(text, folder)
    assert found is not None
    assert (found.kind, destination(found.target, folder)) == (kind, wanted)
    assert not is_absolute(found.target)
    depth = len(folder)
    for name in text.split("/"):
        depth += -1 if name == ".." else 0 if name in ("", ".") else 1
        assert depth >= 0


@pytest.mark.parametrize("target", ["D:\\x", "\\\\server\\share\\x", "\\??\\Volume{12}\\x", "UNC\\server\\x",
                                    "\\\\?\\UNC\\server\\x", "\\\\.\\pipe\\x", "z:"])
@pytest.mark.parametrize("kind", [Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION])
def test_a_target_outside_leads_nowhere_and_is_not_forgotten(target: str, kind: Kind) -> None:
    assert destination(target, ("a",)) is None
    text = to_linux(Link(kind, target), ("a",), None)
    assert text.startswith(NOWHERE)
    assert "/" not in text[len(NOWHERE):].removesuffix("/.").removesuffix("/")
    assert from_linux(text, ("a",)) == Link(kind, target)
    assert linux_destination(text, ("a",)) is None


@pytest.mark.parametrize(("text", "folder", "link"), [
    ("b", ("x",), Link(Kind.SYMLINK, "b")), ("b/", ("x",), Link(Kind.DIRECTORY_SYMLINK, "b")),
    ("./../y/b/", ("x",), Link(Kind.DIRECTORY_SYMLINK, "C:\\y\\b")),
    ("./../y/b/.", ("x",), Link(Kind.JUNCTION, "C:\\y\\b")),
    ("/prefix/drive_c/a/../b", (), Link(Kind.SYMLINK, "C:\\b")), ("/prefix/drive_c", (), Link(Kind.SYMLINK, "C:\\")),
    ("/prefix/drive_cc", (), None), ("/etc/passwd", (), None),
    ("../../../etc", ("x",), Link(Kind.SYMLINK, "..\\..\\..\\etc")),
    ("", (), Link(Kind.SYMLINK, "")), ("././", (), Link(Kind.DIRECTORY_SYMLINK, "C:\\"))])
def test_a_linux_link_is_told_as_windows_would(text: str, folder: tuple[str, ...], link: Link | None) -> None:
    assert from_linux(text, folder) == link


@pytest.mark.parametrize("target", ["\\??\\C:\\a\\b", "\\\\?\\C:\\a\\b", "C:/a/b", "\\a\\b", "/a/b", "c:\\x\\..\\a\\b",
                                    "..\\..\\..\\a\\b", "b"])
def test_the_ways_to_name_a_place_on_the_drive(target: str) -> None:
    assert destination(target, ("a",)) == ("a", "b")
