# SPDX-License-Identifier: Apache-2.0
"""Logs as clients ask for them: from a moment, until a moment, the last lines, each with its time."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass, field

from ..dockerapi.duration import moment_text
from .output import STDERR, STDOUT, Chunk, Output

LONGEST = 16 << 10
"""A line that is longer is passed on in parts, as moby does (``daemon/logger/copier.go``)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants of the output. Moments are nanoseconds; ``tail`` is -1 for everything."""

    stdout: bool = True
    stderr: bool = True
    timestamps: bool = False
    since: int = 0
    until: int = 0
    tail: int = -1
    follow: bool = False

    @property
    def plain(self) -> bool:
        """Chunks may be passed on as they are: nobody looks at lines."""
        return not self.timestamps and self.tail < 0


@dataclass(slots=True)
class _Prefixer:
    """Puts a time before each line of each stream."""

    at_start: dict[int, bool] = field(default_factory=lambda: {STDOUT: True, STDERR: True})

    def __call__(self, chunk: Chunk) -> bytes:
        stamp = moment_text(chunk.at, fixed=True).encode() + b" "
        lines = chunk.data.split(b"\n")
        last = lines.pop()
        out = []
        for line in lines:
            out.append((stamp if self.at_start[chunk.stream] else b"") + line + b"\n")
            self.at_start[chunk.stream] = True
        if last:
            out.append((stamp if self.at_start[chunk.stream] else b"") + last)
            self.at_start[chunk.stream] = False
        return b"".join(out)


async def read(output: Output, wanted: Wanted) -> AsyncIterator[tuple[int, bytes]]:
    """Pieces of output: the stream (1 stdout, 2 stderr) and the bytes."""
    start, skip = 0, 0
    if wanted.tail >= 0:
        start, skip = _last(output, wanted)
    prefix = _Prefixer()
    chunks: AsyncIterable[Chunk] = _coming(output, start, wanted.until) if wanted.follow else _all(output, start)
    async for chunk in chunks:
        if wanted.until and chunk.at > wanted.until:
            return
        if chunk.at < wanted.since or not (wanted.stdout if chunk.stream == STDOUT else wanted.stderr):
            continue
        if skip:
            cut = _behind(chunk.data, skip)
            skip -= min(skip, chunk.data.count(b"\n"))
            if cut == len(chunk.data):
                continue
            chunk = Chunk(chunk.at, chunk.stream, chunk.data[cut:])
        yield chunk.stream, prefix(chunk) if wanted.timestamps else chunk.data


async def _coming(output: Output, start: int, until: int) -> AsyncIterator[Chunk]:
    """What is there and what comes, each piece with its line's end: a line that is still written waits for it, as in
    moby, whose log has whole lines only."""
    open_lines: dict[int, Chunk] = {}
    with output.held() as held:
        async for chunk in output.follow(start, held, until):
            stream, data = chunk.stream, chunk.data
            if (begun := open_lines.pop(stream, None)) is not None:
                end = data.find(b"\n") + 1
                begun = Chunk(begun.at, stream, begun.data + data[:end or len(data)])
                data = data[end:] if end else b""
                if not end and len(begun.data) < LONGEST:
                    open_lines[stream] = begun
                    continue
                yield begun
            end = len(data) if len(data) - data.rfind(b"\n") > LONGEST else data.rfind(b"\n") + 1
            if end:
                yield Chunk(chunk.at, stream, data[:end])
            if end < len(data):
                open_lines[stream] = Chunk(chunk.at, stream, data[end:])
    for begun in sorted(open_lines.values(), key=lambda one: one.at):
        yield begun


async def _all(output: Output, start: int) -> AsyncIterator[Chunk]:
    """What is there, cut where lines end: clients take a piece for a line, and cmd writes a line and its end apart."""
    held: Chunk | None = None
    for _, chunk in output.chunks(start):
        if held is not None:
            open_line = not held.data.endswith(b"\n") and len(held.data) < LONGEST
            cut = (chunk.data.find(b"\n") + 1 or len(chunk.data)) if open_line and held.stream == chunk.stream else 0
            if cut:
                held = Chunk(held.at, held.stream, held.data + chunk.data[:cut])
                if cut == len(chunk.data):
                    continue
                chunk = Chunk(chunk.at, chunk.stream, chunk.data[cut:])
            yield held
        held = chunk
    if held is not None:
        yield held


def _last(output: Output, wanted: Wanted) -> tuple[int, int]:
    """Where to begin for the last lines: the offset of a chunk, and how many line ends to pass over in and after it."""
    found: list[tuple[int, int]] = []
    begin, open_end = 0, False
    for after, chunk in output.chunks():
        if wanted.stdout if chunk.stream == STDOUT else wanted.stderr:
            found.append((begin, chunk.data.count(b"\n")))
            open_end = not chunk.data.endswith(b"\n")
        begin = after
    if wanted.tail == 0 or not found:
        return begin, 0
    left = wanted.tail - open_end
    for offset, count in reversed(found):
        if count > left:
            return offset, count - left
        left -= count
    return 0, 0


def _behind(data: bytes, ends: int) -> int:
    """The place behind so many line ends; the end of the data when it has fewer."""
    place = 0
    for _ in range(ends):
        found = data.find(b"\n", place)
        if found < 0:
            return len(data)
        place = found + 1
    return place
