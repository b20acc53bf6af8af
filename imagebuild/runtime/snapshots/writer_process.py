# SPDX-License-Identifier: Apache-2.0
"""A second process that writes small files while the first reads the layer.

Half of the time that a small file takes is Python's, half the kernel's. Threads do not help: each of five system calls
a file would wait for its turn at the interpreter. So files go in batches to a process of ours that does nothing else;
when it has enough to do its batches come back to whoever made them, and both processors are busy.
"""

from __future__ import annotations

import fcntl
import marshal
import os
import subprocess
import sys
from contextlib import ExitStack, suppress
from pathlib import Path

from .file import DONE, FAILED, HEAD, Job

_WAITING = 2
"""Batches that the process may have before it."""
_PIPE = 1 << 20
"""Bytes of a pipe that so many fit into: who hands a batch over must not wait until the one before is written."""
_START = "import sys; sys.path.append(sys.argv[1]); import file; file.main(*map(int, sys.argv[2:]))"


class Beside:
    """Use it from one thread. Every method raises OSError for what the other process could not write."""

    def __init__(self, root: int) -> None:
        """``root`` is an open folder; OSError when there can be no process."""
        self._waiting = 0
        self._begun = False
        self._closed = False
        with ExitStack() as theirs, ExitStack() as failed:
            jobs, self._jobs = os.pipe()
            theirs.callback(os.close, jobs)
            failed.callback(os.close, self._jobs)
            self._answers, answers = os.pipe()
            theirs.callback(os.close, answers)
            failed.callback(os.close, self._answers)
            with suppress(OSError):  # this user has many large ones already: we wait for room more often
                fcntl.fcntl(self._jobs, fcntl.F_SETPIPE_SZ, _PIPE)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, str(Path(__file__).parent),
                 *map(str, (jobs, answers, root))],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={}, cwd="/",
                pass_fds=[jobs, answers, root], start_new_session=True)  # Ctrl-C is for us
            failed.pop_all()

    def takes(self, batch: list[Job]) -> bool:
        """Hand files over; false when the other process has enough to do, has not begun yet, or never will."""
        os.set_blocking(self._answers, False)
        if not self._begun:
            with suppress(BlockingIOError):
                self._begun = os.read(self._answers, 1) == DONE
            if not self._begun:
                return False
        while self._waiting and self._answer():
            pass
        if self._waiting >= _WAITING:
            return False
        data = marshal.dumps(batch)
        view = memoryview(HEAD.pack(len(data)) + data)
        self._waiting += 1
        try:
            while view:
                view = view[os.write(self._jobs, view):]
        except BrokenPipeError:
            self.drain()  # it says why
            raise
        return True

    def drain(self) -> None:
        """Until everything that was handed over is written."""
        os.set_blocking(self._answers, True)
        while self._waiting:
            self._answer()

    def close(self) -> None:
        """End the process, whatever it has to do. Safe to call twice."""
        if not self._closed:
            self._closed = True
            os.close(self._jobs)
            os.close(self._answers)
            self._process.wait()  # it ends when it finds its pipes closed, after the file at hand

    def _answer(self) -> bool:
        """Take one answer; false where none has come yet."""
        try:
            said = os.read(self._answers, 1)
        except BlockingIOError:
            return False
        if said == DONE:
            self._waiting -= 1
            return True
        rest = os.read(self._answers, FAILED.size - 1) if said else b""
        self._waiting = 0
        number = FAILED.unpack(said + rest)[1] if len(rest) == FAILED.size - 1 else 5  # EIO: it was killed
        raise OSError(number, os.strerror(number) if rest else "the process that writes files has ended")
