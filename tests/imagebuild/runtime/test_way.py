# SPDX-License-Identifier: Apache-2.0
"""Trees that are deep: every walk costs what the tree has, and none needs many descriptors."""

from __future__ import annotations

import gc
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagebuild.runtime.snapshots import overlay
from imagebuild.runtime.snapshots.archive import Asked, read
from imagebuild.runtime.snapshots.archive_write import write
from imagebuild.runtime.snapshots.changes import changes
from imagebuild.runtime.snapshots.drive import Drive, _holds_mount
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.way import MOST, STEP, Way, open_below

DEPTH = 600
EACH = STEP
"""Folders that may be opened for each: half of that on average, twice. From the root it would be three hundred."""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    for name in ("layer", "upper"):
        (tmp_path / name).mkdir()
    yield tmp_path
    for name in ("layer", "upper"):
        overlay.remove_path(tmp_path / name)


def deep(folder: Path, depth: int = DEPTH) -> None:
    """So many folders in one another, and a file in the last."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        there = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(os.open("f", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)


@pytest.fixture
def opens(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What was opened."""
    seen: list[object] = []
    real = os.open

    def counted(path: str, *more: int, **named: int) -> int:
        seen.append(path)
        return real(path, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", counted)
    return seen


def descriptors() -> int:
    gc.collect()
    return len([*Path("/proc/self/fd").iterdir()])


def drive(root: Path) -> Drive:
    return Drive(Merged([root / "layer", root / "upper"]))


WALKS: dict[str, Callable[[Path], int]] = {
    "walk": lambda root: len(list(drive(root).view.walk())),
    "changes": lambda root: len(list(changes(root / "upper", Merged([root / "layer"])))),
    "read": lambda root: sum(map(len, read(drive(root), Asked(("d",), "d")))),
}


@pytest.mark.parametrize("name", WALKS)
def test_a_walk_over_a_deep_tree_opens_some_folders_for_each(root: Path, opens: list[object], name: str) -> None:
    deep(root / "upper")
    before, at = descriptors(), len(opens)
    assert WALKS[name](root) >= DEPTH
    assert len(opens) - at < DEPTH * EACH * 2
    assert descriptors() <= before


def test_a_deep_tree_is_written_at_the_same_cost_and_is_the_same(root: Path, opens: list[object]) -> None:
    deep(root / "upper")
    data = b"".join(read(drive(root), Asked(("d",), "d")))
    before = descriptors()
    overlay.remove_path(root / "upper")
    (root / "upper").mkdir()
    at = len(opens)
    write(drive(root), (), io.BytesIO(data))
    assert len(opens) - at < DEPTH * EACH * 2
    assert descriptors() <= before
    assert b"".join(read(drive(root), Asked(("d",), "d"))) == data


def test_no_mount_is_found_in_a_deep_tree_without_one(root: Path) -> None:
    """Python's own walk keeps a descriptor for each level."""
    deep(root / "upper", 3000)
    number = os.open(root / "upper", os.O_RDONLY)
    try:
        assert not _holds_mount(number, "d")
    finally:
        os.close(number)


def test_a_way_keeps_few_folders_open_and_forgets_them(root: Path) -> None:
    deep(root / "upper", STEP * (MOST + 10))
    before, way = descriptors(), Way()
    number = open_below(root / "upper", ("d",) * (STEP * (MOST + 10)), way)
    assert number is not None
    os.close(number)
    assert descriptors() == before + MOST
    way.forget()
    assert descriptors() == before


def test_a_folder_that_went_is_not_found_by_a_way_that_had_it(root: Path) -> None:
    deep(root / "upper", 2 * STEP)
    parts, way = ("d",) * (2 * STEP), Way()
    number = open_below(root / "upper", parts, way)
    assert number is not None
    os.close(number)
    overlay.remove_path(root / "upper/d")
    assert open_below(root / "upper", parts, way) is None
