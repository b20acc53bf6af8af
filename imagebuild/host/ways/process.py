# SPDX-License-Identifier: Apache-2.0
"""A process of this machine as a :class:`~..command.Command`: a program here, or the ``ssh`` that runs one
elsewhere."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from ...errors import HostError, ToolError, WcowError
from ..command import Command, Lost

_PIECE = 256 << 10


class ProcessCommand(Command):
    """A running process. ``judge`` turns an exit code and stderr into an error of the way, where they mean one.
    ``environment`` is its own where it is given, else ours."""

    def __init__(self, name: str, line: Sequence[str],
                 judge: Callable[[int, bytes], HostError | None] = lambda code, said: None, *,
                 environment: Mapping[str, str] | None = None) -> None:
        super().__init__(name)
        self._judge = judge
        try:
            # A session of its own: Ctrl-C at the terminal is for us, and we end it.
            self._process = subprocess.Popen(list(line), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                             stderr=subprocess.PIPE, bufsize=0, start_new_session=True,
                                             env=environment)
        except FileNotFoundError:
            raise ToolError(f"cannot run {line[0]}", why="there is no such program", program=line[0]) from None
        except (OSError, ValueError) as error:
            raise ToolError(f"cannot run {line[0]}", why=" ".join(str(error).split())[:200], program=line[0]) from error
        self._input = threading.Lock()
        assert self._process.stdout is not None and self._process.stderr is not None
        copies = [threading.Thread(target=self._copy, args=one, name=f"{name}-{one[0]}", daemon=True)
                  for one in (("stdout", self._process.stdout), ("stderr", self._process.stderr))]
        for thread in copies:
            thread.start()
        self._end = threading.Thread(target=self._finish, args=(copies,), name=f"{name}-end", daemon=True)
        self._end.start()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """See :class:`Command`."""
        view = memoryview(data)
        pipe = self._process.stdin
        assert pipe is not None
        try:
            while view:
                view = view[pipe.write(view):]
        except (OSError, ValueError):
            self._end.join(2)
            if self._error is not None:
                raise Lost(self._error) from None
            raise BrokenPipeError(f"{self.name} has ended") from None

    def end(self) -> None:
        """See :class:`Command`."""
        with self._input, contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()

    def kill(self) -> None:
        """See :class:`Command`."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, 9) if os.name == "posix" else self._process.kill()

    def close(self) -> None:
        """See :class:`Command`."""
        super().close()
        self.kill()
        self.end()
        self._end.join(5)

    def _copy(self, stream: str, pipe: IO[bytes]) -> None:
        with pipe:
            while data := pipe.read(_PIECE):
                self.arrived(stream, data)

    def _finish(self, copies: list[threading.Thread]) -> None:
        code = self._process.wait()
        for thread in copies:
            thread.join()
        self.end()
        error: WcowError | None = self._judge(code, self.errors)
        if error is not None:
            self.fail(error)
        else:
            self.ended(code)
