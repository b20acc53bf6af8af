# SPDX-License-Identifier: Apache-2.0
"""A written file is whole or the one from before, whatever goes wrong while it is written."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from imagebuild.files import write_all, write_whole


def test_the_new_content_replaces_the_old_and_leaves_no_draft(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "notes.json"
    write_whole(place, b"old")
    write_whole(place, b"new", mode=0o600, durable=True)
    assert place.read_bytes() == b"new" and [one.name for one in place.parent.iterdir()] == ["notes.json"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600


@pytest.mark.parametrize("step", ["write", "fsync", "rename"])
def test_a_failure_keeps_the_old_file_and_removes_the_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                            step: str) -> None:
    place = tmp_path / "notes.json"
    write_whole(place, b"old")

    def fail(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if step == "rename":
        monkeypatch.setattr(Path, "replace", fail)
    else:
        monkeypatch.setattr(os, step, fail)
    with pytest.raises(OSError, match="No space"):
        write_whole(place, b"new", durable=True)
    monkeypatch.undo()
    assert place.read_bytes() == b"old" and list(tmp_path.iterdir()) == [place]


def test_a_write_that_stops_early_is_continued(monkeypatch: pytest.MonkeyPatch) -> None:
    out = bytearray()

    def write(fd: int, data: memoryview) -> int:
        out.extend(data[:3])
        return min(3, len(data))

    monkeypatch.setattr(os, "write", write)
    write_all(0, b"0123456789")
    assert out == b"0123456789"
