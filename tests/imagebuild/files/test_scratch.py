# SPDX-License-Identifier: Apache-2.0
"""Temporary folders, and those of processes that were killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from imagebuild.files.scratch import scratch

HOLD = """
import sys, time
sys.path.insert(0, sys.argv[1])
from imagebuild.files.scratch import scratch
with scratch("x-run-") as folder:
    (folder / "socket").write_bytes(b"")
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_the_folder_is_new_and_goes_with_the_block(temporary: Path) -> None:
    with scratch("x-run-") as one, scratch("x-run-") as other:
        assert one != other
        assert one.stat().st_mode & 0o777 == 0o700
        (one / "a/b").mkdir(parents=True)
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_is_freed_by_the_next_and_what_a_living_one_has_is_not(temporary: Path) -> None:
    others = temporary / "x-run-of-another"
    others.mkdir()
    children = [subprocess.Popen([sys.executable, "-c", HOLD, Path(__file__).parents[3]], stdout=subprocess.PIPE,
                                 text=True, env={**os.environ, "TMPDIR": str(temporary)}) for _ in range(2)]
    try:
        folders = [Path(child.stdout.readline().strip()) for child in children if child.stdout]
        children[0].send_signal(signal.SIGKILL)
        children[0].wait(20)
        with scratch("x-run-") as mine:
            assert sorted(temporary.iterdir()) == sorted([others, folders[1], mine])
            assert (folders[1] / "socket").exists()
    finally:
        for child in children:
            child.kill()
            child.wait()
            if child.stdout:
                child.stdout.close()
