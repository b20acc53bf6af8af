# SPDX-License-Identifier: Apache-2.0
"""A program on a pseudo-terminal, and somebody who types at it and reads the screen."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from .programs import RunsAs


@dataclass(slots=True)
class Terminal:
    """``seen`` is what came since the last :meth:`read_to`."""

    descriptor: int
    process: subprocess.Popen[bytes]
    seen: bytes = field(default=b"")

    def type(self, text: bytes) -> None:
        """Press keys; Enter is ``\\r``."""
        os.write(self.descriptor, text)

    def read_to(self, text: bytes, seconds: float = 20) -> bytes:
        """Read on until something is there; what was before it. A failure shows what came instead."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            more = self._more(end - time.monotonic())
            assert more, f"{text!r} did not come, but {self.seen[-2000:]!r}"
            self.seen += more
        before, _, self.seen = self.seen.partition(text)
        return before

    def read(self, seconds: float) -> bytes:
        """What comes within so many seconds; nothing when nothing does, or the program is gone."""
        return self._more(seconds)

    def wait(self, seconds: float = 20) -> int:
        """The program's exit code, with everything it said read."""
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            self.seen += self._more(0.1)
            assert time.monotonic() < end, f"it goes on; its last words: {self.seen[-2000:]!r}"
        while more := self._more(0):
            self.seen += more
        return self.process.returncode

    def raw(self) -> bool:
        """Whether the program reads keys, not lines."""
        return not termios.tcgetattr(self.descriptor)[3] & termios.ICANON

    def resize(self, rows: int, columns: int) -> None:
        """Another size of the window."""
        fcntl.ioctl(self.descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _more(self, seconds: float) -> bytes:
        if not select.select([self.descriptor], [], [], max(seconds, 0))[0]:
            return b""
        try:
            return os.read(self.descriptor, 65536)
        except OSError:  # nobody has the other end any more
            return b""


@contextlib.contextmanager
def terminal(*argv: str, env: Mapping[str, str] | None = None, user: RunsAs | None = None) -> Iterator[Terminal]:
    """Start a program on a terminal of 30 rows and 100 columns, which belongs to its user; killed at the end when it
    still runs."""
    ours, theirs = pty.openpty()
    mine, more = (user.environment(), user.popen()) if user else (os.environ, {})
    if "user" in more:
        os.fchown(theirs, more["user"], more["group"])
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    # setsid --ctty: its window's changes are told to it, as to a program in a real terminal.
    process = subprocess.Popen(["setsid", "--ctty", "--wait", *argv], stdin=theirs, stdout=theirs, stderr=theirs,
                               env={**mine, "TERM": "xterm", **(env or {})}, **more)
    os.close(theirs)
    try:
        yield Terminal(ours, process)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        os.close(ours)
