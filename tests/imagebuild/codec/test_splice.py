# SPDX-License-Identifier: Apache-2.0
"""Blobs that end alike: the bytes are those of a blob that was compressed whole."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.codec import BlockWriter, Compression, Sealed, Tail, open_reader
from imagebuild.errors import InputError, StoreError

WAYS = [Compression(), Compression("gzip", 1, True), Compression("zstd"), Compression("none")]


def written(head: bytes, tail: bytes, way: Compression, other: tuple[Tail, bytes] | None = None,
            ) -> tuple[Sealed, bytes]:
    out = io.BytesIO()
    with BlockWriter(out, way, workers=2) as writer:
        writer.write(head)
        if other is None:
            writer.cut()
        else:
            stream = io.BytesIO(other[1])
            stream.seek(other[0].offset)
            writer.splice(other[0], stream)
        writer.write(tail)
        return writer.close(), out.getvalue()


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("tail", [b"x", bytes(range(256)) * 9000, b"y" * (1 << 20), b"z" * (2 << 20)],
                         ids=["byte", "blocks", "one block", "two blocks"])
@pytest.mark.parametrize("heads", [(b"one", b"another"), (b"", b"x" * (1 << 20)), (b"h" * (1 << 21), b"")],
                         ids=["short", "none and a block", "blocks and none"])
def test_a_tail_taken_over_gives_the_same_blob(way: Compression, tail: bytes, heads: tuple[bytes, bytes]) -> None:
    first, blob = written(heads[0], tail, way)
    assert first.tail is not None
    whole, again = written(heads[1], tail, way), written(heads[1], tail, way, (first.tail, blob))
    assert again[1] == whole[1]
    assert (again[0].digest, again[0].diff_id, again[0].size) == (whole[0].digest, whole[0].diff_id, whole[0].size)
    assert open_reader(io.BytesIO(again[1])).read() == heads[1] + tail


@settings(max_examples=25)
@given(st.binary(max_size=50), st.binary(max_size=50), st.binary(min_size=1, max_size=200), st.sampled_from(WAYS))
def test_any_small_tail(head: bytes, other: bytes, tail: bytes, way: Compression) -> None:
    first, blob = written(head, tail, way)
    assert first.tail is not None
    assert written(other, tail, way, (first.tail, blob))[1] == written(other, tail, way)[1]


@pytest.mark.parametrize("other", [b"tale", b"tai", b"tails", b"t" * (3 << 20)])
def test_a_tail_that_is_another_is_noticed(other: bytes) -> None:
    first, blob = written(b"head", b"tail", Compression())
    assert first.tail is not None
    with pytest.raises(InputError, match="no longer those"):
        written(b"head", other, Compression(), (first.tail, blob))


def test_a_blob_that_was_cut_off_meanwhile_is_noticed() -> None:
    first, blob = written(b"head", b"tail" * 100_000, Compression())
    assert first.tail is not None
    with pytest.raises(StoreError, match="cannot write"):
        written(b"head", b"tail" * 100_000, Compression(), (first.tail, blob[:first.tail.offset + 3]))


def test_a_blob_without_a_cut_has_no_tail() -> None:
    out = io.BytesIO()
    with BlockWriter(out, Compression()) as writer:
        writer.write(b"x")
        assert writer.close().tail is None
