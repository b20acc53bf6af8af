# SPDX-License-Identifier: Apache-2.0
"""Logs as clients ask for them: line by line, from a moment, until a moment, the last lines.

What a program wrote is cut as moby's copier cuts it (``daemon/logger/copier.go``): a message is a line with its end, or
:data:`LONGEST` bytes of a longer one, or what a run said last without a line's end. A line has the time when its end
came, parts of a line have that of the first. ``tail`` counts messages of both streams, whichever are wanted.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

from .output import LONGEST, STDERR, STDOUT, Chunk, Held, Output


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants of the output. Moments are nanoseconds; ``tail`` is -1 for everything."""

    stdout: bool = True
    stderr: bool = True
    since: int = 0
    until: int = 0
    tail: int = -1
    follow: bool = False


@dataclass(frozen=True, slots=True)
class Messages:
    """Some messages of one stream, of one moment."""

    at: int
    stream: int
    lines: list[bytes]


@dataclass(slots=True)
class _Begun:
    """What there is of a line whose end has not come; ``first`` is when its first part was passed on (0: none was)."""

    data: bytes = b""
    at: int = 0
    first: int = 0


@dataclass(slots=True)
class Copier:
    """Makes messages of chunks."""

    _begun: dict[int, _Begun] = field(default_factory=lambda: {STDOUT: _Begun(), STDERR: _Begun()})

    def feed(self, chunk: Chunk) -> Iterator[Messages]:
        """The messages that are whole with this chunk; the mark of a new run ends what was begun."""
        begun = self._begun.get(chunk.stream)
        if begun is None:
            yield from self.finish()
            return
        *ended, rest = (begun.data + chunk.data).split(b"\n")
        begun.at = chunk.at
        if begun.first or max(map(len, (*ended, rest))) >= LONGEST:
            for line in ended:
                yield from _long(begun, chunk.stream, line + b"\n")
            yield from _long(begun, chunk.stream, rest)
        else:
            begun.data = rest
            if ended:
                yield Messages(chunk.at, chunk.stream, [line + b"\n" for line in ended])

    def finish(self) -> Iterator[Messages]:
        """The run is over: what it said last has no line's end."""
        left = sorted((begun.at, stream) for stream, begun in self._begun.items() if begun.data)
        for at, stream in left:
            begun = self._begun[stream]
            yield Messages(begun.first or at, stream, [begun.data])
        self._begun = {STDOUT: _Begun(), STDERR: _Begun()}


def _long(begun: _Begun, stream: int, line: bytes) -> Iterator[Messages]:
    """The messages of one line that may be long, or continue one; what has no end yet stays begun."""
    place = 0
    while place + LONGEST <= len(line) - line.endswith(b"\n"):
        begun.first = begun.first or begun.at
        yield Messages(begun.first, stream, [line[place:place + LONGEST]])
        place += LONGEST
    begun.data = line[place:]
    if line.endswith(b"\n"):
        yield Messages(begun.first or begun.at, stream, [begun.data])
        begun.data, begun.first = b"", 0


async def read(output: Output, wanted: Wanted) -> AsyncIterator[Messages]:
    """The messages that a client wants, as they come where it follows."""
    with output.held() as held:
        start, skip = _last(output, wanted.tail, held) if wanted.tail >= 0 else (0, 0)
        async for found in _messages(output, start, held, wanted):
            passed = min(skip, len(found.lines))
            skip -= passed
            if wanted.until and found.at > wanted.until:
                return
            if found.at < wanted.since or not (wanted.stdout if found.stream == STDOUT else wanted.stderr):
                continue
            if not passed:
                yield found
            elif passed < len(found.lines):
                yield Messages(found.at, found.stream, found.lines[passed:])


async def _messages(output: Output, start: int, held: Held, wanted: Wanted) -> AsyncIterator[Messages]:
    copier = Copier()
    if wanted.follow:
        async for chunk in output.follow(start, held, wanted.until, marks=True):
            for found in copier.feed(chunk):
                yield found
    else:
        for _unused, chunk in output.chunks(start, held=held, marks=True):
            for found in copier.feed(chunk):
                yield found
    if output.over:
        for found in copier.finish():
            yield found


def _last(output: Output, tail: int, held: Held) -> tuple[int, int]:
    """Where to begin to read for the last messages: the offset of a chunk before which every line has ended, and how
    many messages to pass over from there."""
    ends: list[tuple[int, int]] = [(0, 0)]  # offsets where all lines have ended, and how many lines had by then
    lines, is_open = 0, {STDOUT: False, STDERR: False}
    for after, chunk in output.chunks(held=held, marks=True):
        lines += chunk.data.count(b"\n")
        if chunk.data:
            is_open[chunk.stream] = not chunk.data.endswith(b"\n")
        else:
            is_open = dict.fromkeys(is_open, False)
        if not any(is_open.values()):
            ends.append((after, lines))
    start = next(offset for offset, before in reversed(ends) if lines - before >= tail or not offset)
    copier, count = Copier(), 0
    for _unused, chunk in output.chunks(start, held=held, marks=True):
        count += sum(len(found.lines) for found in copier.feed(chunk))
    if output.over:
        count += sum(len(found.lines) for found in copier.finish())
    return start, max(count - tail, 0)
