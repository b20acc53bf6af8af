# SPDX-License-Identifier: Apache-2.0
"""The engine as a whole: opened, closed, and the same one afterwards."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from support.engines import make, new, opened, run

from imagebuild.engine import threads
from imagebuild.engine.core import routes


def test_an_engine_keeps_its_id_and_makes_one_of_what_is_none(tmp_path: Path) -> None:
    async def name() -> str:
        async with opened(tmp_path) as engine:
            return engine.id

    first = run(name())
    assert run(name()) == first
    (tmp_path / "engine.json").write_text("{")
    assert run(name()) != first


def test_a_close_lets_go_of_everything_even_when_a_part_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []

    async def work() -> None:
        engine = make(tmp_path)
        engine.open()
        await engine.containers.start(new(engine, policy="always"))
        beside = engine.keep(asyncio.sleep(60))

        def broken() -> None:
            closed.append("sandbox")
            raise OSError("gone")

        close = engine.networks.close
        monkeypatch.setattr(engine.sandbox, "close", broken)
        monkeypatch.setattr(engine.networks, "close", lambda: (closed.append("networks"), close()))
        with pytest.raises(OSError, match="gone"):
            await engine.close()
        assert beside.cancelled()
        assert not any(one.running for one in engine.containers)

    run(work())
    assert closed == ["sandbox", "networks"]


def test_a_close_gives_work_that_is_cut_off_a_moment_to_put_things_away(tmp_path: Path) -> None:
    put_away = threading.Event()

    def slow() -> None:
        threading.Event().wait(0.3)
        put_away.set()

    async def work() -> None:
        engine = make(tmp_path)
        engine.open()
        threads.begin(slow).cancel()
        await engine.close()
        assert put_away.is_set()

    run(work())


def test_an_image_is_used_as_long_as_a_container_stands_on_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            digest = next(iter(engine.images.shelf.all()))
            assert engine.images.users(digest) == [one.id]
            assert not engine.is_running(one.id)
            await engine.containers.start(one)
            assert engine.is_running(one.id)
            await engine.containers.remove(one, force=True)
            assert engine.images.users(digest) == []

    run(work())


def test_every_call_is_served_once() -> None:
    every = [(route.method, route.path) for route in routes()]
    assert len(set(every)) == len(every)
