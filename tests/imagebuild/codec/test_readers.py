# SPDX-License-Identifier: Apache-2.0
"""Blobs are recognised, decompressed within bounds, and held to their digests."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import random
import sys
import tracemalloc
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.codec import LimitedReader, VerifyingReader, open_reader
from imagebuild.errors import DependencyError, FormatError, IntegrityError, UsageError

zstandard = pytest.importorskip("zstandard")
DATA = b"the same text again and again " * 30_000 + random.Random(2).randbytes(100_000)


def zstd(data: bytes, **options: bool) -> bytes:
    return bytes(zstandard.ZstdCompressor(level=1, **options).compress(data))


def zstd_stream(data: bytes) -> bytes:
    maker = zstandard.ZstdCompressor(level=1, write_checksum=True).compressobj()
    return bytes(maker.compress(data) + maker.flush())


BLOBS = {
    "gzip": gzip.compress(DATA, 1),
    "gzip with a name": b"\x1f\x8b\x08\x08" + bytes(6) + b"name\0" + gzip.compress(DATA, 1)[10:],
    "three members": gzip.compress(DATA[:7], 9) + gzip.compress(b"") + gzip.compress(DATA[7:], 1),
    "zeros after gzip": gzip.compress(DATA, 1) + bytes(300_000),
    "zstd": zstd(DATA),
    "zstd without size": zstd(DATA, write_content_size=False),
    "zstd stream with checksum": zstd_stream(DATA),
    "zstd frames": zstd(DATA[:9]) + b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(b"") + zstd(DATA[9:]),
    "skippable first": b"\x5f\x2a\x4d\x18\x00\0\0\0" + zstd(DATA),
    "plain": DATA,
}


class Trickle(io.RawIOBase):
    """A stream that gives one to a few bytes at a time, like a bad connection."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = io.BytesIO(data)

    def read(self, size: int = -1) -> bytes:
        return self._data.read(min(size, 4099) if size > 0 else 4099)


@pytest.mark.parametrize("name", BLOBS)
def test_a_blob_is_recognised_and_read(name: str) -> None:
    assert open_reader(io.BytesIO(BLOBS[name])).read() == DATA
    assert open_reader(Trickle(BLOBS[name])).read() == DATA


@pytest.mark.parametrize("name", BLOBS)
def test_without_isal_the_result_is_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "isal", None)
    assert open_reader(io.BytesIO(BLOBS[name])).read() == DATA


@pytest.mark.parametrize("name", BLOBS)
def test_reading_in_small_steps_gives_exactly_what_was_asked(name: str) -> None:
    reader = open_reader(io.BytesIO(BLOBS[name]))
    assert reader.read(0) == b""
    assert reader.read(5) == DATA[:5]
    buffer = bytearray(11)
    assert reader.readinto(buffer) == 11  # type: ignore[attr-defined]
    assert buffer == DATA[5:16]
    assert reader.read(700_000) == DATA[16:700_016]
    assert reader.read() == DATA[700_016:]
    assert reader.read(10) == b""
    assert reader.readable()


@pytest.mark.parametrize("name", [name for name in BLOBS if name != "plain"])
def test_a_blob_that_is_cut_off_says_so(name: str) -> None:
    blob = BLOBS[name].rstrip(b"\0") if "zeros" in name else BLOBS[name]
    for cut in (len(blob) - 1, len(blob) - 6, len(blob) // 2):
        with pytest.raises(FormatError) as caught:
            open_reader(io.BytesIO(blob[:cut])).read()
        assert caught.value.offset == cut


def test_only_the_gzip_and_zstd_errors_escape() -> None:
    chance = random.Random(3)
    for name in ("gzip", "three members", "zstd frames", "zstd stream with checksum"):
        blob = bytearray(BLOBS[name])
        for _ in range(60):
            broken = bytearray(blob)
            for _ in range(chance.randint(1, 4)):
                broken[chance.randrange(4, min(len(blob), 3000))] = chance.randrange(256)
            with contextlib.suppress(FormatError):
                open_reader(io.BytesIO(bytes(broken))).read()


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"]))
def test_noise_is_a_format_error_or_plain(noise: bytes, head: bytes) -> None:
    try:
        open_reader(io.BytesIO(head + noise)).read()
    except FormatError:
        assert head or noise[:2] == b"\x1f\x8b" or noise[:4] == b"\x28\xb5\x2f\xfd" or noise[1:4] == b"\x2a\x4d\x18"


def test_a_wrong_checksum_is_seen() -> None:
    for name, at in (("gzip", -6), ("zstd stream with checksum", -2)):
        blob = bytearray(BLOBS[name])
        blob[at] ^= 1
        with pytest.raises(FormatError, match="damaged"):
            open_reader(io.BytesIO(bytes(blob))).read()


def test_garbage_after_a_member_is_not_ignored() -> None:
    with pytest.raises(FormatError):
        open_reader(io.BytesIO(BLOBS["gzip"] + b"garbage")).read()
    with pytest.raises(FormatError, match="begins with 67617262"):
        open_reader(io.BytesIO(BLOBS["zstd"] + b"garbage")).read()


@pytest.mark.parametrize(("hint", "name", "fits"), [
    ("gzip", "gzip", True), ("zstd", "zstd", True), ("none", "plain", True), ("gzip", "plain", False),
    ("zstd", "gzip", False), ("gzip", "zstd", False)])
def test_a_hint_is_a_promise(hint: str, name: str, fits: bool) -> None:
    reader = open_reader(io.BytesIO(BLOBS[name]), hint)
    if fits:
        assert reader.read() == DATA
    else:
        with pytest.raises(FormatError):
            reader.read()


def test_none_as_a_hint_leaves_compressed_bytes_alone() -> None:
    assert open_reader(io.BytesIO(BLOBS["gzip"]), "none").read() == BLOBS["gzip"]


def test_an_unknown_hint_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        open_reader(io.BytesIO(b""), "lzma")


def test_zstd_without_its_package_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(DependencyError):
        open_reader(io.BytesIO(BLOBS["zstd"])).read()


def bomb(name: str) -> bytes:
    if name == "gzip":
        return gzip.compress(bytes(60 << 20), 9)
    rle = (1 << 17) << 3 | 1 << 1  # a block that says 128 KiB with one byte
    frame = b"\x28\xb5\x2f\xfd\x00\x58" + b"".join((rle.to_bytes(3, "little") + b"\0",) * 480) + b"\x01\0\0"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(frame) == bytes(480 << 17)
    return frame


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_bomb_stays_small_in_memory(name: str) -> None:
    blob = bomb(name)
    tracemalloc.start()
    try:
        reader = open_reader(io.BytesIO(blob))
        total = 0
        while data := reader.read(1 << 16):
            total += len(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total == 60 << 20
    assert peak < 3 << 20


def test_a_zstd_window_larger_than_128_mebibytes_is_refused() -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([(28 - 10) << 3]) + b"\x01\0\0"
    with pytest.raises(FormatError):
        open_reader(io.BytesIO(frame)).read()


def digest(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("size", [len(DATA), None])
def test_content_that_is_as_promised_passes(algorithm: str, size: int | None) -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest(DATA, algorithm), size)
    assert reader.read(10) == DATA[:10]
    assert not reader.verified
    assert reader.read() == DATA[10:]
    assert reader.verified
    assert reader.read(1) == b""


def test_content_with_another_digest_is_an_integrity_error() -> None:
    with pytest.raises(IntegrityError, match="its digest is") as caught:
        VerifyingReader(io.BytesIO(DATA), digest(b"other"), len(DATA), what="layer").read()
    assert caught.value.facts == {"expected": digest(b"other"), "found": digest(DATA)}
    assert "layer" in caught.value.what


@pytest.mark.parametrize("size", [len(DATA) - 1, len(DATA) + 1])
def test_content_of_another_size_is_an_integrity_error(size: int) -> None:
    with pytest.raises(IntegrityError):
        VerifyingReader(io.BytesIO(DATA), digest(DATA), size).read()


def test_content_that_grows_past_its_size_is_stopped_at_once() -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest(DATA[:10]), 10)
    with pytest.raises(IntegrityError, match="longer than 10"):
        reader.read(11)


def test_a_digest_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(FormatError):
        VerifyingReader(io.BytesIO(DATA), "md5:00", 1)


def test_readinto_verifies_and_limits_too() -> None:
    buffer = bytearray(100)
    verifying = VerifyingReader(io.BytesIO(b"abc"), digest(b"abc"), 3)
    assert verifying.readinto(buffer) == 3
    assert verifying.readinto(buffer) == 0
    assert verifying.verified
    with pytest.raises(FormatError):
        LimitedReader(io.BytesIO(bytes(50)), 49).readinto(buffer)


@pytest.mark.parametrize(("limit", "fits"), [(len(DATA), True), (len(DATA) - 1, False)])
def test_a_limit_lets_as_much_through_and_no_more(limit: int, fits: bool) -> None:
    reader = LimitedReader(open_reader(io.BytesIO(BLOBS["gzip"])), limit, what="layer")
    if fits:
        assert reader.read() == DATA
        return
    with pytest.raises(FormatError, match="layer is too large") as caught:
        reader.read()
    assert caught.value.offset == limit


def test_verifying_underneath_a_decompressor_verifies_when_it_ends() -> None:
    for name in BLOBS:
        verifying = VerifyingReader(io.BytesIO(BLOBS[name]), digest(BLOBS[name]), len(BLOBS[name]))
        open_reader(verifying).read()
        assert verifying.verified, name
    assert zlib.crc32(DATA) == zlib.crc32(open_reader(io.BytesIO(BLOBS["zstd"])).read())
