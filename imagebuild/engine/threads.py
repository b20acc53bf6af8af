# SPDX-License-Identifier: Apache-2.0
"""Threads for work that waits for somebody else: a client that sends an archive, a registry that answers.

Such work may take for ever, and nobody can end a thread from outside. In the pool that everything of the engine shares
it would keep others from theirs, and the process from its end: an interpreter waits for the threads of its pools. So
each has a thread of its own that no end waits for. What it had half written is what a killed engine leaves, which the
stores take in their stride.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_ALIVE: set[threading.Thread] = set()


def begin(work: Callable[[], T]) -> asyncio.Future[T]:
    """Do something in a thread of its own. The future may be cancelled; the thread then goes on for nobody."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def told(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)  # type: ignore[arg-type]
        else:
            future.set_exception(error)

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = work()
        except BaseException as error:
            failed = error
        finally:
            _ALIVE.discard(thread)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(told, result, failed)

    thread = threading.Thread(target=run, name="engine-waiting", daemon=True)
    _ALIVE.add(thread)
    thread.start()
    return future


async def to_its_end(work: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> T:
    """Do something in a thread of the engine's pool. A task that is cancelled meanwhile waits for it and is cancelled
    then: what the work uses, or made, is given back by the task after it."""
    doing = asyncio.ensure_future(asyncio.to_thread(work, *args, **named))
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        if not doing.cancelled():
            doing.exception()  # nobody asks for it any more
        raise


def settle(seconds: float) -> None:
    """Give those that work for nobody any more a moment to put away what they have half done."""
    end = time.monotonic() + seconds
    for thread in tuple(_ALIVE):
        thread.join(max(0.0, end - time.monotonic()))
