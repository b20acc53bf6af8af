# SPDX-License-Identifier: Apache-2.0
"""Threads of their own: what they give, how they fail, and that nobody waits for those who do not end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from imagebuild.engine import threads

REPOSITORY = Path(__file__).parents[3]


def test_what_the_work_gives_or_raises_comes_back() -> None:
    def broken() -> int:
        raise ValueError("no")

    async def work() -> None:
        assert await threads.begin(lambda: 7) == 7
        with pytest.raises(ValueError, match="no"):
            await threads.begin(broken)

    asyncio.run(work())


def test_who_waits_may_leave_and_the_work_goes_on() -> None:
    go_on, done = threading.Event(), threading.Event()

    def slow() -> None:
        go_on.wait(10)
        done.set()

    wrong: list[object] = []

    async def work() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
        future = threads.begin(slow)
        future.cancel()
        await asyncio.sleep(0)
        go_on.set()
        await asyncio.to_thread(threads.settle, 10)
        assert done.is_set()
        assert not threads._ALIVE
        await asyncio.sleep(0)
        assert wrong == []

    asyncio.run(work())


def test_settling_waits_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    stop, asked = threading.Event(), list[float | None]()
    join = threading.Thread.join

    def noted(self: threading.Thread, timeout: float | None = None) -> None:
        asked.append(timeout if self.name == "engine-waiting" else 0)
        join(self, timeout)

    monkeypatch.setattr(threading.Thread, "join", noted)

    async def work() -> None:
        threads.begin(stop.wait).cancel()
        await asyncio.to_thread(threads.settle, 0.05)
        assert threads._ALIVE
        assert [wait for wait in asked if wait is None or wait > 0.05] == []

    try:
        asyncio.run(work())
    finally:
        stop.set()
        threads.settle(10)


def test_a_process_ends_though_its_work_does_not() -> None:
    program = ("import asyncio, threading\nfrom imagebuild.engine import threads\n"
               "async def main(): threads.begin(threading.Event().wait).cancel()\nasyncio.run(main())\nprint('ended')")
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=30,
                          check=False)
    assert (done.returncode, done.stdout) == (0, "ended\n")
