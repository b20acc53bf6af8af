# SPDX-License-Identifier: Apache-2.0
"""A stream read ahead: the same bytes, the same errors, no thread left."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.codec.ahead import BACKLOG, ReadAhead
from imagebuild.codec.readers import open_reader
from imagebuild.errors import FormatError


class Pieces:
    """A stream of these pieces, and perhaps an error after them."""

    def __init__(self, pieces: list[bytes], error: Exception | None = None) -> None:
        self.pieces = list(pieces)
        self.error = error

    def read(self, size: int, /) -> bytes:
        if self.pieces:
            return self.pieces.pop(0)
        if self.error is not None:
            raise self.error
        return b""


@settings(deadline=None, max_examples=100)
@given(st.lists(st.binary(min_size=1, max_size=20), max_size=40), st.integers(1, 30))
def test_the_bytes_are_those_of_the_stream(pieces: list[bytes], size: int) -> None:
    with ReadAhead(Pieces(pieces)) as ahead:
        out = []
        while data := ahead.read(size):
            assert len(data) <= size
            out.append(data)
        assert ahead.read(size) == b""
    assert b"".join(out) == b"".join(pieces)


def test_an_error_comes_where_the_bytes_would_have() -> None:
    with ReadAhead(Pieces([b"1", b"2"], FormatError("bad"))) as ahead:
        assert ahead.read(9) + ahead.read(9) == b"12"
        for _ in range(2):
            with pytest.raises(FormatError, match="bad"):
                ahead.read(9)


def test_it_reads_only_so_far_ahead_and_leaves_no_thread() -> None:
    before = threading.active_count()
    source = Pieces([b"x"] * 1000)
    ahead = ReadAhead(source)
    assert ahead.read(1) == b"x"
    ahead.close()
    ahead.close()
    assert 1000 - len(source.pieces) <= BACKLOG + 1
    assert threading.active_count() == before


def test_a_damaged_blob_is_told_through_it() -> None:
    with ReadAhead(open_reader(io.BytesIO(b"\x1f\x8b\x08\0\0\0\0\0\0\0what"))) as ahead, pytest.raises(FormatError):
        while ahead.read(100):
            pass
