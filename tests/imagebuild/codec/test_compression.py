# SPDX-License-Identifier: Apache-2.0
"""What a compression may be called, and which are refused with what reason."""

from __future__ import annotations

import sys

import pytest

from imagebuild.codec import BLOCK_SIZE, Compression
from imagebuild.errors import UnsupportedError, UsageError


@pytest.mark.parametrize(("text", "name", "level"), [
    ("gzip", "gzip", 1), ("gzip:1", "gzip", 1), ("gzip:2", "gzip", 2), ("zstd", "zstd", 1), ("zstd:1", "zstd", 1),
    ("zstd:19", "zstd", 19), ("none", "none", None), (" gzip:2 ", "gzip", 2)])
def test_a_compression_is_a_name_and_perhaps_a_level(text: str, name: str, level: int | None) -> None:
    found = Compression.parse(text)
    assert (found.name, found.level, found.reproducible) == (name, level, False)
    assert Compression.parse(str(found)) == found


@pytest.mark.parametrize("text", ["", "bzip2", "gzip:", "gzip:x", "gzip:-1", "gzip:1.5", "gzip:\u0661", "none:1",
                                  "zstd:0", "zstd:20", "GZIP"])
def test_what_has_no_meaning_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        Compression.parse(text)


@pytest.mark.parametrize(("text", "reason"), [
    ("gzip:0", "slower than level 1"), ("gzip:3", "different processors"), ("gzip:9", "levels 1 and 2")])
def test_levels_that_would_break_a_promise_are_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(UnsupportedError, match=reason):
        Compression.parse(text)


@pytest.mark.parametrize("level", range(1, 10))
def test_reproducible_allows_the_levels_of_zlib(level: int) -> None:
    found = Compression.parse(f"gzip:{level}", reproducible=True)
    assert found.level == level
    assert found.reproducible


@pytest.mark.parametrize("level", [0, 10])
def test_reproducible_has_no_other_levels(level: int) -> None:
    with pytest.raises(UsageError):
        Compression("gzip", level, reproducible=True)


def test_the_codec_id_tells_apart_what_gives_other_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [Compression.parse("gzip:1").codec_id(), Compression.parse("gzip:2").codec_id(),
           Compression.parse("gzip:1", reproducible=True).codec_id(), Compression.parse("zstd:1").codec_id(),
           Compression.parse("zstd:3").codec_id(), Compression.parse("none").codec_id()]
    assert len(set(ids)) == len(ids)
    monkeypatch.setitem(sys.modules, "isal", None)
    assert Compression.parse("gzip:1").codec_id() == ids[2]
    assert all(found.isascii() and " " not in found for found in ids)


def test_a_block_has_one_mebibyte() -> None:
    assert BLOCK_SIZE == 1 << 20
