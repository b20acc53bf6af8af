# SPDX-License-Identifier: Apache-2.0
"""The engine's events."""

from __future__ import annotations

import asyncio
import time

from imagebuild.engine.events import KEPT, Event, Events


async def take(events: Events, count: int, since: int | None = None) -> list[str]:
    out = []
    async for event in events.listen(since):
        out.append(event.action)
        if len(out) == count:
            break
    return out


def test_listeners_get_what_comes_and_late_comers_what_was() -> None:
    async def play() -> tuple[list[str], list[str]]:
        events = Events()
        for number in range(KEPT + 10):
            events.publish(Event("container", f"old{number}", "x", at=number + 1))
        past = await take(events, KEPT, since=0)
        listening = asyncio.create_task(take(events, 2))
        await asyncio.sleep(0)
        events.publish(Event("container", "start", "x"))
        events.publish(Event("container", "die", "x"))
        return past, await asyncio.wait_for(listening, 5)

    past, now = asyncio.run(play())
    assert past[0] == "old10"
    assert len(past) == KEPT
    assert now == ["start", "die"]


def test_a_moment_ends_listening_and_so_does_the_engines_end() -> None:
    async def play() -> int:
        events = Events()
        async for _ in events.listen(until=time.time_ns() + 20_000_000):
            raise AssertionError("nothing was told")
        listening = asyncio.create_task(take(events, 5))
        await asyncio.sleep(0)
        assert events.listeners == 1
        events.close()
        assert await asyncio.wait_for(listening, 5) == []
        return events.listeners

    assert asyncio.run(play()) == 0


def test_a_listener_that_is_far_behind_loses_the_oldest() -> None:
    async def play() -> list[str]:
        events = Events()
        listening = events.listen()
        first = asyncio.ensure_future(anext(listening))
        await asyncio.sleep(0)
        for number in range(5000):
            events.publish(Event("image", str(number), "x"))
        got = [(await first).action]
        got += [(await anext(listening)).action for _ in range(3)]
        return got

    got = asyncio.run(play())
    assert int(got[0]) > 0
    assert [int(name) for name in got] == list(range(int(got[0]), int(got[0]) + 4))
