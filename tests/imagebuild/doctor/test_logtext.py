# SPDX-License-Identifier: Apache-2.0
"""Logs of any encoding and length, in blocks."""

from __future__ import annotations

import codecs
import io
import tracemalloc
from itertools import pairwise
from typing import BinaryIO, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.doctor import logtext
from imagebuild.doctor.logtext import BLOCK, KEPT_LINES, blocks


class Dripping:
    """A stream that gives at most ``size`` bytes at a time, as pipes do."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data, self._size = io.BytesIO(data), size

    def read(self, size: int, /) -> bytes:
        return self._data.read(min(size, self._size))


def stream(data: bytes, size: int = 1 << 30) -> BinaryIO:
    return cast(BinaryIO, Dripping(data, size))


def numbered(data: bytes, size: int = 1 << 30) -> dict[int, bytes]:
    """Every line of a log by its number; a line that comes twice must be the same."""
    out: dict[int, bytes] = {}
    for block in blocks(stream(data, size)):
        for number, line in enumerate(block.data.splitlines(), start=block.line):
            assert out.setdefault(number, line) == line
    return out


@settings(max_examples=60)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029\ufeff"),
                        max_size=60), max_size=80), st.integers(1, 300))
def test_every_line_comes_with_its_number_however_it_drips(lines: list[str], size: int) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    assert numbered(data, size) == {number: line.encode() for number, line in enumerate(lines, start=1)}


@given(st.binary(max_size=3000), st.integers(1, 400))
def test_any_bytes_are_read_and_line_numbers_never_fall(data: bytes, size: int) -> None:
    assert [block.line for block in blocks(stream(data, size))] == sorted(
        block.line for block in blocks(stream(data, size)))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("marked", [True, False])
def test_the_encoding_is_found_out(encoding: str, marked: bool) -> None:
    text = "error 0xc0370106\r\nZugriff verweigert: größer\r\n"
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(encoding, b"") if marked else b""
    for size in (1, 7, 1 << 20):
        found = numbered(mark + text.encode(encoding), size)
        assert found == {1: b"error 0xc0370106", 2: "Zugriff verweigert: größer".encode()}


def test_utf_16_that_was_appended_to_utf_8_can_be_read() -> None:
    assert numbered(b"one\n" * 3000 + "two\n".encode("utf-16-le"))[3001] == b"two"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\0\0\0\0"])
def test_hardly_anything_is_hardly_any_text(data: bytes) -> None:
    assert b"".join(block.data for block in blocks(io.BytesIO(data))).replace("\ufffd".encode(), b"") in (b"", b"\xff")


def test_a_block_begins_with_the_last_lines_of_the_one_before() -> None:
    data = b"".join(b"line %06d of the log\n" % number for number in range(1, 60_001))
    found = list(blocks(io.BytesIO(data)))
    assert len(found) > 3
    for before, after in pairwise(found):
        assert before.line + before.data.count(b"\n") - after.line == KEPT_LINES
        assert after.data.startswith(b"line %06d of" % after.line)


def test_a_line_without_end_is_read_in_pieces_that_overlap() -> None:
    data = b"first\n" + b"x" * (3 * BLOCK) + b"needle" + b"y" * BLOCK + b"\nlast\n"
    found = list(blocks(io.BytesIO(data)))
    assert any(b"needle" in block.data for block in found)
    assert {block.line for block in found} == {1, 2, 3}
    assert numbered(b"a\n" * 5 + b"b")[6] == b"b"
    pieces = [block.data for block in found if block.line == 2][:-1]
    assert len(pieces) >= 3
    for before, after in pairwise(pieces):
        assert after.startswith(before[-logtext.OVERLAP:])


def test_memory_is_bounded() -> None:
    class Endless:
        left = 40 << 20

        def read(self, size: int, /) -> bytes:
            self.left -= size
            return b"x" * size if self.left > 0 else b""

    tracemalloc.start()
    try:
        for _ in blocks(cast(BinaryIO, Endless())):
            pass
        assert tracemalloc.get_traced_memory()[1] < 8 * BLOCK
    finally:
        tracemalloc.stop()
    assert logtext.OVERLAP < logtext.LONGEST < BLOCK
