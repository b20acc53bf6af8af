# SPDX-License-Identifier: Apache-2.0
"""One process at a time, with the package filelock or without."""

from __future__ import annotations

import errno
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from imagebuild.errors import DependencyError
from imagebuild.files import lock

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")


def test_the_second_waits_for_the_first_and_gives_up_in_time(tmp_path: Path) -> None:
    with lock.locked(tmp_path / "lock", 5):
        start = time.monotonic()
        with pytest.raises(TimeoutError), lock.locked(tmp_path / "lock", 0.2):
            raise AssertionError
        assert time.monotonic() - start >= 0.2
    with lock.locked(tmp_path / "lock", 0):
        pass


def test_who_waits_gets_it_when_it_is_given_up(tmp_path: Path) -> None:
    order, inside = [], threading.Event()

    def first() -> None:
        with lock.locked(tmp_path / "lock", 5):
            inside.set()
            time.sleep(0.1)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    inside.wait(5)
    with lock.locked(tmp_path / "lock", 5):
        order.append("second")
    thread.join()
    assert order == ["first", "second"]


def test_it_is_given_up_when_the_block_is_left_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock.locked(tmp_path / "lock", 0):
        raise ZeroDivisionError
    with lock.locked(tmp_path / "lock", 0):
        pass


@pytest.mark.parametrize("package", [False, pytest.param(True, id="by the package")])
def test_the_package_and_we_keep_each_other_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: bool) -> None:
    if package:
        monkeypatch.setattr(lock, "_take", lambda path: -1)
    with FileLock(tmp_path / "lock"), pytest.raises(TimeoutError), lock.locked(tmp_path / "lock", 0.1):
        raise AssertionError
    with lock.locked(tmp_path / "lock", 1), pytest.raises(Timeout):
        FileLock(tmp_path / "lock", timeout=0).acquire()


@posix
def test_a_lock_file_that_was_removed_meanwhile_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(lock, "still_there", lambda path, fd: next(answers))
    with lock.locked(tmp_path / "lock", 5):
        assert next(answers, "all were asked for") == "all were asked for"


@posix
def test_errors_of_the_system_are_told_and_missing_locks_are_left_to_the_package(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    codes = iter([errno.EIO, errno.ENOSYS, errno.ENOSYS])

    def fails(fd: int, operation: int) -> None:
        raise OSError(next(codes), "no")

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", fails)
        with pytest.raises(OSError, match="no") as caught, lock.locked(tmp_path / "lock", 0):
            raise AssertionError
        assert caught.value.errno == errno.EIO
        monkeypatch.setitem(sys.modules, "filelock", None)
        with pytest.raises(DependencyError, match="cannot lock"), lock.locked(tmp_path / "lock", 0):
            raise AssertionError
    with pytest.raises(FileNotFoundError), lock.locked(tmp_path / "none" / "lock", 0):
        raise AssertionError
