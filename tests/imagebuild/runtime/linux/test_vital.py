# SPDX-License-Identifier: Apache-2.0
"""A box ends when its wineserver was killed, and a program is killed where Wine answers nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.sandboxes import Boxes, start, wait_for

from imagebuild.errors import ToolError
from imagebuild.runtime import Box, Command, Process, Stdio
from imagebuild.runtime.linux import vital
from imagebuild.runtime.linux.starter import Watcher
from imagebuild.runtime.linux.vital import Vital
from imagebuild.runtime.port import KILLED
from imagebuild.runtime.wine import box, processes


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    made = Watcher()
    yield made
    made.close()


@pytest.fixture
def children(tmp_path: Path) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Three sleeping programs, which ``tmp_path`` says are process 7's: the first, one more, a wineserver."""
    made = [subprocess.Popen(["sleep", "60"]) for _ in range(3)]
    (tmp_path / "7/task/7").mkdir(parents=True)
    (tmp_path / "7/task/7/children").write_text("".join(f"{one.pid} " for one in made))
    for one, name in zip(made, ("launcher.exe", "ping", "wineserver64"), strict=True):
        (tmp_path / str(one.pid)).mkdir()
        (tmp_path / str(one.pid) / "comm").write_text(f"{name}\n")
    yield made
    for one in made:
        one.kill()
        one.wait()


@pytest.mark.parametrize(("dies", "kills"), [(0, True), (1, False), (2, True)])
def test_the_first_program_and_wineserver_take_the_box_with_them(
        watcher: Watcher, children: list[subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        dies: int, kills: bool) -> None:
    monkeypatch.setattr(vital, "GRACE", 0.05)
    killed: list[int] = []
    Vital(watcher, lambda: killed.append(1)).watch(7, tmp_path)
    children[dies].kill()
    assert wait_for(lambda: killed, 1 if kills else 0.3) == kills


def test_a_box_that_is_over_is_not_killed(watcher: Watcher, children: list[subprocess.Popen[bytes]], tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital, "GRACE", 0.1)
    killed: list[int] = []
    watched = Vital(watcher, lambda: killed.append(1))
    watched.watch(7, tmp_path)
    children[0].kill()
    time.sleep(0.02)
    watched.over()
    children[2].kill()
    assert not wait_for(lambda: killed, 0.4)
    Vital(watcher, lambda: None).watch(8, tmp_path)  # a kernel that does not list children


def server(one: Box) -> int:
    """The wineserver of a box, as this machine numbers it."""
    init = one._child.init_pid  # type: ignore[attr-defined]
    return next(row.pid for row in processes.below(processes.scan(), [init]) if row.name.startswith("wineserver"))


def joined(one: Box, line: str) -> Process:
    null = os.open(os.devnull, os.O_RDWR)
    try:
        return one.exec(Command(line), Stdio(null, null, null))
    finally:
        os.close(null)


@pytest.mark.slow
def test_a_box_whose_wineserver_was_killed_ends_with_all_that_runs_in_it(boxes: Boxes) -> None:
    one = boxes.open()
    main = start(one, r"C:\probe.exe sleep")
    other = joined(one, r"C:\probe.exe sleep")
    os.kill(server(one), signal.SIGKILL)
    assert main.ended.result(vital.GRACE + 5) == KILLED
    assert other.ended.result(1) == KILLED


@pytest.mark.slow
def test_a_program_is_over_for_who_waits_when_wine_does_not_answer(boxes: Boxes,
                                                                   monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(box, "KILL_SECONDS", 1)
    one = boxes.open()
    main = start(one, r"C:\probe.exe sleep")
    other = joined(one, r"C:\probe.exe sleep")
    os.kill(server(one), signal.SIGSTOP)
    with pytest.raises(ToolError, match="Wine does not answer"):
        other.kill()
    assert other.ended.result(2) == KILLED
    begun = time.monotonic()
    one.stop(1)
    assert main.ended.done()
    assert time.monotonic() - begun < 5
