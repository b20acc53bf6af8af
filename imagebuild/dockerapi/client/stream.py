# SPDX-License-Identifier: Apache-2.0
"""An attached container or exec: a connection that left HTTP behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType

from .. import streams
from .duplex import Duplex, timed
from .trouble import broken
from .wire import RECEIVE


class Stream:
    """An attached container or exec: what it says comes out of it, what is written goes to its stdin.

    One thread may read while another writes. :meth:`pieces` separates stdout and stderr of what has no tty.
    """

    def __init__(self, duplex: Duplex, early: bytes, media_type: str, *, host: str = "the engine",
                 silence: float | None = None) -> None:
        self._duplex = timed(duplex)
        self._early = early
        self._host = host
        self.media_type = media_type
        self.silent(silence)

    @property
    def multiplexed(self) -> bool:
        """Whether the engine said that output comes in frames; before API 1.42 it does not say."""
        return "multiplexed" in self.media_type

    def silent(self, seconds: float | None) -> None:
        """How long a read or a write may wait from now on; None is for ever. Past that it is a DaemonError."""
        self._silence = seconds
        self._duplex.silent(seconds)

    def read(self, size: int = RECEIVE) -> bytes:
        """What is there; ``b""`` at the end of output."""
        if self._early:
            data, self._early = self._early[:size], self._early[size:]
            return data
        try:
            return self._duplex.receive(size)
        except OSError as error:
            raise broken(error, self._host, silence=self._silence) from error

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read():
            yield data

    def pieces(self) -> Iterator[streams.Piece]:
        """Output with its stream (1 stdout, 2 stderr). FormatError when it is not in frames, or cut in one."""
        return streams.separate(self)

    def write(self, data: bytes) -> None:
        """To stdin, all of it."""
        try:
            self._duplex.send(data)
        except OSError as error:
            raise broken(error, self._host, silence=self._silence) from error

    def end(self) -> None:
        """End of stdin; output goes on."""
        self._duplex.end()

    def close(self) -> None:
        """Detach."""
        with contextlib.suppress(OSError):
            self._duplex.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
