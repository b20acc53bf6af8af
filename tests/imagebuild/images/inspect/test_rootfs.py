# SPDX-License-Identifier: Apache-2.0
"""The cache of layer indexes: a folder that anything may happen to."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from support import images

from imagebuild.errors import StoreError
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.stores import MemoryStore


def prepared(folder: Path) -> Rootfs:
    store = MemoryStore()
    rootfs = Rootfs(images.sample(store)[0], store, IndexCache(folder), name="app:1")
    list(rootfs.prepare())
    return rootfs


def test_a_cache_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=f"cannot keep the index of a layer in {tmp_path}/file/indexes") as caught:
        prepared(tmp_path / "file" / "indexes")
    assert "WCOW_CACHE" in caught.value.hint


def test_an_index_that_cannot_be_put_in_place_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    prepared(tmp_path).close()
    for path in tmp_path.iterdir():
        path.unlink()
        path.mkdir()
    with pytest.raises(StoreError, match="cannot keep the index of a layer"):
        prepared(tmp_path)
    assert all(path.is_dir() for path in tmp_path.iterdir())


def test_what_killed_processes_left_is_swept_after_a_day(tmp_path: Path) -> None:
    for name, days in (("a.idx", 9), (".b.12-ab.xyz.tmp", 2), ("b.12-ab", 2), ("c.13-cd", 0)):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, (time.time() - days * 86400,) * 2)
    prepared(tmp_path).close()
    left = {path.name for path in tmp_path.iterdir()}
    assert {"a.idx", "c.13-cd"} <= left and not {".b.12-ab.xyz.tmp", "b.12-ab"} & left


def test_a_full_disk_names_the_folder_and_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(stream: object, path: Path, **how: object) -> None:
        raise StoreError(f"cannot write the index {path}", why="database or disk is full", path=str(path))

    monkeypatch.setattr("imagebuild.images.inspect.rootfs.Index.build", full)
    with pytest.raises(StoreError, match=f"in {tmp_path}: database or disk is full") as caught:
        prepared(tmp_path)
    assert "WCOW_CACHE" in caught.value.hint
