# SPDX-License-Identifier: Apache-2.0
"""One pass from tar bytes to a blob with its digests, and what happens when it cannot be finished."""

from __future__ import annotations

import errno
import gc
import hashlib
import io
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.codec import BLOCK_SIZE, BlockWriter, Compression, Sealed, open_reader
from imagebuild.errors import FormatError, IntegrityError, StoreError, UsageError

ALL = ("gzip:1", "gzip:2", "zstd:1", "zstd:3", "none")


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_writer() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def sample(size: int = 3 * BLOCK_SIZE + 777) -> bytes:
    """Half text, half noise, the same in every version of Python."""
    noise = b"".join(hashlib.sha256(number.to_bytes(4, "little")).digest() for number in range(size // 64 + 1))
    words = [noise[at:at + 4].hex().encode() for at in range(0, min(2000, size), 4)]
    text = b" ".join(words[byte * 7 % len(words)] for byte in noise[:size // 18 + 1]) if words else b""
    half = size // 2
    return text.ljust(half, b".")[:half] + noise[:size - half].ljust(size - half, b"-")


def seal(data: bytes, compression: str, *, workers: int | None = None, cuts: tuple[int, ...] = (), piece: int = 100_000,
         reproducible: bool = False) -> tuple[bytes, Sealed]:
    """The blob of ``data`` written in pieces and cut at some offsets, and what the writer says of it."""
    sink = io.BytesIO()
    writer = BlockWriter(sink, Compression.parse(compression, reproducible=reproducible), workers=workers)
    at = 0
    for end in (*cuts, len(data)):
        while at < end:
            writer.write(data[at:min(at + piece, end)])
            at = min(at + piece, end)
        if end in cuts:
            writer.cut()
    sealed = writer.close()
    return sink.getvalue(), sealed


@pytest.mark.parametrize("compression", ALL)
def test_what_goes_in_comes_out_and_the_digests_are_right(compression: str) -> None:
    data = sample()
    blob, sealed = seal(data, compression)
    assert sealed == Sealed("sha256:" + hashlib.sha256(data).hexdigest(), len(data),
                            "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob))
    assert open_reader(io.BytesIO(blob)).read() == data


@pytest.mark.parametrize("compression", ALL)
@pytest.mark.parametrize("size", [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1, 2 * BLOCK_SIZE])
def test_sizes_around_a_block_are_whole(compression: str, size: int) -> None:
    data = sample(size)
    blob, sealed = seal(data, compression)
    assert sealed.diff_size == size
    assert open_reader(io.BytesIO(blob)).read() == data


@pytest.mark.parametrize("compression", ALL)
def test_neither_workers_nor_the_size_of_writes_change_a_byte(compression: str) -> None:
    data = sample()
    blobs = {seal(data, compression, workers=workers, cuts=(700, BLOCK_SIZE))[0] for workers in (1, 2, 3, 4)}
    blobs |= {seal(data, compression, cuts=(700, BLOCK_SIZE), piece=piece)[0] for piece in (999, BLOCK_SIZE, len(data))}
    assert len(blobs) == 1


@pytest.mark.parametrize(("compression", "reproducible", "digest"), [
    ("gzip:1", False, "5fb353d1a8fd39ef"),
    ("gzip:2", False, "bd5910acb013a459"),
    ("gzip:1", True, "cadb92023677006a"),
    ("gzip:6", True, "f4ba6de23346ed60"),
    ("none", False, "702cea68c97730e6"),
])
def test_the_bytes_are_those_of_every_release_before(compression: str, reproducible: bool, digest: str) -> None:
    """Golden digests: when one changes, every layer gets a new digest, and users must be told."""
    if not reproducible and compression != "none":
        pytest.importorskip("isal")
        if "x86" not in Compression.parse(compression).codec_id():
            pytest.skip("ISA-L gives other bytes on other processors")
    assert seal(sample(), compression, cuts=(4096,), reproducible=reproducible)[1].digest[7:23] == digest


def test_gzip_is_one_member_that_gzip_itself_accepts() -> None:
    data = sample()
    blob, _ = seal(data, "gzip", cuts=(1000,))
    inflate = zlib.decompressobj(31)
    assert inflate.decompress(blob) == data
    assert inflate.eof
    assert not inflate.unused_data
    assert subprocess.run(["gzip", "-dc"], input=blob, capture_output=True, check=True).stdout == data


def common_tail(one: bytes, two: bytes) -> int:
    """How many bytes at their ends are equal."""
    size = min(len(one), len(two))
    return next((at for at in range(size) if one[-1 - at] != two[-1 - at]), size)


def test_after_a_cut_the_same_bytes_give_the_same_blocks() -> None:
    """What several bases share: parents differ, the rest of the blob is equal but for the checksum at its end."""
    tail = sample()
    one, _ = seal(b"a" * 5000 + tail, "gzip", cuts=(5000,))
    two, _ = seal(b"b" * 9000 + tail, "gzip", cuts=(9000,))
    shared = common_tail(one[:-8], two[:-8])
    assert shared > len(one) * 0.99
    uncut = seal(b"b" * 9000 + tail, "gzip")[0]
    assert common_tail(one[:-8], uncut[:-8]) < len(one) * 0.5


def test_a_cut_at_the_border_of_a_block_changes_nothing() -> None:
    data = sample(2 * BLOCK_SIZE + 5)
    assert seal(data, "gzip", cuts=(BLOCK_SIZE,))[0] == seal(data, "gzip")[0]
    assert seal(data, "gzip", cuts=(BLOCK_SIZE + 1,))[0] != seal(data, "gzip")[0]


def test_a_view_can_be_filled_in_place() -> None:
    sink = io.BytesIO()
    writer = BlockWriter(sink, Compression("none"))
    data = sample(BLOCK_SIZE + 100)
    at = 0
    while at < len(data):
        room = writer.reserve(len(data) - at + 50)
        assert 0 < len(room) <= len(data) - at + 50
        count = min(len(room), 70_000, len(data) - at)
        room[:count] = data[at:at + count]
        writer.advance(count)
        at += count
        assert writer.tell() == at
    writer.zeros(10)
    writer.close()
    assert sink.getvalue() == data + bytes(10)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=3000), st.integers(0, 2 * BLOCK_SIZE), st.none()), max_size=8),
       st.sampled_from(ALL), st.integers(1, 3))
def test_any_sequence_of_writes_and_cuts_reads_back(pieces: list[bytes | int | None], compression: str,
                                                    workers: int) -> None:
    sink, data = io.BytesIO(), b""
    with BlockWriter(sink, Compression.parse(compression), workers=workers) as writer:
        for piece in pieces:
            if piece is None:
                writer.cut()
                continue
            chunk = bytes([len(data) & 0xFF]) * piece if isinstance(piece, int) else piece
            writer.write(chunk)
            data += chunk
        sealed = writer.close()
    assert sealed.diff_id == "sha256:" + hashlib.sha256(data).hexdigest()
    assert open_reader(io.BytesIO(sink.getvalue())).read() == data


class BadSink:
    """Takes ``good`` bytes, then raises."""

    def __init__(self, good: int, error: BaseException) -> None:
        self.good = good
        self.error = error
        self.raised = 0

    def write(self, data: bytes, /) -> int:
        self.good -= len(data)
        if self.good < 0:
            self.raised += 1
            raise self.error
        return len(data)


@pytest.mark.parametrize("good", [0, 100_000, 2_000_000])
def test_a_full_disk_is_one_clear_error_and_no_thread_is_left(good: int) -> None:
    sink = BadSink(good, OSError(errno.ENOSPC, "No space left on device"))
    writer = BlockWriter(sink, Compression("none"), workers=2)
    with pytest.raises(StoreError, match="No space left on device") as caught:
        for _ in range(50):
            writer.write(bytes(BLOCK_SIZE // 2))
        writer.close()
    assert caught.value.facts["errno"] == errno.ENOSPC
    assert isinstance(caught.value.__cause__, OSError)
    assert sink.raised == 1
    writer.abort()
    with pytest.raises(UsageError):
        writer.close()


def test_a_disk_that_fills_with_the_last_block_is_seen_by_close() -> None:
    writer = BlockWriter(BadSink(0, OSError(errno.EDQUOT, "Disk quota exceeded")), Compression("gzip"))
    writer.write(b"x")
    with pytest.raises(StoreError, match="quota"):
        writer.close()


def test_an_error_of_ours_from_the_sink_comes_through_as_it_is() -> None:
    error = IntegrityError("wrong")
    writer = BlockWriter(BadSink(0, error), Compression("gzip"))
    with pytest.raises(IntegrityError) as caught:
        writer.write(bytes(9 * BLOCK_SIZE))
        writer.close()
    assert caught.value is error


def test_a_codec_that_fails_on_its_thread_fails_in_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(block: memoryview, last: bool) -> bytes:
        raise MemoryError("no memory")

    monkeypatch.setattr("imagebuild.codec.engines._copy", broken)
    writer = BlockWriter(io.BytesIO(), Compression("none"), workers=3)
    with pytest.raises(MemoryError):
        for _ in range(40):
            writer.write(bytes(BLOCK_SIZE))
        writer.close()


def test_an_interrupt_in_the_caller_ends_all_threads() -> None:
    sink = io.BytesIO()
    with pytest.raises(KeyboardInterrupt), BlockWriter(sink, Compression("gzip")) as writer:
        writer.write(sample())
        raise KeyboardInterrupt
    with pytest.raises(UsageError):
        writer.write(bytes(BLOCK_SIZE))


def test_an_interrupt_while_waiting_for_a_slow_sink_ends_all_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Event()

    class Slow:
        def write(self, data: bytes, /) -> int:
            gate.wait(5)
            return len(data)

    writer = BlockWriter(Slow(), Compression("none"), workers=1)
    waits = 0

    def interrupted() -> memoryview:
        nonlocal waits
        waits += 1
        if waits == 3:
            gate.set()
            raise KeyboardInterrupt
        return memoryview(bytearray(BLOCK_SIZE))

    monkeypatch.setattr(writer._pipe, "buffer", interrupted)
    with pytest.raises(KeyboardInterrupt):
        for _ in range(9):
            writer.write(bytes(BLOCK_SIZE))


def test_an_aborted_writer_has_written_no_end() -> None:
    sink = io.BytesIO()
    writer = BlockWriter(sink, Compression("gzip"))
    writer.write(sample())
    writer.abort()
    writer.abort()
    with pytest.raises((EOFError, FormatError)):
        if not sink.getvalue():
            raise EOFError
        open_reader(io.BytesIO(sink.getvalue())).read()


def test_a_writer_that_is_forgotten_lets_its_threads_go() -> None:
    before = threading.active_count()
    writer = BlockWriter(io.BytesIO(), Compression("gzip"))
    writer.write(bytes(2 * BLOCK_SIZE))
    assert threading.active_count() > before
    del writer
    gc.collect()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


def test_a_sink_that_takes_a_part_is_asked_again() -> None:
    class Nibbler(io.BytesIO):
        def write(self, data: bytes, /) -> int:  # type: ignore[override]
            return super().write(data[:100_000])

    sink = Nibbler()
    writer = BlockWriter(sink, Compression("none"))
    data = sample()
    writer.write(data)
    assert writer.close().size == len(data)
    assert sink.getvalue() == data


def test_a_sink_that_takes_nothing_is_an_error_not_a_loop() -> None:
    class Stuck:
        def write(self, data: bytes, /) -> int:
            return 0

    writer = BlockWriter(Stuck(), Compression("none"))
    writer.write(b"x")
    with pytest.raises(StoreError, match="no more bytes"):
        writer.close()


def test_memory_stays_bounded_when_the_sink_is_slow() -> None:
    writer = BlockWriter(io.BytesIO(), Compression("none"), workers=2)
    for _ in range(30):
        writer.write(bytes(BLOCK_SIZE))
    assert writer._pipe._unmade >= 0
    writer.close()


@pytest.mark.parametrize("call", ["write", "reserve", "cut", "close"])
def test_nothing_can_be_done_after_the_end(call: str) -> None:
    writer = BlockWriter(io.BytesIO(), Compression("none"))
    writer.close()
    arguments = {"write": (b"x" * BLOCK_SIZE,), "reserve": (1,)}.get(call, ())
    with pytest.raises(UsageError):
        getattr(writer, call)(*arguments)
