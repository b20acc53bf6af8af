# SPDX-License-Identifier: Apache-2.0
"""The fake keeps the port's promises."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebuild.errors import NotFoundError, ToolError, UsageError
from imagebuild.runtime import KILLED, STOPPED, Box, BoxSpec, Command, MemorySandbox, Process, Stdio


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    sandbox = MemorySandbox()
    yield sandbox.open(BoxSpec("x", tmp_path / "x", environment={"Name": "value"}))
    sandbox.close()


def go(box: Box, line: str, stdin: bytes = b"", *, join: bool = False) -> tuple[int, bytes, bytes]:
    (given, feed), (out, to_out), (err, to_err) = os.pipe(), os.pipe(), os.pipe()
    process = (box.exec if join else box.start)(Command(line), Stdio(given, to_out, to_err))
    os.write(feed, stdin)
    for descriptor in (given, feed, to_out, to_err):
        os.close(descriptor)
    with os.fdopen(out, "rb") as said, os.fdopen(err, "rb") as complained:
        return process.ended.result(10), said.read(), complained.read()


def sleeping(box: Box) -> Process:
    null = os.open(os.devnull, os.O_RDWR)
    process = box.start(Command("sleep 60"), Stdio(null, null, null))
    os.close(null)
    return process


def test_a_command_line_is_run_part_by_part(box: Box) -> None:
    assert go(box, "cmd /c echo hi %NAME% && error no && exit 0xC0000005 && echo never") == (
        0xC0000005, b"hi value\r\n", b"no\r\n")


def test_cat_copies_until_the_end(box: Box) -> None:
    assert go(box, "cat", b"x" * 50000) == (0, b"x" * 50000, b"")


def test_an_unknown_command_cannot_be_started(box: Box) -> None:
    with pytest.raises(ToolError) as error:
        go(box, "dir")
    assert error.value.facts["code"] == 2


@pytest.mark.parametrize(("how", "code"), [("stop", STOPPED), ("kill", KILLED)])
def test_a_stop_and_a_kill_end_it(box: Box, how: str, code: int) -> None:
    process = sleeping(box)
    assert [row.name for row in box.processes()] == ["sleep.exe"]
    if how == "stop":
        box.stop(5)
    else:
        box.kill()
    assert process.ended.result(5) == code
    assert box.processes() == ()


def test_what_joined_ends_with_the_first_program(box: Box) -> None:
    sleeping(box)
    assert go(box, "echo joined", join=True)[1] == b"joined\r\n"
    null = os.open(os.devnull, os.O_RDWR)
    joined = box.exec(Command("sleep 60"), Stdio(null, null, null))
    os.close(null)
    box.kill()
    assert joined.ended.result(5) == KILLED


def test_a_program_that_joined_is_killed_alone(box: Box) -> None:
    first = sleeping(box)
    null = os.open(os.devnull, os.O_RDWR)
    joined = box.exec(Command("sleep 60"), Stdio(null, null, null))
    os.close(null)
    joined.kill()
    assert joined.ended.result(0) == KILLED and not first.ended.done()
    joined.kill()
    assert len(box.processes()) == 1
    first.kill()
    assert first.ended.result(0) == KILLED


def test_a_box_starts_once_and_nothing_joins_one_that_is_over(box: Box) -> None:
    go(box, "exit 0")
    with pytest.raises(UsageError):
        go(box, "exit 0")
    with pytest.raises(NotFoundError):
        go(box, "exit 0", join=True)


def test_the_drive_of_a_box_that_runs_is_open(box: Box) -> None:
    with pytest.raises(NotFoundError):
        box.drive()
    sleeping(box)
    drive = box.drive()
    assert not drive.over()
    os.mkdir("made", dir_fd=drive.fd)
    box.kill()
    assert drive.over()
    os.close(drive.fd)
    with pytest.raises(NotFoundError):
        box.drive()
