# SPDX-License-Identifier: Apache-2.0
"""Processes of a box that outlived whoever held it."""

from __future__ import annotations

import subprocess
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
