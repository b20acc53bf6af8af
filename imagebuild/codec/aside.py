# SPDX-License-Identifier: Apache-2.0
"""A digest computed on a thread of its own, so that whoever reads and decompresses does not wait for it."""

from __future__ import annotations

import threading
from queue import SimpleQueue
from typing import Protocol

BATCH = 128 << 10
"""What is handed over at once: waking the thread for less costs more than hashing it."""
BACKLOG = 16
"""Batches that may wait; a reader that is faster than the hash waits then, so the memory has a limit."""


class Hasher(Protocol):
    """What hashlib makes."""

    def update(self, data: bytes | memoryview, /) -> None:
        """Take bytes in."""

    def hexdigest(self) -> str:
        """The digest of all of them."""


class HasherAside:
    """Feeds ``hasher`` on a thread, which begins when there is a batch and ends with :meth:`settle` or :meth:`close`.

    Used by one thread at a time. While bytes are under way the hasher itself is not to be touched.
    """

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._batch: list[bytes] = []
        self._held = 0
        self._work: _Work | None = None

    def update(self, data: bytes) -> None:
        """Take bytes in, in their order; they are not copied."""
        self._batch.append(data)
        self._held += len(data)
        if self._held >= BATCH:
            if self._work is None:
                self._work = _Work(self._hasher)
            self._work.hand_over(self._batch)
            self._batch, self._held = [], 0

    def settle(self) -> None:
        """Wait until the hasher has had all bytes."""
        work, self._work = self._work, None
        if work is not None:
            work.end()
        for data in self._batch:
            self._hasher.update(data)
        self._batch, self._held = [], 0

    def close(self) -> None:
        """Nobody wants the digest any more. Safe to call twice."""
        work, self._work = self._work, None
        if work is not None:
            work.let_go()


class _Work:
    """One thread and what it has still to do. It knows nothing of its HasherAside, which may so be forgotten."""

    def __init__(self, hasher: Hasher) -> None:
        self._hasher = hasher
        self._queue: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._room = threading.Semaphore(BACKLOG)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="wcow-digest", daemon=True)
        self._thread.start()

    def hand_over(self, batch: list[bytes]) -> None:
        self._room.acquire()
        self._queue.put(batch)

    def end(self) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def let_go(self) -> None:
        self._queue.put(None)

    def _run(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                if self._error is None:
                    for data in batch:
                        self._hasher.update(data)
            except BaseException as error:  # told at the end; until then the reader must not wait for us for ever
                self._error = error
            finally:
                self._room.release()
