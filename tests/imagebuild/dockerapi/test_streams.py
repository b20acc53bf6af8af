# SPDX-License-Identifier: Apache-2.0
"""Frames of stdout and stderr, cut anywhere."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import streams
from imagebuild.errors import FormatError

OUTPUT = st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40)), max_size=12)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """``data`` in pieces that end at ``places`` (taken by their remainder)."""
    ends = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[start:end] for start, end in itertools.pairwise(ends)]


def joined(pieces: list[streams.Piece]) -> list[tuple[int, bytes]]:
    """Neighbours of one stream as one."""
    out: list[tuple[int, bytes]] = []
    for stream, data in pieces:
        if out and out[-1][0] == stream:
            out[-1] = (stream, out[-1][1] + data)
        else:
            out.append((stream, data))
    return out


@given(OUTPUT, st.lists(st.integers(0, 10_000), max_size=20))
def test_what_was_framed_comes_out_wherever_the_bytes_were_cut(output: list[tuple[int, bytes]],
                                                               places: list[int]) -> None:
    wire = b"".join(frame for stream, data in output for frame in streams.frames(stream, data))
    decoder = streams.Decoder()
    pieces = [piece for chunk in cut(wire, places) for piece in decoder.feed(chunk)]
    assert joined(pieces) == joined([streams.Piece(*one) for one in output if one[1]])
    assert decoder.between_frames


@given(st.binary(max_size=100), st.lists(st.integers(0, 100), max_size=5))
def test_any_bytes_are_pieces_or_a_format_error_with_an_offset(data: bytes, places: list[int]) -> None:
    try:
        pieces = list(streams.separate(cut(data, places)))
    except FormatError as error:
        assert error.offset is None or 0 <= error.offset < len(data)
    else:
        assert sum(len(piece.data) for piece in pieces) < max(len(data), 1)


def test_a_frame_is_as_moby_writes_it() -> None:
    assert streams.frame(streams.STDERR, b"oops") == b"\x02\0\0\0\0\0\0\x04oops"


def test_long_output_goes_out_in_frames_a_reader_can_hold_and_none_in_none() -> None:
    data = bytes(range(256)) * 10_000
    made = list(streams.frames(1, data))
    assert max(map(len, made)) == streams.MAX_FRAME + 8 and len(made) == 3
    assert b"".join(piece.data for piece in streams.separate(made)) == data
    assert list(streams.frames(1, b"")) == []


def test_a_decoder_keeps_no_more_than_a_header() -> None:
    decoder = streams.Decoder()
    assert list(decoder.feed(b"\x01\0\0\0\0\0\xff\xff" + b"x" * 9)) == [(1, b"x" * 9)]
    assert list(decoder.feed(b"y" * 5)) == [(1, b"y" * 5)]
    assert not decoder.between_frames


@pytest.mark.parametrize(("data", "offset"), [
    (b"plain text of a tty", 0), (b"\x01\0\0\0\0\0\0\x01a\x04\0\0\0\0\0\0\0", 9), (b"\x01\0\0\0\xff\0\0\0", 0)])
def test_what_is_no_header_is_refused_where_it_stands(data: bytes, offset: int) -> None:
    for chunks in ([data], [data[at:at + 1] for at in range(len(data))]):
        with pytest.raises(FormatError, match="no header of a frame") as error:
            list(streams.separate(chunks))
        assert error.value.offset == offset


def test_a_stream_that_ends_within_a_frame_is_refused() -> None:
    for wire in (b"\x01\0\0", b"\x01\0\0\0\0\0\0\x05abc"):
        with pytest.raises(FormatError, match="ends within a frame"):
            list(streams.separate([wire]))
