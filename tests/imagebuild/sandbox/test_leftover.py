# SPDX-License-Identifier: Apache-2.0
"""Processes of a box that outlived whoever held it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagebuild.sandbox import leftover


def _boxed(folder: Path) -> subprocess.Popen[bytes]:
    """A process in a namespace where a folder of the box is mounted, as bubblewrap makes one."""
    (folder / "prefix").mkdir(parents=True)
    process = subprocess.Popen(["unshare", "-Urm", "sh", "-c", 'mount --bind "$1" "$1" && echo ready && exec sleep 60',
                                "sh", str(folder / "prefix")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    if process.stdout.readline() != b"ready\n":
        process.wait()
        process.stdout.close()
        pytest.skip("this machine allows no user namespaces")
    return process


@pytest.mark.parametrize("name", ["box", "a box"])
def test_what_sees_a_box_is_killed_and_nothing_else(tmp_path: Path, name: str) -> None:
    one, other = _boxed(tmp_path / "one" / name), _boxed(tmp_path / "one" / f"{name}2")
    try:
        leftover.end([tmp_path / "none"])
        assert one.poll() is None
        begun = time.monotonic()
        leftover.end([tmp_path / "one" / name])
        assert one.wait(5) == -9
        assert other.poll() is None
        assert time.monotonic() - begun < leftover.SECONDS  # it is gone, though nobody has asked for its code
    finally:
        for process in (one, other):
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


HOLDER = """
import sys, time
from pathlib import Path
from imagebuild.sandbox import leftover
leftover.guard(Path(sys.argv[1]))
print("ready", flush=True)
time.sleep(60)
"""


def _ends(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    assert process.stdout is not None
    process.stdout.close()


def test_a_box_is_ended_when_its_holder_is_killed_and_one_of_the_next_holder_is_not(tmp_path: Path) -> None:
    box, other = _boxed(tmp_path / "boxes" / "one" / "box"), _boxed(tmp_path / "elsewhere" / "box")
    later = None
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / "boxes")], stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"ready\n"
        assert box.poll() is None
        holder.kill()
        time.sleep(0.02)  # a start of a process is told in hundredths of a second
        later = _boxed(tmp_path / "boxes" / "two" / "box")
        assert box.wait(10) == -9
        time.sleep(leftover.LOOKS)
        assert (later.poll(), other.poll()) == (None, None)
    finally:
        for process in (box, other, holder, *([later] if later else [])):
            _ends(process)


def test_one_that_comes_to_light_late_is_ended_too(tmp_path: Path) -> None:
    place = tmp_path / "boxes" / "box"
    place.mkdir(parents=True)
    slow = subprocess.Popen(["unshare", "-Urm", "sh", "-c", 'echo ready; sleep 0.4; mount --bind "$1" "$1"; '
                             "exec sleep 60", "sh", str(place)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    guard = leftover.guard(tmp_path / "boxes")
    try:
        assert slow.stdout is not None
        if slow.stdout.readline() != b"ready\n":
            pytest.skip("this machine allows no user namespaces")
        time.sleep(0.02)
        guard.communicate()  # its end of file is what it waits for
        assert slow.wait(10) == -9
    finally:
        _ends(slow)
