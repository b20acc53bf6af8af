# SPDX-License-Identifier: Apache-2.0
"""A program at a terminal hears Ctrl-C and learns the terminal's size, whether it reads or not."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, sandboxes, windows_programs
from support.sandboxes import Boxes, start

from imagebuild.runtime import Box, Command, Mount, Process, Stdio
from imagebuild.runtime.port import STOPPED

pytestmark = pytest.mark.slow

SCREEN = r"C:\screen.exe"


class Session:
    """A program at a terminal of 30 rows and 100 columns; ``seen`` is the text that came."""

    def __init__(self, box: Box, line: str, *, main: bool = True) -> None:
        self.box = box
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process: Process = (box.start if main else box.exec)(Command(line, tty=True),
                                                                  Stdio(theirs, theirs, theirs))
        os.close(theirs)
        self.raw = b""
        self._read = 0

    def until(self, text: str) -> str:
        """Wait until this text has come, after what was waited for last; what came with it."""
        end = time.monotonic() + 30
        while text not in (plain := _plain(self.raw[self._read:])):
            assert select.select([self._ours], [], [], max(0.0, end - time.monotonic()))[0], (text, plain)
            with contextlib.suppress(OSError):
                self.raw += os.read(self._ours, 65536)
        self._read = len(self.raw)
        return plain

    def type(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def resize(self, rows: int, columns: int) -> None:
        self.box.resize(self.process, rows, columns)

    def close(self) -> None:
        os.close(self._ours)


def _plain(data: bytes) -> str:
    """Text without control sequences; the step over a blank is one."""
    text = data.decode("utf-8", "replace").replace("\x1b[1C", " ")
    return re.sub(r"\x1b\][^\x07]*\x07|\x1b\[[?0-9;]*[A-Za-z]|\r", "", text)


@pytest.fixture
def screens(boxes: Boxes) -> Boxes:
    """Boxes with ``C:\\screen.exe`` too."""
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(Path(__file__).with_name("screen.c")), "screen.exe")
    return boxes


@pytest.fixture
def sessions(screens: Boxes) -> Iterator[list[Session]]:
    made: list[Session] = []
    yield made
    for one in made:
        one.close()


def opened(screens: Boxes, sessions: list[Session], line: str, *, main: bool = True) -> Session:
    box = screens.open()
    if not main:
        start(box, r"C:\probe.exe sleep")
    sessions.append(Session(box, line, main=main))
    return sessions[-1]


@pytest.mark.parametrize("main", [True, False])
def test_a_program_that_reads_nothing_is_ended_by_ctrl_c(screens: Boxes, sessions: list[Session], main: bool) -> None:
    session = opened(screens, sessions, SCREEN, main=main)
    session.until("<ready>")
    session.type(b"\x03")
    assert session.process.ended.result(10) == STOPPED


def test_a_program_that_handles_ctrl_c_hears_of_it_and_goes_on(screens: Boxes, sessions: list[Session]) -> None:
    session = opened(screens, sessions, f"{SCREEN} hears")
    session.until("<ready>")
    session.type(b"\x03")
    session.until("<event 0>")
    assert not session.process.ended.done()


def test_ctrl_c_ends_what_cmd_runs_and_cmd_asks_for_the_next(screens: Boxes, sessions: list[Session]) -> None:
    session = opened(screens, sessions, "cmd")
    session.until("C:\\>")
    session.type(SCREEN.encode() + b"\r")
    session.until("<ready>")
    session.type(b"\x03")
    session.until("C:\\>")
    session.type(b"exit 4\r")
    assert session.process.ended.result(10) == 4


@pytest.mark.parametrize("main", [True, False])
def test_a_program_learns_each_size_of_its_terminal(screens: Boxes, sessions: list[Session], main: bool) -> None:
    session = opened(screens, sessions, f"{SCREEN} sizes", main=main)
    session.until("<first 100x30 window 100x30>")
    time.sleep(0.5)  # it asks for events of the window just after
    for rows, columns in ((40, 120), (10, 50), (24, 80)):
        session.resize(rows, columns)
        session.until(f"<then {columns}x{rows} window {columns}x{rows}>")
    session.type(b"\r")
    assert session.process.ended.result(10) == 5


def test_a_new_size_draws_the_screen_anew_with_the_rows_up_to_the_cursor(screens: Boxes,
                                                                          sessions: list[Session]) -> None:
    session = opened(screens, sessions, "cmd")
    session.until("C:\\>")
    for number in range(12):
        session.type(f"echo line {number}\r".encode())
        session.until("C:\\>")
    at = len(session.raw)
    session.resize(5, 40)
    time.sleep(0.5)
    session.type(b"rem end\r")
    session.until("rem end")
    drawn = session.raw[at:]
    assert drawn.startswith(b"\x1b[2J\x1b[H")
    shown = _plain(drawn.rpartition(b"\x1b[H")[2])  # what is moved up is drawn before
    assert "line 11" in shown
    assert "line 9" not in shown
    session.type(b"exit\r")
    assert session.process.ended.result(10) == 0


def test_powershell_is_interrupted_in_a_loop_and_follows_the_size(screens: Boxes, sessions: list[Session]) -> None:
    with programs.skipping():
        mount = Mount(windows_programs.powershell(), r"C:\pwsh", read_only=True)
    box = screens.open(mounts=(mount,))
    session = Session(box, r"C:\pwsh\pwsh.exe -NoProfile -NoLogo")
    sessions.append(session)
    session.until("PS C:")
    session.type(b"'be' + 'gun'; while (1) { Start-Sleep -Milliseconds 50 }\r")
    session.until("begun")
    session.type(b"\x03")
    session.until("PS C:")
    session.resize(33, 77)
    time.sleep(0.5)
    session.type(b"\"size $([Console]::WindowWidth)x$([Console]::WindowHeight)\"\r")
    session.until("size 77x33")
    session.type(b"exit 3\r")
    assert session.process.ended.result(30) == 3
