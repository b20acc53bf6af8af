# SPDX-License-Identifier: Apache-2.0
"""Standard output carries the result, standard error what goes on: losing the first ends the work, losing the second
does not."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from ..errors import OutputError


class Result:
    """What became of standard output: ``lost`` is why it could not be written, ``None`` where it could."""

    lost: OSError | None = None

    def error(self, lost: OSError) -> OutputError:
        """Note the first failure, and return the error that says so."""
        self.lost = self.lost or lost
        return OutputError("cannot write the output", why=lost.strerror or str(lost), unread=lost.errno == errno.EPIPE)


@contextmanager
def standard_streams() -> Iterator[Result]:
    """Put streams in the place of ours for the block. A write to standard output that fails raises OutputError, once:
    what follows goes nowhere. A write to standard error that fails goes nowhere. Streams of a caller stay as they are.
    """
    result, before = Result(), (sys.stdout, sys.stderr)
    _replace("stdout", lambda fd: _Output(fd, result))
    _replace("stderr", _Progress)
    try:
        yield result
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OutputError, OSError, ValueError):  # ``result`` knows, and the block has looked
                stream.flush()
        sys.stdout, sys.stderr = before


def _replace(name: str, make: Callable[[int], io.FileIO]) -> None:
    old = getattr(sys, name)
    raw = getattr(getattr(old, "buffer", None), "raw", None)
    if not isinstance(old, io.TextIOWrapper) or raw.__class__ is not io.FileIO:
        return
    setattr(sys, name, io.TextIOWrapper(
        io.BufferedWriter(make(raw.fileno())), encoding=old.encoding, errors="backslashreplace",
        line_buffering=old.line_buffering, write_through=old.write_through))


class _Output(io.FileIO):
    """Our standard output."""

    def __init__(self, fd: int, result: Result) -> None:
        super().__init__(fd, "wb", closefd=False)
        self._result = result

    def write(self, data: Any) -> int:
        if self._result.lost is None:
            try:
                return super().write(data)
            except OSError as error:
                raise self._result.error(error) from error
        return len(data)


class _Progress(io.FileIO):
    """Our standard error."""

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "wb", closefd=False)

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:  # the exit code says how the work ended
            return len(data)
