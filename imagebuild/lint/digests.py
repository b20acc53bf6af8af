# SPDX-License-Identifier: Apache-2.0
"""The digest of a stream, made on a thread beside whoever reads it: hashing then costs hardly any time."""

from __future__ import annotations

import queue
import threading
from types import TracebackType
from typing import BinaryIO, Self

from ..oci import Digest

_AHEAD = 32  # chunks of at most 256 KiB that wait to be hashed


class HashedReader:
    """Passes a stream through; :meth:`digest` says what it was, once it was read to its end.

    The algorithm is that of ``like``; without one nothing is hashed, and the digest is ``None``.
    """

    def __init__(self, stream: BinaryIO, like: Digest | None) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._like = like
        self._queue: queue.Queue[bytes] = queue.Queue(_AHEAD)
        self._thread: threading.Thread | None = None
        if like is not None:
            self._hash = like.hasher()
            self._thread = threading.Thread(target=self._work, name="lint-digest", daemon=True)
            self._thread.start()

    def read1(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        data: bytes = self._read(size)
        if data and self._thread is not None:
            self._queue.put(data)
        return data

    read = read1

    def digest(self) -> Digest | None:
        """The digest of what was read."""
        self._end()
        return None if self._like is None else Digest(f"{self._like.algorithm}:{self._hash.hexdigest()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._end()

    def _work(self) -> None:
        while data := self._queue.get():
            self._hash.update(data)

    def _end(self) -> None:
        if self._thread is not None:
            self._queue.put(b"")
            self._thread.join()
            self._thread = None


__all__ = ["HashedReader"]
