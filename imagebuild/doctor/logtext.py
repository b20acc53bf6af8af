# SPDX-License-Identifier: Apache-2.0
"""Logs as they lie about: UTF-8, UTF-16 (PowerShell's ``>``), with rubbish in between, of any length.

They are read in blocks of whole lines, as UTF-8 bytes, so that memory stays bounded and a search needs no decoding.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 1 << 18
"""Bytes read at once."""
LONGEST = 1 << 16
"""A line longer than this is looked at in pieces of so many bytes."""
OVERLAP = 1 << 12
"""Bytes of a piece that the next one begins with, so that nothing is missed at the cut."""
SAMPLE = 1 << 12
"""Bytes by which the encoding is told."""
KEPT_LINES = 24
"""Lines at the end of a block that the next one begins with, for what is told on several lines."""

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines: ``data`` is UTF-8 (with errors, where the log has them), ``line`` the number of its first line.

    A block begins with what may be the last lines of the one before; they keep their numbers.
    """

    data: bytes
    line: int


def blocks(stream: BinaryIO) -> Iterator[Block]:
    """The lines of a log from first to last, in blocks of some 256 KiB; raises only what the stream raises."""
    kept, line = b"", 1
    for piece in _utf8(stream):
        data = kept + piece
        end = data.rfind(b"\n") + 1
        if not end and len(data) < LONGEST:
            kept = data
            continue
        if len(data) - end > LONGEST:  # the last line is long, and not at its end
            end = len(data)
        yield Block(data[:end], line)
        start = _tail(data, end)
        line += data.count(b"\n", 0, start)
        kept = data[start:]
    if kept:
        yield Block(kept, line)


def _tail(data: bytes, end: int) -> int:
    """Where the next block begins: some lines before ``end``, or some bytes where they are long."""
    least = max(0, end - OVERLAP)
    start = end
    for _unused in range(KEPT_LINES):
        before = data.rfind(b"\n", least, start - 1 if start else 0)
        if before < 0:
            return least if start == end else start
        start = before + 1
    return start


def _utf8(stream: BinaryIO) -> Iterator[bytes]:
    first = stream.read(BLOCK)
    while len(first) < SAMPLE and (more := stream.read(BLOCK)):  # a pipe may give a byte at a time
        first += more
    encoding, skip = _encoding(first)
    first = first[skip:]
    if encoding == "utf-8":
        while first:
            # A NUL has no business in a log; what another program appended in UTF-16 becomes readable without them.
            yield first.replace(b"\0", b"")
            first = stream.read(BLOCK)
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    while first:
        yield decoder.decode(first).encode("utf-8", "replace")
        first = stream.read(BLOCK)
    yield decoder.decode(b"", True).encode("utf-8", "replace")


def _encoding(head: bytes) -> tuple[str, int]:
    """The encoding of a log by its first bytes, and how many of them are its mark."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    sample = head[:SAMPLE]
    pairs = len(sample) // 2
    if pairs < 2:
        return "utf-8", 0
    even, odd = sample[0:pairs * 2:2].count(0), sample[1:pairs * 2:2].count(0)
    if odd * 3 > pairs and even * 10 < odd:
        return "utf-16-le", 0
    if even * 3 > pairs and odd * 10 < even:
        return "utf-16-be", 0
    return "utf-8", 0
