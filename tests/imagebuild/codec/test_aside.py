# SPDX-License-Identifier: Apache-2.0
"""Digests computed on another thread: the same ones, in bounded memory, and no thread left behind."""

from __future__ import annotations

import gc
import hashlib
import io
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.codec import VerifyingReader
from imagebuild.codec.aside import BACKLOG, BATCH, HasherAside
from imagebuild.errors import IntegrityError

DATA = bytes(range(256)) * 4096


def digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


_others: set[threading.Thread] = set()


@pytest.fixture(autouse=True)
def _threads_before() -> None:
    """Leave out the threads of readers that earlier tests of this process still hold, in a traceback for one."""
    _others.clear()
    _others.update(threading.enumerate())


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "wcow-digest" and thread not in _others]


def gone() -> bool:
    """Whether no thread of ours is left, after a moment for those that are ending."""
    for _ in range(200):
        if not threads():
            return True
        time.sleep(0.01)
    return False


@given(st.lists(st.integers(min_value=0, max_value=BATCH + 5), max_size=12), st.data())
def test_bytes_are_hashed_in_their_order_whatever_their_sizes(sizes: list[int], chosen: st.DataObject) -> None:
    hasher, expected = hashlib.sha256(), hashlib.sha256()
    aside = HasherAside(hasher)
    for number, size in enumerate(sizes):
        piece = bytes([number]) * size
        expected.update(piece)
        if chosen.draw(st.booleans()):
            aside.update(piece)
        else:
            aside.settle()
            hasher.update(piece)
    aside.settle()
    assert hasher.hexdigest() == expected.hexdigest()


@given(st.lists(st.tuples(st.booleans(), st.integers(min_value=1, max_value=300_000)), min_size=1, max_size=20))
def test_a_reader_may_be_read_in_both_ways_in_turn(ways: list[tuple[bool, int]]) -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest(DATA), len(DATA))
    out = bytearray()
    for into, size in ways:
        buffer = bytearray(size)
        out += buffer[:reader.readinto(buffer)] if into else reader.read(size)
    out += reader.read()
    assert out == DATA
    assert reader.verified
    assert gone()


def test_a_wrong_byte_is_found_wherever_it_is() -> None:
    for at in (0, BATCH - 1, BATCH, len(DATA) - 1):
        wrong = bytearray(DATA)
        wrong[at] ^= 1
        with pytest.raises(IntegrityError, match="digest"):
            VerifyingReader(io.BytesIO(bytes(wrong)), digest(DATA), len(DATA)).read()
    assert gone()


def test_small_content_needs_no_thread() -> None:
    reader = VerifyingReader(io.BytesIO(DATA[:BATCH - 1]), digest(DATA[:BATCH - 1]))
    reader.read(BATCH)
    assert threads() == []
    assert reader.read(1) == b""


@pytest.mark.parametrize("drop", [False, True])
def test_a_reader_that_is_closed_or_forgotten_half_way_leaves_no_thread(drop: bool) -> None:
    reader = VerifyingReader(io.BytesIO(DATA), digest(DATA))
    reader.read(BATCH)
    assert len(threads()) == 1
    if drop:
        del reader
        gc.collect()
    else:
        reader.close()
        reader.close()
    assert gone()


class Slow:
    """A hasher that waits for leave."""

    def __init__(self) -> None:
        self.leave = threading.Event()
        self.seen = 0

    def update(self, data: bytes | memoryview) -> None:
        self.leave.wait(10)
        self.seen += len(data)

    def hexdigest(self) -> str:
        return ""


def test_a_reader_that_is_faster_than_the_hash_waits_for_it() -> None:
    hasher, handed = Slow(), 0
    aside = HasherAside(hasher)

    def feed() -> None:
        nonlocal handed
        for _ in range(BACKLOG * 3):
            aside.update(b"x" * BATCH)
            handed += 1

    feeder = threading.Thread(target=feed)
    feeder.start()
    feeder.join(0.3)
    assert handed <= BACKLOG + 1
    hasher.leave.set()
    feeder.join()
    aside.settle()
    assert hasher.seen == BACKLOG * 3 * BATCH


def test_an_error_on_the_other_thread_is_raised_and_nobody_waits_for_ever() -> None:
    class Broken(Slow):
        def update(self, data: bytes | memoryview) -> None:
            raise MemoryError

    aside = HasherAside(Broken())
    for _ in range(BACKLOG * 3):
        aside.update(b"x" * BATCH)
    with pytest.raises(MemoryError):
        aside.settle()
