# SPDX-License-Identifier: Apache-2.0
"""Many small files of a layer are written by two processes: what comes out is what one would have made."""

from __future__ import annotations

import errno
import io
import os
import random
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import layers
from support.sandboxes import wait_for

from imagebuild.errors import StoreError
from imagebuild.layer import read
from imagebuild.runtime.snapshots import writer_process as unpack_beside
from imagebuild.runtime.snapshots.file import Job
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.snapshots.writer_process import Beside
from imagebuild.runtime.unpacking import small as unpack_small
from imagebuild.runtime.unpacking.small import SMALL
from imagebuild.runtime.unpacking.unpack import unpack

FILES = 900


def layer(seed: int) -> bytes:
    """Files of all sizes and sorts in many folders; some come twice, some have second names."""
    chosen = random.Random(seed)
    members = []
    for number in range(FILES):
        path = f"Files/{chosen.choice('abcdefgh')}/{chosen.choice('xyz')}/{number} \u00e4"
        size = chosen.choice([0, 1, 500, 9000, SMALL, SMALL + 1]) if number % 10 == 0 else chosen.randrange(1000)
        facts = {"data": chosen.randbytes(size), "mtime": 1_000_000_000 + number,
                 "pax_headers": {"MSWINDOWS.fileattr": str(chosen.choice([32, 32, 33, 34, 38, 39, 1]))}}
        members.append((path, facts))
        if number % 50 == 0:
            members.append((path, {**facts, "data": b"again"}))
        if number % 70 == 0:
            members.append((f"{path} too", {"type": b"1", "linkname": path}))
    return layers.tar(*members)


def facts(folder: Path) -> dict[str, object]:
    """All that was made, but for when the folders were."""
    out: dict[str, object] = {}
    for path in sorted(folder.rglob("*")):
        about = path.stat()
        kept = (about.st_mode, about.st_uid, about.st_nlink if path.is_file() else 0,
                {name: os.getxattr(path, name) for name in os.listxattr(path)})
        out[str(path.relative_to(folder))] = (*kept, about.st_mtime_ns, path.read_bytes()) if path.is_file() else kept
    return out


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Whether each batch was taken by the other process."""
    took: list[bool] = []
    takes = Beside.takes

    def noted(self: Beside, batch: list[Job]) -> bool:
        took.append(takes(self, batch))
        return took[-1]

    monkeypatch.setattr(Beside, "takes", noted)
    yield took


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_two_processes_make_what_one_makes(tmp_path: Path, counted: list[bool], monkeypatch: pytest.MonkeyPatch,
                                           umask: int) -> None:
    blob, owner = layer(umask), 12345 if os.geteuid() == 0 else None
    monkeypatch.setattr(unpack_small, "BATCH_FILES", 8)
    old = os.umask(umask)
    try:
        two = unpack(read(io.BytesIO(blob)), tmp_path / "two", lower=Merged([]), owner=owner)
        assert set(counted) == {True, False}  # both were busy
        monkeypatch.setattr(unpack_small, "MANY", 1 << 30)
        del counted[:]
        one = unpack(read(io.BytesIO(blob)), tmp_path / "one", lower=Merged([]), owner=owner)
        assert not counted
    finally:
        os.umask(old)
    assert facts(two.folder) == facts(one.folder)
    assert (two.files, two.size, two.left_out) == (one.files, one.size, one.left_out)
    assert two.files >= FILES


@pytest.mark.parametrize("program", ["false", "cat"])
def test_one_that_ends_or_says_nothing_is_given_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                        counted: list[bool], program: str) -> None:
    before = opened()
    monkeypatch.setattr(unpack_beside.sys, "executable", shutil.which(program))
    made = unpack(read(io.BytesIO(layer(3))), tmp_path / "made", lower=Merged([]))
    assert made.files >= FILES
    assert set(counted) == {False}
    assert opened() == before


def test_where_there_is_no_pipe_one_goes_on_and_leaves_none_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                 ) -> None:
    before, pipe, made = opened(), os.pipe, []

    def few() -> tuple[int, int]:
        made.append(1)
        if len(made) > 1:
            raise OSError(24, "Too many open files")
        return pipe()

    monkeypatch.setattr(os, "pipe", few)
    assert unpack(read(io.BytesIO(layer(4))), tmp_path / "made", lower=Merged([])).files >= FILES
    assert len(made) == 2  # it was tried once
    assert opened() == before


def test_who_types_ctrl_c_does_not_end_it(tmp_path: Path) -> None:
    root = os.open(tmp_path, os.O_RDONLY)
    beside = Beside(root)
    assert os.getsid(beside._process.pid) != os.getsid(0)
    beside.close()
    os.close(root)


def test_few_files_start_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack_small, "Beside", lambda root: pytest.fail("started"))
    unpack(read(io.BytesIO(layers.tar(*((f"Files/{number}", {}) for number in range(200))))), tmp_path / "made",
           lower=Merged([]))


def test_without_a_second_process_one_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = opened()
    monkeypatch.setattr(unpack_beside.sys, "executable", str(tmp_path / "none"))
    made = unpack(read(io.BytesIO(layer(1))), tmp_path / "made", lower=Merged([]))
    assert made.files >= FILES
    assert opened() == before


@pytest.mark.parametrize("when", ["soon", "late"])
def test_one_that_is_killed_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                           when: str) -> None:
    before, takes, seen = opened(), Beside.takes, []

    def killing(self: Beside, batch: list[Job]) -> bool:
        took = takes(self, batch)
        seen.append(took)
        if took and sum(seen) == (1 if when == "soon" else 10):
            self._process.send_signal(signal.SIGKILL)
        return took

    monkeypatch.setattr(unpack_small, "BATCH_FILES", 8)
    monkeypatch.setattr(Beside, "takes", killing)
    with pytest.raises(StoreError, match=r"cannot unpack a layer to .*: the process that writes files has ended"):
        unpack(read(io.BytesIO(layer(2))), tmp_path / "made", lower=Merged([]))
    assert list(tmp_path.iterdir()) == []
    assert opened() == before


def test_what_the_other_cannot_write_is_told_as_it_was(tmp_path: Path) -> None:
    before = opened()
    (tmp_path / "there").touch()
    root = os.open(tmp_path, os.O_RDONLY)
    plain = (None, None, b"", None, b"")
    for job, code in (((("no", "folder"), "x", b"1", plain), errno.ENOENT), (((), "there", b"1", plain), errno.EEXIST),
                      (((), "x" * 300, b"1", plain), errno.ENAMETOOLONG)):
        beside = Beside(root)
        assert wait_for(lambda beside=beside, job=job: beside.takes([job]))
        with pytest.raises(OSError, match=os.strerror(code)) as failed:
            beside.drain()
        assert failed.value.errno == code
        beside.close()
        beside.close()
    os.close(root)
    assert opened() == before


def test_a_link_in_place_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    root = os.open(tmp_path / "root", os.O_RDONLY)
    beside = Beside(root)
    assert wait_for(lambda: beside.takes([(("link",), "x", b"1", (None, None, b"", None))]))
    with pytest.raises(OSError, match="Not a directory"):
        beside.drain()
    beside.close()
    os.close(root)
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_it_ends_with_whoever_gave_it_work(tmp_path: Path) -> None:
    root = os.open(tmp_path, os.O_RDONLY)
    beside = Beside(root)
    os.close(root)
    os.close(beside._jobs)  # as the kernel does for a process that was killed
    assert beside._process.wait(10) == 0
    os.close(beside._answers)


def opened() -> int:
    return len([*Path("/proc/self/fd").iterdir()])
