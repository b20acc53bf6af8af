# SPDX-License-Identifier: Apache-2.0
"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from imagebuild.errors import StoreError
from imagebuild.stores.layout import files


def test_a_draft_takes_its_name_only_when_kept(tmp_path: Path) -> None:
    draft = files.Draft(tmp_path / "tmp")
    draft.write(b"one")
    draft.write(bytearray(b"two"))
    assert not (tmp_path / "x").exists()
    draft.keep(tmp_path / "x")
    draft.discard()
    assert (tmp_path / "x").read_bytes() == b"onetwo"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_discarded_draft_is_gone_and_can_be_discarded_again(tmp_path: Path) -> None:
    draft = files.Draft(tmp_path)
    draft.discard()
    draft.discard()
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="closed"):
        draft.write(b"x")


@pytest.mark.parametrize("durable", [True, False])
def test_only_durable_files_wait_for_the_disk(tmp_path: Path, durable: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    files.write_file(tmp_path / "x", b"data", temporary=tmp_path / "tmp", durable=durable)
    assert len(synced) == (2 if durable else 0)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT])
def test_the_disks_complaints_come_with_a_hint(code: int) -> None:
    with pytest.raises(StoreError) as caught, files.translated("cannot write x"):
        raise OSError(code, os.strerror(code))
    assert caught.value.what == "cannot write x"
    assert caught.value.why == os.strerror(code)
    assert caught.value.hint
    assert caught.value.facts["errno"] == code


def test_only_old_drafts_are_swept(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"")
    (tmp_path / "new").write_bytes(b"")
    os.utime(tmp_path / "old", (1000, 1000))
    os.utime(tmp_path / "new", (100_000, 100_000))
    files.sweep(tmp_path, now=100_010)
    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    files.sweep(tmp_path / "nothing")
