# SPDX-License-Identifier: Apache-2.0
"""The codecs: which one is taken, and what a missing package means."""

from __future__ import annotations

import gzip
import sys
import zlib

import pytest

from imagebuild.codec import Compression, has_isal
from imagebuild.codec.engines import engine
from imagebuild.errors import DependencyError


def test_gzip_is_isal_where_it_is_installed() -> None:
    pytest.importorskip("isal")
    assert has_isal()
    assert "isal1" in engine(Compression("gzip")).codec_id


def test_gzip_falls_back_to_zlib_where_isal_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    assert not has_isal()
    found = engine(Compression("gzip", 2))
    assert found.codec_id == "gzip-zlib2-1m"
    block = b"hello " * 1000
    assert zlib.decompress(found.maker()(memoryview(block), True), -15) == block


def test_reproducible_takes_zlib_although_isal_is_there() -> None:
    assert engine(Compression("gzip", 1, reproducible=True)).codec_id == "gzip-zlib1-1m"


def test_zstd_without_its_package_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DependencyError) as caught:
        engine(Compression("zstd"))
    assert caught.value.facts["package"] == "zstandard"


def test_a_gzip_stream_is_header_blocks_and_trailer() -> None:
    found = engine(Compression("gzip"))
    assert found.crc is not None
    compress = found.maker()
    whole = found.header + compress(memoryview(b"one "), False) + compress(memoryview(b"two"), True)
    whole += found.trailer(found.crc(memoryview(b"two"), found.crc(memoryview(b"one "), 0)), 7)
    assert whole[:10] == bytes.fromhex("1f8b08000000000000ff")
    assert gzip.decompress(whole) == b"one two"


def test_the_trailer_counts_modulo_four_gibibytes() -> None:
    assert engine(Compression("gzip")).trailer(1, (1 << 32) + 5) == bytes([1, 0, 0, 0, 5, 0, 0, 0])
    assert engine(Compression("zstd")).trailer(1, 5) == b""
