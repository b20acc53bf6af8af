# SPDX-License-Identifier: Apache-2.0
"""Bytes from a thread, at the reader's pace."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import BinaryIO

import pytest

from imagebuild.dockerapi.http import bridge


def no_thread_is_left() -> bool:
    """Whether every producer ends within a moment."""
    for thread in threading.enumerate():
        if thread.name == "dockerapi-producer":
            thread.join(5)
    return not any(thread.name == "dockerapi-producer" for thread in threading.enumerate())


def test_what_a_thread_writes_arrives_in_order() -> None:
    def produce(file: BinaryIO) -> None:
        for number in range(3000):
            file.write(b"%06d" % number * 100)

    async def run() -> bytes:
        return b"".join([data async for data in bridge.from_thread(produce)])
    assert asyncio.run(run()) == b"".join(b"%06d" % number * 100 for number in range(3000))


def test_a_writer_waits_for_its_reader_and_fails_when_it_leaves() -> None:
    written, ended = [0], threading.Event()

    def produce(file: BinaryIO) -> None:
        try:
            while True:
                file.write(b"x" * bridge.PIECE)
                written[0] += 1
        except OSError:
            ended.set()
            raise

    async def run() -> None:
        async with contextlib.aclosing(bridge.from_thread(produce)) as parts:
            await anext(parts)
            await asyncio.sleep(0.05)
            assert written[0] <= bridge.AHEAD + 3
    asyncio.run(run())
    assert ended.wait(5) and no_thread_is_left()


def test_a_writers_trouble_reaches_the_reader_after_what_it_wrote() -> None:
    def produce(file: BinaryIO) -> None:
        file.write(b"before")
        raise ValueError("disk full")

    async def run() -> None:
        parts = bridge.from_thread(produce)
        assert await anext(parts) == b"before"
        with pytest.raises(ValueError, match="disk full"):
            await anext(parts)
    asyncio.run(run())


def test_a_loop_that_ends_ends_the_thread() -> None:
    ended = threading.Event()

    def produce(file: BinaryIO) -> None:
        try:
            while True:
                file.write(b"x" * bridge.PIECE)
        finally:
            ended.set()

    async def run() -> None:
        await anext(bridge.from_thread(produce))
    asyncio.run(run())
    assert ended.wait(5) and no_thread_is_left()
