# SPDX-License-Identifier: Apache-2.0
"""Waiting for a write, or for an end."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from imagebuild.sandbox import notice
from imagebuild.sandbox.notice import Notice, ended

LONG = 20


def test_a_write_by_another_process_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.touch()
    with path.open("rb") as file, Notice(file.fileno()) as noticed:
        path.rename(tmp_path / "elsewhere")  # the file is watched, not its name
        writer = subprocess.Popen(["/bin/sh", "-c", "sleep 0.2; echo x >> elsewhere"], cwd=tmp_path)
        before = time.monotonic()
        noticed.wait(LONG)
        assert file.read() == b"x\n"
        assert time.monotonic() - before < LONG
        writer.wait()


def test_a_write_before_the_wait_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "status"
    path.touch()
    with path.open("rb") as file, Notice(file.fileno()) as noticed:
        path.write_text("x")
        before = time.monotonic()
        noticed.wait(LONG)
        assert time.monotonic() - before < LONG


def test_the_end_of_a_process_ends_the_wait(tmp_path: Path) -> None:
    process = subprocess.Popen(["/bin/sleep", "0.2"])
    pidfd = os.pidfd_open(process.pid)
    with (tmp_path / "status").open("w") as file, Notice(file.fileno()) as noticed:
        assert not ended(pidfd)
        before = time.monotonic()
        noticed.wait(LONG, pidfd)
        assert time.monotonic() - before < LONG
        assert ended(pidfd)
    process.wait()
    os.close(pidfd)


def test_where_inotify_says_no_it_looks_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Without:
        @staticmethod
        def inotify_init1(flags: int) -> int:
            return -1

    monkeypatch.setattr(notice, "_libc", Without)
    with (tmp_path / "status").open("w") as file, Notice(file.fileno()) as noticed:
        before = time.monotonic()
        noticed.wait(LONG)
        assert time.monotonic() - before < LONG
        noticed.wait(-1)  # the time was over when it was reckoned


def test_who_writes_again_and_again_keeps_nobody_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    with (tmp_path / "status").open("wb", buffering=0) as file, Notice(file.fileno()) as noticed:
        for _ in range(3):
            file.write(b"x")
            noticed.wait(LONG)
    assert len(pauses) == 2


def test_two_hundred_wait_at_once_with_inotify_or_without(tmp_path: Path) -> None:
    with ExitStack() as stack:
        files = [stack.enter_context((tmp_path / str(i)).open("wb", buffering=0)) for i in range(200)]
        notices = [stack.enter_context(Notice(file.fileno())) for file in files]
        for file, noticed in zip(files, notices, strict=True):
            file.write(b"x")
            before = time.monotonic()
            noticed.wait(LONG)
            assert time.monotonic() - before < LONG


def test_nothing_is_left_open(tmp_path: Path) -> None:
    with (tmp_path / "status").open("w") as file:
        before = len([*Path("/proc/self/fd").iterdir()])
        for _ in range(3):
            with Notice(file.fileno()):
                assert len([*Path("/proc/self/fd").iterdir()]) == before + 1
        assert len([*Path("/proc/self/fd").iterdir()]) == before
