# SPDX-License-Identifier: Apache-2.0
"""What a container wrote, on disk: chunks as they came, each with its stream and its moment.

A file of records: moment in nanoseconds (64 bits), length (32), stream (8: 1 stdout, 2 stderr), then the bytes. Chunks
are not split into lines when they are written, only when somebody wants lines; so output goes as fast as the disk.
Readers follow the file: who attaches reads from where it ends, who asks for logs from the beginning.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from ..errors import StoreError

STDOUT, STDERR = 1, 2
PIECE = 256 << 10
"""Bytes that are read at once."""
_HEAD = Struct("<QIB")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of one stream; ``at`` is nanoseconds since 1970."""

    at: int
    stream: int
    data: bytes


class Output:
    """One container's output. Written by one task of the engine's loop, read by any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = -1
        self._end = path.stat().st_size if path.exists() else 0
        self._grown = asyncio.Event()
        self._ended = True
        self._runs = 0

    @property
    def end(self) -> int:
        """Where the file ends now: what is written from here on is new."""
        return self._end

    def begin(self) -> None:
        """A run begins: readers wait for more. StoreError when the file cannot be written."""
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._end = self._whole()
            os.ftruncate(self._file, self._end)
            os.lseek(self._file, self._end, os.SEEK_SET)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}", why=error.strerror or str(error)) from error
        self._ended = False
        self._runs += 1
        self._wake()

    @property
    def run(self) -> int:
        """The number of the run that goes on, or of the next one; for :meth:`begun`."""
        return self._runs + self._ended

    async def begun(self, run: int) -> None:
        """Until a run has begun. Ends also when one was tried and did not come about, or nobody will try any more."""
        while self._runs < run:
            await self._grown.wait()

    def add(self, stream: int, data: bytes, at: int | None = None) -> None:
        """Append a chunk. A disk that is full loses it: the container must not stop for its log."""
        if self._file < 0 or not data:
            return
        record = _HEAD.pack(time.time_ns() if at is None else at, len(data), stream) + data
        try:
            if os.write(self._file, record) != len(record):
                os.ftruncate(self._file, self._end)
                os.lseek(self._file, self._end, os.SEEK_SET)
                return
        except OSError:
            return
        self._end += len(record)
        self._wake()

    def finish(self) -> None:
        """The run is over: readers get the rest, and end."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        else:
            self._runs += 1
        self._ended = True
        self._wake()

    @contextmanager
    def held(self) -> Iterator[int]:
        """A descriptor to read with, for one reader: the file of a container that is removed as soon as it ends is gone
        before a slow reader has all of it. StoreError when the folder is gone."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise StoreError(f"cannot read {self.path}", why=error.strerror or str(error)) from error
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def chunks(self, start: int = 0, end: int | None = None, held: int | None = None) -> Iterator[tuple[int, Chunk]]:
        """Chunks that begin at or after an offset, with the offset behind each; ``held`` is from :meth:`held`."""
        end = self._end if end is None else end
        if start >= end or (held is None and not self.path.exists()):
            return
        with open(self.path if held is None else held, "rb", buffering=PIECE, closefd=held is None) as stream:
            stream.seek(start)
            while start < end:
                head = stream.read(_HEAD.size)
                if len(head) < _HEAD.size:
                    return
                at, length, which = _HEAD.unpack(head)
                data = stream.read(length)
                if len(data) < length:
                    return
                start += _HEAD.size + length
                yield start, Chunk(at, which, data)

    async def follow(self, start: int, held: int, until: int = 0) -> AsyncIterator[Chunk]:
        """Chunks from an offset on, as they come, until the run is over or a moment (nanoseconds; 0: never) has come;
        ``held`` is from :meth:`held`."""
        while True:
            grown, ended = self._grown, self._ended
            for after, chunk in self.chunks(start, held=held):
                start = after
                yield chunk
            if ended:
                return
            if grown is self._grown:
                left = (until - time.time_ns()) / 1e9 if until else None
                if left is not None and left <= 0:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(grown.wait(), left)

    def tail(self, lines: int) -> int:
        """The offset of the chunk in which the last so many lines begin; lines of both streams count together."""
        offsets: list[tuple[int, int, bool]] = []
        begin = 0
        for after, chunk in self.chunks():
            offsets.append((begin, chunk.data.count(b"\n"), chunk.data.endswith(b"\n")))
            begin = after
        if not offsets or lines <= 0:
            return begin
        seen = 0 if offsets[-1][2] else -1
        for offset, count, _ in reversed(offsets):
            seen += count
            if seen > lines:
                return offset
        return 0

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _whole(self) -> int:
        """Where the last whole record ends: a killed engine may have left half of one."""
        end = 0
        size = self.path.stat().st_size
        for after, _ in self.chunks(0, size):
            end = after
        return end
