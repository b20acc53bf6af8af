# SPDX-License-Identifier: Apache-2.0
"""Our standard streams for a container's: bytes both ways, and a terminal whose keys and size are the program's."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from ...dockerapi import Stream
from ...dockerapi.streams import STDERR
from ...errors import DaemonError

PIECE = 65536


def feed(stream: Stream) -> None:
    """Send our input, from a thread of its own; its end is the program's end of input."""
    threading.Thread(target=_feed, args=(stream,), name="stdin", daemon=True).start()


def _feed(stream: Stream) -> None:
    with suppress(DaemonError, OSError):  # the program is gone: nobody needs what is typed
        while data := os.read(sys.stdin.fileno(), PIECE):
            stream.write(data)
        stream.end()


def show(stream: Stream, *, terminal: bool) -> None:
    """Write what the program says to our output, until it ends."""
    if terminal:
        while data := stream.read():
            _write(sys.stdout.buffer, data)
        return
    for piece in stream.pieces():
        _write((sys.stderr if piece.stream == STDERR else sys.stdout).buffer, piece.data)


def _write(out: BinaryIO, data: bytes) -> None:
    out.write(data)
    out.flush()


@contextmanager
def raw_terminal(resized: Callable[[int, int], None]) -> Iterator[None]:
    """Every key goes to the program, and ``resized`` hears the rows and columns now and whenever they change; as it was
    at the end. Nothing happens where our input is no terminal."""
    descriptor = sys.stdin.fileno()
    if not os.isatty(descriptor):
        yield
        return
    import termios  # Linux's and macOS's, as are the signal and the engine
    import tty

    def tell(*_unused: object) -> None:
        with suppress(DaemonError, OSError):  # a size that could not be told is told at the next change
            size = os.get_terminal_size(descriptor)
            resized(size.lines, size.columns)

    before = termios.tcgetattr(descriptor)
    handler = signal.signal(signal.SIGWINCH, tell)
    try:
        tty.setraw(descriptor)
        tell()
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        signal.signal(signal.SIGWINCH, handler)
