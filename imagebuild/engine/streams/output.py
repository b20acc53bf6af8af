# SPDX-License-Identifier: Apache-2.0
"""What a container wrote, on disk: chunks as they came, each with its stream and its moment.

A file of records: moment in nanoseconds (64 bits), length (32), stream (8: 1 stdout, 2 stderr), then the bytes. Chunks
are not split into lines when they are written, only when a client wants lines; so output goes as fast as the disk. A
record of stream 0 without bytes says that another run began.

Readers follow the file: who attaches reads from where it ends, who asks for logs from the beginning. With a
:class:`Limit` there are several files, as moby's json-file driver has them: ``output``, which is written, then
``output.1``, ``output.2`` and so on, each older than the one before. Offsets go on from file to file.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from struct import Struct

from ...errors import StoreError

STDOUT, STDERR = 1, 2
_MARK = 0
PIECE = 256 << 10
"""Bytes that are read at once."""
LONGEST = 16 << 10
"""A longer line is passed on in parts, as moby does (``daemon/logger/copier.go``)."""
_HEAD = Struct("<QIB")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some bytes of one stream; ``at`` is nanoseconds since 1970."""

    at: int
    stream: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Limit:
    """What is kept: ``files`` files, and a file is full when it has ``size`` bytes, of which each line takes ``line``
    more than it has (what the log driver writes around it)."""

    size: int
    files: int
    line: int


@dataclass(slots=True)
class _Part:
    """One file of the log, open to read; ``end`` is ``None`` for the one that is written."""

    start: int
    descriptor: int
    end: int | None = None


@dataclass(slots=True, eq=False)
class Held:
    """The files of one reader. It has them open, so that nothing is lost to it when they are taken away."""

    parts: list[_Part] = field(default_factory=list)

    def passed(self, offset: int) -> None:
        """Everything before the offset is read: let go of the files that end there."""
        while self.parts and self.parts[0].end is not None and self.parts[0].end <= offset:
            os.close(self.parts.pop(0).descriptor)

    def close(self) -> None:
        """Let go of all."""
        for part in self.parts:
            os.close(part.descriptor)
        self.parts.clear()


class Output:
    """One container's output. Written by one task of the engine's loop, read by any."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.limit: Limit | None = None
        self._file = -1
        self._starts, self._end = self._found()
        self._size = 0
        self._open = {STDOUT: 0, STDERR: 0}
        self._readers: set[Held] = set()
        self._grown = asyncio.Event()
        self._ended = True
        self._runs = 0

    def _found(self) -> tuple[list[int], int]:
        """Where each file begins, the oldest first, and where the last one ends."""
        sizes: list[int] = []
        with suppress(OSError):
            while True:
                sizes.append(self._name(len(sizes)).stat().st_size)
        starts = [sum(sizes[age + 1:]) for age in range(len(sizes))]
        return starts[::-1] or [0], sum(sizes)

    def _name(self, age: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{age}") if age else self.path

    @property
    def end(self) -> int:
        """Where the log ends now: what is written from here on is new."""
        return self._end

    @property
    def over(self) -> bool:
        """Whether no run goes on."""
        return self._ended

    # --- writing

    def begin(self) -> None:
        """A run begins: readers wait for more. StoreError when the file cannot be written."""
        try:
            self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            self._end = self._whole()
            place = self._end - self._starts[-1]
            os.ftruncate(self._file, place)
            os.lseek(self._file, place, os.SEEK_SET)
        except OSError as error:
            raise StoreError(f"cannot write {self.path}", why=error.strerror or str(error)) from error
        if self._end > self._starts[-1]:
            self._write(_HEAD.pack(time.time_ns(), 0, _MARK))
        self._open = {STDOUT: 0, STDERR: 0}
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
        at = time.time_ns() if at is None else at
        for piece in (data,) if self.limit is None else self._pieces(self.limit, stream, data):
            if not self._write(_HEAD.pack(at, len(piece), stream) + piece):
                break
        self._wake()

    def _write(self, record: bytes) -> bool:
        """Append a record, whole or not at all; false for one that is lost."""
        try:
            if os.write(self._file, record) != len(record):
                place = self._end - self._starts[-1]
                os.ftruncate(self._file, place)
                os.lseek(self._file, place, os.SEEK_SET)
                return False
        except OSError:
            return False
        self._end += len(record)
        return True

    def _pieces(self, limit: Limit, stream: int, data: bytes) -> Iterator[bytes]:
        """A chunk cut where the file that is written becomes full; a new one begins between two lines of a stream."""
        place = 0
        while place < len(data):
            if self._size >= limit.size and not self._open[stream]:
                self._rotate(limit)
            end = self._cut(limit, stream, data, place)
            piece = data[place:end]
            yield piece
            place = end
            self._size += _cost(limit, piece)
            line_end = piece.rfind(b"\n") + 1
            left = len(piece) - line_end if line_end else self._open[stream] + len(piece)
            self._open[stream] = left % LONGEST

    def _cut(self, limit: Limit, stream: int, data: bytes, place: int) -> int:
        """Where a chunk is to be cut, from a place on: behind the line, or part of a line, that fills the file."""
        room = limit.size - self._size
        if not place and _cost(limit, data) <= room:
            return len(data)
        most = LONGEST - self._open[stream]
        while place < len(data):
            line_end = data.find(b"\n", place, place + most) + 1
            after = line_end or min(place + most, len(data))
            room -= after - place + limit.line
            place, most = after, LONGEST
            if room <= 0:
                break
        return place

    def _rotate(self, limit: Limit) -> None:
        """Begin a new file; the oldest goes when there are too many. What cannot be done is left: the old one grows."""
        try:
            while len(self._starts) >= max(limit.files, 1):
                self._name(len(self._starts) - 1).unlink(missing_ok=True)
                if len(self._starts) == 1:
                    break
                self._starts.pop(0)
            else:
                for age in range(len(self._starts) - 1, -1, -1):
                    self._name(age).rename(self._name(age + 1))
            new = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return
        os.close(self._file)
        self._file, self._size = new, 0
        self._starts = [*(self._starts if limit.files > 1 else ()), self._end]
        for held in self._readers:
            held.parts[-1].end = self._end
            with suppress(OSError):  # out of descriptors: this reader gets no more
                held.parts.append(_Part(self._end, os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)))

    def finish(self) -> None:
        """The run is over: readers get the rest, and end."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        else:
            self._runs += 1
        self._ended = True
        self._wake()

    # --- reading

    @contextmanager
    def held(self) -> Iterator[Held]:
        """The files to read with, for one reader: those of a container that is removed as soon as it ends are gone
        before a slow reader has all of it. StoreError when the folder is gone."""
        held = Held()
        try:
            for age in range(len(self._starts) - 1, -1, -1):
                how = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | (0 if age else os.O_CREAT)
                start, *after = self._starts[len(self._starts) - 1 - age:]
                held.parts.append(_Part(start, os.open(self._name(age), how, 0o600), after[0] if after else None))
        except OSError as error:
            held.close()
            raise StoreError(f"cannot read {self.path}", why=error.strerror or str(error)) from error
        self._readers.add(held)
        try:
            yield held
        finally:
            self._readers.discard(held)
            held.close()

    def chunks(self, start: int = 0, end: int | None = None, held: Held | None = None, *, marks: bool = False
               ) -> Iterator[tuple[int, Chunk]]:
        """Chunks that begin at or after an offset, with the offset behind each; ``held`` is from :meth:`held`. With
        ``marks`` also a chunk of stream 0 where another run begins."""
        end = self._end if end is None else end
        if held is None:
            if self.path.exists():
                with self.held() as own:
                    yield from self.chunks(start, end, own, marks=marks)
            return
        for part in tuple(held.parts):
            stop = end if part.end is None else min(end, part.end)
            start = max(start, part.start)
            if start >= stop:
                continue
            with open(part.descriptor, "rb", buffering=PIECE, closefd=False) as stream:
                stream.seek(start - part.start)
                while start < stop:
                    head = stream.read(_HEAD.size)
                    if len(head) < _HEAD.size:
                        return
                    at, length, which = _HEAD.unpack(head)
                    data = stream.read(length)
                    if len(data) < length:
                        return
                    start += _HEAD.size + length
                    if which != _MARK or marks:
                        yield start, Chunk(at, which, data)

    async def follow(self, start: int, held: Held, until: int = 0, *, marks: bool = False) -> AsyncIterator[Chunk]:
        """Chunks from an offset on, as they come, until the run is over or a moment (nanoseconds; 0: never) has come;
        ``held`` is from :meth:`held`."""
        while True:
            grown, ended = self._grown, self._ended
            for after, chunk in self.chunks(start, held=held, marks=marks):
                start = after
                yield chunk
            held.passed(start)
            if ended:
                return
            if grown is self._grown:
                left = (until - time.time_ns()) / 1e9 if until else None
                if left is not None and left <= 0:
                    return
                with suppress(TimeoutError):
                    await asyncio.wait_for(grown.wait(), left)

    def _wake(self) -> None:
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()

    def _whole(self) -> int:
        """Where the last whole record ends: a killed engine may have left half of one. What the file has of its limit
        is counted on the way."""
        end = self._starts[-1]
        size = self.path.stat().st_size
        self._size = 0
        for after, chunk in self.chunks(end, end + size):
            end = after
            self._size += _cost(self.limit, chunk.data) if self.limit else 0
        return end


def _cost(limit: Limit, data: bytes) -> int:
    return len(data) + data.count(b"\n") * limit.line
