# SPDX-License-Identifier: Apache-2.0
"""Restart policies: what is started again, when, and with which engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import Heard, make, new, opened, run, until

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers import restart
from imagebuild.engine.containers.container import Container


def _container(policy: str, most: int = 0, **facts: object) -> Container:
    one = Container("a" * 64, "one", Path("/nowhere"), 1, "sha256:0", shapes.Config(), shapes.HostConfig(
        restart_policy=shapes.RestartPolicy(name=policy, maximum_retry_count=most)))
    for name, value in facts.items():
        setattr(one, name, value)
    return one


@given(policy=st.sampled_from(["", "no", "always", "unless-stopped", "on-failure"]), most=st.integers(0, 3),
       code=st.integers(0, 2), restarts=st.integers(0, 4), by_hand=st.booleans())
def test_the_policy_decides(policy: str, most: int, code: int, restarts: int, by_hand: bool) -> None:
    one = _container(policy, most, exit_code=code, restarts=restarts, stopped_by_hand=by_hand, started=1)
    failed = policy == "on-failure" and code != 0 and (most == 0 or restarts < most)
    assert restart.wanted(one) == (not by_hand and (policy in ("always", "unless-stopped") or failed))
    assert restart.at_engine_start(one) == (policy == "always" or (policy == "unless-stopped" and not by_hand))
    one.started = 0
    assert not restart.at_engine_start(one)


def test_the_pause_doubles_to_a_minute_and_begins_again_after_a_steady_run() -> None:
    one = _container("always")
    pauses = []
    for _ in range(12):
        one.pause = restart.pause_after(one)
        pauses.append(one.pause)
    assert pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert pauses[-1] == 60
    one.started, one.finished = 1, 1 + restart.STEADY
    assert restart.pause_after(one) == 0.1


def test_a_container_that_fails_starts_again_so_often_and_counts_anew_by_hand(tmp_path: Path,
                                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "FIRST", 0.01)

    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine, "exit 3", policy="on-failure", most=2)
            for _ in range(2):
                before = heard.of(one).count("die")
                await engine.containers.start(one)
                await until(lambda before=before: heard.of(one).count("die") == before + 3)  # type: ignore[misc]
                await until(lambda: one.status == "exited")
                assert (one.exit_code, one.restarts) == (3, 2)

    run(work())


def test_one_that_waits_for_its_restart_can_be_stopped_and_removed(tmp_path: Path,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "FIRST", 30)

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one, two = new(engine, "exit 3", policy="always"), new(engine, "exit 4", policy="always")
            for each in (one, two):
                await engine.containers.start(each)
                await until(lambda each=each: each.status == "restarting")  # type: ignore[misc]
            waiting = await engine.containers.wait(one)
            assert not waiting.done()
            await engine.containers.stop(one)
            assert await waiting == 3
            assert (one.status, one.state().running) == ("exited", False)
            await engine.containers.remove(two, force=True)
            assert [each.id for each in engine.containers] == [one.id]

    run(work())


def test_a_restart_that_fails_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(restart, "FIRST", 0.05)

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, "exit 3", policy="always")
            await engine.containers.start(one)
            one.command = "nonsense"
            await until(lambda: one.status == "restarting")
            await (await engine.containers.wait(one))
            await until(lambda: one.status == "exited")
            assert "nonsense" in one.error

    run(work())


def test_one_that_is_removed_at_its_end_outlives_a_restart_by_hand(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine, remove=True)
            await engine.containers.start(one)
            await engine.containers.restart(one, 1)
            await asyncio.sleep(0.05)  # a removal would have begun
            assert one.running
            assert heard.of(one) == ["create", "start", "kill", "die", "stop", "start", "restart"]
            gone = await engine.containers.wait(one, "removed")
            await engine.containers.stop(one, 1)
            await gone
            assert list(engine.containers) == []

    run(work())


@pytest.mark.parametrize("killed", [False, True], ids=["stopped", "killed"])
def test_what_is_to_run_always_runs_again_with_the_next_engine(tmp_path: Path, killed: bool) -> None:
    async def before() -> None:
        engine = make(tmp_path)
        engine.open()
        for name, policy in (("always", "always"), ("by-hand", "always"), ("unless", "unless-stopped"),
                             ("unless-by-hand", "unless-stopped"), ("failing", "on-failure"), ("never", "")):
            one = new(engine, name=name, policy=policy)
            await engine.containers.start(one)
            if "by-hand" in name:
                await engine.containers.stop(one, 1)
        new(engine, name="not-started", policy="always")
        await engine.containers.start(new(engine, name="passing", remove=True))
        if killed:
            for box in engine.sandbox.opened:  # type: ignore[attr-defined]
                box.kill()
        else:
            await engine.close()

    async def after() -> None:
        async with opened(tmp_path) as engine:
            await until(lambda: len([one for one in engine.containers if one.running]) == 3)
            await until(lambda: len(list(engine.containers)) == 7)
            assert {one.name for one in engine.containers if one.running} == {"always", "by-hand", "unless"}
            assert {one.name: one.status for one in engine.containers if not one.running} == {
                "unless-by-hand": "exited", "failing": "exited", "never": "exited", "not-started": "created"}

    run(before())
    run(after())
