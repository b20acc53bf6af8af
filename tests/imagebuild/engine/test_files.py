# SPDX-License-Identifier: Apache-2.0
"""Small documents: whole or not there, on a full disk and under many writers."""

from __future__ import annotations

import errno
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.engine.files import full, read_document, write_document
from imagebuild.errors import StoreError

_JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) |
                     st.dictionaries(st.text(), inner), max_leaves=8)


@given(document=_JSON)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, document: Any) -> None:
    place = tmp_path_factory.mktemp("files") / "document.json"
    write_document(place, document)
    assert read_document(place) == document
    assert list(place.parent.iterdir()) == [place]


@given(data=st.binary())
def test_anything_else_is_no_document_or_a_value(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    place = tmp_path_factory.mktemp("files") / "document.json"
    place.write_bytes(data)
    read_document(place)
    assert read_document(place.parent / "none") is None


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    place = tmp_path / "document.json"
    write_document(place, {"old": True})
    with monkeypatch.context() as patch:
        patch.setattr(os, call, refuse)
        patch.setattr(Path, "replace", refuse)
        with pytest.raises(StoreError, match="No space left on device") as caught:
            write_document(place, {"new": "x" * 100_000})
    assert read_document(place) == {"old": True}
    assert list(tmp_path.iterdir()) == [place]
    assert isinstance(full(caught.value), faults.Internal)


def test_many_writers_leave_one_whole_document(tmp_path: Path) -> None:
    place = tmp_path / "document.json"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: write_document(place, [number] * 1000), range(64)))
    found = read_document(place)
    assert found == [found[0]] * 1000
    assert list(tmp_path.iterdir()) == [place]


def test_only_what_must_survive_a_power_cut_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[int] = []
    monkeypatch.setattr("imagebuild.engine.files.os.fsync", waited.append)
    write_document(tmp_path / "a", {}, sync=False)
    assert waited == []
    write_document(tmp_path / "a", {})
    assert len(waited) == 1
