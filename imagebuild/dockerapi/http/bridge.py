# SPDX-License-Identifier: Apache-2.0
"""Bytes that a thread makes, as a response body: ``respond.tar(bridge.from_thread(write_tar))``.

``tarfile`` and its like block; the loop must not. The producer writes to a file, in a thread of its own, and waits
there while the client is slower.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import threading
from collections.abc import AsyncIterator, Callable
from typing import BinaryIO, cast

#: As much as is made ahead of the client, in pieces of this size.
PIECE = 256 << 10
AHEAD = 8


class Abandoned(OSError):
    """The client has left: the producer's writes fail, so that it ends."""


async def from_thread(produce: Callable[[BinaryIO], None]) -> AsyncIterator[bytes]:
    """What ``produce`` writes to the file it is given. What it raises is raised here, after what it wrote before."""
    loop = asyncio.get_running_loop()
    pipe = _Pipe(loop)

    def work() -> None:
        error: BaseException | None = None
        try:
            with io.BufferedWriter(pipe, PIECE) as file:
                produce(cast(BinaryIO, file))
        except BaseException as trouble:  # whatever it is belongs to who reads
            error = trouble
        pipe.finish(error)

    thread = threading.Thread(target=work, name="dockerapi-producer", daemon=True)
    thread.start()
    try:
        while True:
            data = await pipe.queue.get()
            if data is None:
                break
            pipe.room.release()
            yield data
        if pipe.error is not None:
            raise pipe.error
    finally:
        pipe.abandon()


class _Pipe(io.RawIOBase):
    """The producer's end; ``queue`` is the other. Writing waits for ``room``."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._left = False
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.room = threading.Semaphore(AHEAD)
        self.error: BaseException | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self.room.acquire()
        self._put(piece)
        return len(piece)

    def finish(self, error: BaseException | None) -> None:
        """The producer is done."""
        if not isinstance(error, Abandoned):
            self.error = error
        with contextlib.suppress(Abandoned):
            self._put(None)

    def abandon(self) -> None:
        """Nobody reads any more."""
        self._left = True
        self.room.release()

    def _put(self, piece: bytes | None) -> None:
        if self._left:
            self.room.release()  # for the write after this one, which must not wait either
            raise Abandoned("the client has left")
        try:
            self._loop.call_soon_threadsafe(self.queue.put_nowait, piece)
        except RuntimeError:  # the loop was closed
            raise Abandoned("the engine has ended") from None
