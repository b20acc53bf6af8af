# SPDX-License-Identifier: Apache-2.0
"""A stream read on a thread of its own, some way ahead of whoever works with what it gives: one decompresses while the
other writes."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from .readers import CHUNK_OUT, Readable

BACKLOG = 16
"""Pieces that may wait: 4 MiB of memory at most."""


class ReadAhead:
    """Gives the bytes of ``stream``, which only its thread reads from now on; it stays the caller's to close.

    An error of the stream is raised where its bytes would have come. End with :meth:`close`, or use it as a context
    manager; when that returns the stream is read by nobody any more.
    """

    def __init__(self, stream: Readable) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._queue: SimpleQueue[bytes | BaseException] = SimpleQueue()
        self._room = threading.Semaphore(BACKLOG)
        self._closed = False
        self._rest: bytes | BaseException = b""
        self._thread = threading.Thread(target=self._run, name="wcow-ahead", daemon=True)
        self._thread.start()

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; ``b""`` at the end, and ever after."""
        rest = self._rest
        if rest == b"":
            rest = self._queue.get()
            self._room.release()
        if isinstance(rest, BaseException):
            self._rest = rest
            if isinstance(rest, EOFError):
                return b""
            raise rest
        self._rest = rest[size:]
        return rest[:size] if len(rest) > size else rest

    def close(self) -> None:
        """Stop reading. Safe to call twice."""
        self._closed = True
        self._room.release()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        try:
            while True:
                self._room.acquire()
                if self._closed:
                    return
                data = self._read(CHUNK_OUT)
                self._queue.put(data or EOFError())
                if not data:
                    return
        except BaseException as error:  # told where the bytes would have come
            self._queue.put(error)
