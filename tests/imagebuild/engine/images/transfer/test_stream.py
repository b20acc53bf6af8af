# SPDX-License-Identifier: Apache-2.0
"""Long work in a thread, told message by message: what fails first, what fails later, what a client that goes ends."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterable
from typing import Any

import pytest

from imagebuild.dockerapi import Response, faults
from imagebuild.dockerapi.jsonlines import Message, Progress
from imagebuild.engine.images.transfer.stream import WAITING, Say, stream
from imagebuild.errors import Interrupted, NotFoundError, StoreError


async def collect(answer: Response) -> list[Any]:
    assert isinstance(answer.body, AsyncIterable)
    return [json.loads(line) async for line in answer.body]


def test_messages_come_in_their_order() -> None:
    def work(say: Say) -> None:
        for number in range(50):
            say(Message(status=str(number)))

    async def run() -> list[Any]:
        return await collect(await stream(work))

    assert [line["status"] for line in asyncio.run(run())] == [str(number) for number in range(50)]


@pytest.mark.parametrize(("error", "kind"), [(faults.Conflict("x"), faults.Conflict), (NotFoundError("x"),
                                             faults.NotFound), (StoreError("x"), faults.Internal)])
def test_what_fails_before_a_word_was_said_has_its_status(error: Exception, kind: type[Exception]) -> None:
    def work(say: Say) -> None:
        raise error

    with pytest.raises(kind, match="x"):
        asyncio.run(stream(work))


def test_what_fails_later_is_the_last_line() -> None:
    def work(say: Say) -> None:
        say(Message(status="begun"))
        raise StoreError("no room")

    async def run() -> list[Any]:
        return await collect(await stream(work))

    assert asyncio.run(run()) == [{"status": "begun"}, {"errorDetail": {"message": "no room"}, "error": "no room"}]


def test_work_that_says_nothing_is_an_empty_answer() -> None:
    answer = asyncio.run(stream(lambda say: None))
    assert (answer.status, answer.body) == (200, b"")


def test_a_client_that_goes_ends_the_work() -> None:
    ended, gone = threading.Event(), threading.Event()

    def work(say: Say) -> None:
        say(Message(status="begun"))
        gone.wait(10)
        try:
            while True:
                say(Message(status="more"))
        except Interrupted:
            ended.set()
            raise

    async def run() -> None:
        answer = await stream(work)
        lines = aiter(answer.body)  # type: ignore[arg-type]
        await anext(lines)
        await lines.aclose()  # type: ignore[attr-defined]
        gone.set()
        assert await asyncio.to_thread(ended.wait, 10)

    asyncio.run(run())


@pytest.mark.parametrize("message", [Message(status="more"), Message(status="more", progress=Progress(1, 2))],
                         ids=["messages", "progress"])
def test_a_client_that_reads_nothing_holds_up_the_work_or_is_told_less_of_its_progress(message: Message) -> None:
    said, over = [0], threading.Event()

    def work(say: Say) -> None:
        try:
            for _ in range(5 * WAITING):
                say(message)
                said[0] += 1
        finally:
            over.set()

    async def run() -> list[Any]:
        answer = await stream(work)
        assert await asyncio.to_thread(over.wait, 0.5) == (message.progress is not None)
        assert (said[0] <= WAITING + 2) == (message.progress is None)
        return await collect(answer)

    lines = asyncio.run(run())
    assert over.is_set()
    assert said == [5 * WAITING]
    assert len(lines) < 2 * WAITING if message.progress else len(lines) == 5 * WAITING


def test_a_client_that_reads_nothing_and_goes_ends_all_threads_of_the_work() -> None:
    ends = [threading.Event() for _ in range(3)]

    def more(say: Say, end: threading.Event) -> None:
        try:
            for _ in range(5 * WAITING):
                say(Message(status="more"))
        except Interrupted:
            end.set()

    def work(say: Say) -> None:
        helpers = [threading.Thread(target=more, args=(say, end), daemon=True) for end in ends]
        for one in helpers:
            one.start()
        for one in helpers:
            one.join()

    async def run() -> None:
        lines = aiter((await stream(work)).body)  # type: ignore[arg-type]
        await anext(lines)
        await asyncio.sleep(0.2)
        await lines.aclose()  # type: ignore[attr-defined]
        for end in ends:
            assert await asyncio.to_thread(end.wait, 10)

    asyncio.run(run())
