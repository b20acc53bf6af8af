# SPDX-License-Identifier: Apache-2.0
"""Streams that check themselves."""

from __future__ import annotations

import io

import pytest

from imagebuild.errors import FormatError, IntegrityError, UnsupportedError
from imagebuild.oci import MAX_SIZE, Descriptor, Digest
from imagebuild.stores.verify import check, read_document, verified

DATA = b"0123456789" * 10


def descriptor(data: bytes = DATA, size: int | None = None) -> Descriptor:
    return Descriptor("x", Digest.of(data), len(data) if size is None else size)


@pytest.mark.parametrize("piece", [1, 7, 100, 1000])
def test_right_bytes_come_through(piece: int) -> None:
    stream = verified(io.BytesIO(DATA), descriptor())
    out = b""
    while chunk := stream.read(piece):
        out += chunk
    assert out == DATA
    assert stream.read(piece) == b""


@pytest.mark.parametrize("data", [DATA[:-1], DATA + b"x", DATA[:-1] + b"x", b""])
def test_wrong_bytes_raise_at_the_end(data: bytes) -> None:
    with pytest.raises(IntegrityError) as caught:
        verified(io.BytesIO(data), descriptor()).read()
    assert hasattr(caught.value, "expected")
    assert hasattr(caught.value, "found")


def test_too_many_bytes_are_not_waited_for() -> None:
    source = io.BytesIO(DATA + bytes(10**6))
    stream = verified(source, descriptor())
    with pytest.raises(IntegrityError):
        while stream.read(64):
            pass
    assert source.tell() <= len(DATA) + 64


def test_nothing_is_said_about_what_was_not_read() -> None:
    stream = verified(io.BytesIO(b"wrong"), descriptor())
    assert stream.read(3) == b"wro"
    stream.close()


def test_from_an_offset_only_the_size_is_checked() -> None:
    assert verified(io.BytesIO(b"x" * 10), descriptor(), offset=90).read() == b"x" * 10
    with pytest.raises(IntegrityError):
        verified(io.BytesIO(b"x" * 9), descriptor(), offset=90).read()
    with pytest.raises(IntegrityError):
        verified(io.BytesIO(b""), descriptor(), offset=101)


def test_closing_closes_the_source_also_when_it_cannot_be_verified() -> None:
    source = io.BytesIO(DATA)
    verified(source, descriptor()).close()
    assert source.closed
    source = io.BytesIO(DATA)
    with pytest.raises(UnsupportedError):
        verified(source, Descriptor("x", Digest.parse("odd:abc"), 1))
    assert source.closed


def test_a_document_of_absurd_size_is_refused_before_it_is_read() -> None:
    with pytest.raises(FormatError):
        read_document(io.BytesIO(b""), descriptor(size=MAX_SIZE + 1), what="x")


def test_bytes_at_hand_are_checked_too() -> None:
    assert check(DATA, descriptor(), what="x") == DATA
    with pytest.raises(IntegrityError):
        check(b"x", descriptor(), what="x")
