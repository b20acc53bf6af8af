# SPDX-License-Identifier: Apache-2.0
"""Long work in a thread that says what it does: a pull, a load, a build, as a stream of messages to the client."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from ....dockerapi import faults, respond
from ....dockerapi.jsonlines import Message
from ....errors import Interrupted, WcowError
from ... import threads

WAITING, PROGRESS_WAITING = 1000, 100
"""Messages that wait for a client that does not read. Once so many do, the work waits, as it does in moby; of progress,
where the next message says all that the last one did, fewer wait, and the others are dropped."""

Ended = Callable[[], Awaitable[None]]
Say = Callable[[Message], None]
"""Tells the client, and waits for one that is far behind. Raises Interrupted when the client has gone: then the work is
to be given up."""


async def stream(work: Callable[[Say], None], *, status: bool = True, ended: Ended | None = None) -> respond.Response:
    """The answer to a request whose work says messages.

    What fails before anything was said is a fault with its status; later it is the last line. Without ``status`` the
    answer is 200 from the beginning, and every failure is the last line: so moby answers a load. ``ended`` is called on
    the loop once the work is done or nobody waits for it any more.
    """
    messages = _messages(work, ended)
    if not status:
        return respond.json_lines(messages)
    try:
        first = await anext(messages)
    except StopAsyncIteration:
        return respond.Response(200, b"", respond.JSON)
    return respond.json_lines(_joined(first, messages))


async def _joined(first: Message, rest: AsyncIterator[Message]) -> AsyncIterator[Message]:
    yield first
    async for message in rest:
        yield message


async def _messages(work: Callable[[Say], None], ended: Ended | None) -> AsyncIterator[Message]:
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[Message | BaseException | None] = asyncio.Queue()
    gone = threading.Event()
    room = threading.Semaphore(WAITING)

    def put(item: Message | BaseException | None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def say(message: Message) -> None:
        if message.progress is not None and queue.qsize() >= PROGRESS_WAITING:
            return
        room.acquire()
        if gone.is_set():
            room.release()  # for the next thread that waits
            raise Interrupted("the client has gone")
        put(message)

    def run() -> None:
        try:
            work(say)
        except BaseException as error:
            put(error)
        else:
            put(None)

    running = threads.begin(run)
    try:
        while (item := await queue.get()) is not None:
            if isinstance(item, BaseException):
                raise item if isinstance(item, faults.Fault) or not isinstance(item, WcowError) \
                    else faults.of_error(item) from item
            room.release()
            yield item
        await running
    finally:
        gone.set()
        room.release()
        if ended is not None:
            await ended()
