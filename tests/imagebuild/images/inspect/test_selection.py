# SPDX-License-Identifier: Apache-2.0
"""Patterns of paths, matched on the way down."""

from __future__ import annotations

import pytest

from imagebuild.errors import FormatError, UnsupportedError
from imagebuild.images.inspect.selection import Selection
from imagebuild.windows.upcase import fold


def chosen(pattern: str, path: str) -> bool | None:
    """Whether the path is chosen; None when not even its folder would be entered."""
    selection = Selection(pattern, key=fold)
    state = selection.start
    for name in path.split("/") if path else ():
        if not state:
            return None
        state = selection.step(state, name)
    return selection.chosen(state) if state else None


@pytest.mark.parametrize(("pattern", "path", "wanted"), [
    ("", "", True), ("", "a/b", True),
    ("/app", "", False), ("/app", "App", True), ("/app", "app/x/y", True), ("/app", "other", None),
    ("C:\\app\\*.dll", "app", False), ("C:\\app\\*.dll", "app/A.DLL", True), ("C:\\app\\*.dll", "app/sub/a.dll", None),
    ("/**/x", "x", True), ("/**/x", "a/b/x/c", True), ("/**/x", "a/b", False), ("/a/**", "a", True),
    ("/a/**/b/*.t?t", "a/q/b/1.txt", True), ("/a/**/b/*.t?t", "a/b/1.text", False), ("/a[1]", "a[1]", True),
    ("/a[1]", "a1", True), ("/a[1]", "a2", None),
])
def test_a_path_is_chosen_by_its_own_name_or_that_of_a_folder_above(pattern: str, path: str,
                                                                    wanted: bool | None) -> None:
    assert chosen(pattern, path) is wanted


def test_case_counts_where_the_key_keeps_it() -> None:
    selection = Selection("/App")
    assert not selection.step(selection.start, "app")


def test_a_pattern_may_stand_below_a_folder() -> None:
    selection = Selection("/app", below=("Files",))
    assert selection.chosen(selection.step(selection.step(selection.start, "Files"), "app"))


@pytest.mark.parametrize(("pattern", "error"), [("/a/[b", FormatError), ("E:\\x", UnsupportedError)])
def test_a_bad_pattern_is_told_at_once(pattern: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        Selection(pattern)
