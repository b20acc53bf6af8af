# SPDX-License-Identifier: Apache-2.0
"""Our terminal while a program has it."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagebuild.cli.containers.terminal import raw_terminal
from imagebuild.errors import DaemonError


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Our standard input is a terminal of 31 rows and 97 columns: its descriptor."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 31, 97, 0, 0))
    with os.fdopen(theirs) as stream:
        monkeypatch.setattr("sys.stdin", stream)
        yield theirs
    os.close(ours)


def test_keys_go_through_and_sizes_are_told_until_the_end(terminal: int) -> None:
    before, handler = termios.tcgetattr(terminal), signal.getsignal(signal.SIGWINCH)
    sizes: list[tuple[int, int]] = []
    with pytest.raises(KeyError), raw_terminal(lambda rows, columns: sizes.append((rows, columns))):
        assert not termios.tcgetattr(terminal)[3] & (termios.ICANON | termios.ECHO | termios.ISIG)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        signal.raise_signal(signal.SIGWINCH)
        raise KeyError  # however it ends
    assert sizes == [(31, 97), (40, 120)]
    assert termios.tcgetattr(terminal) == before
    assert signal.getsignal(signal.SIGWINCH) == handler


def test_a_program_that_has_no_terminal_any_more_is_not_told(terminal: int) -> None:
    def gone(rows: int, columns: int) -> None:
        raise DaemonError("it has ended", status=409)

    with raw_terminal(gone):
        pass


def test_what_is_no_terminal_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "input").touch()
    sizes: list[int] = []
    with (tmp_path / "input").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        with raw_terminal(lambda rows, columns: sizes.append(rows)):
            pass
    assert sizes == []
