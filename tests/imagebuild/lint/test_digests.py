# SPDX-License-Identifier: Apache-2.0
"""A stream is hashed while somebody else reads it."""

from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.lint.digests import HashedReader
from imagebuild.oci import Digest

SHA256 = Digest.of(b"")


def drained(reader: HashedReader, size: int = 7) -> bytes:
    return b"".join(iter(lambda: reader.read1(size), b""))


class Bare:
    """A stream that has one way to be read."""

    def __init__(self, data: bytes, way: str) -> None:
        self.__dict__[way] = io.BytesIO(data).read
        if way == "read1":
            self.read = None


@given(st.binary(max_size=300), st.integers(1, 9), st.sampled_from(["sha256", "sha512"]))
def test_the_digest_is_that_of_the_bytes_that_went_through(data: bytes, size: int, algorithm: str) -> None:
    with HashedReader(io.BytesIO(data), Digest(f"{algorithm}:")) as reader:
        assert drained(reader, size) == data
        assert reader.digest() == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
        assert reader.digest() == f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def test_asking_for_no_bytes_does_not_end_the_digest() -> None:
    with HashedReader(io.BytesIO(b"abc"), SHA256) as reader:
        assert [reader.read1(size) for size in (0, 2, 0, -1)] == [b"", b"ab", b"", b"c"]
        assert reader.digest() == Digest.of(b"abc")


def test_without_a_digest_to_compare_with_nothing_is_hashed_however_much_there_is() -> None:
    with HashedReader(io.BytesIO(bytes(1000)), None) as reader:
        assert drained(reader) == bytes(1000)
        assert reader.digest() is None


@pytest.mark.parametrize("way", ["read", "read1"])
def test_a_stream_is_read_in_the_pieces_it_has_if_it_can_do_that(way: str) -> None:
    stream: Any = Bare(b"abc", way)
    with HashedReader(stream, SHA256) as reader:
        assert reader.read1() == b"abc"
        assert reader.digest() == Digest.of(b"abc")
