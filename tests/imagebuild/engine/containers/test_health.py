# SPDX-License-Identifier: Apache-2.0
"""HEALTHCHECK: which line is run, how failures count, and what is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import Heard, new, opened, run, until

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers import health
from imagebuild.engine.containers.commandline import exec_line
from imagebuild.engine.containers.health import _after, probe_words
from imagebuild.runtime.port import KILLED

TICK = 10_000_000  # nanoseconds


@pytest.mark.parametrize(("test", "shell", "line"), [
    (("CMD", "a b.exe", "c"), None, '"a b.exe" c'), (("CMD-SHELL", "exit 1"), None, 'cmd /S /C "exit 1"'),
    (("CMD-SHELL", "x"), ("powershell", "-c"), "powershell -c x"), (("NONE",), None, ""), ((), None, ""),
    (("OTHER", "x"), None, "")])
def test_the_line_of_a_probe(test: tuple[str, ...], shell: tuple[str, ...] | None, line: str) -> None:
    assert exec_line(probe_words(shapes.Healthcheck(test=test), shell)) == line


@given(codes=st.lists(st.integers(0, 1), min_size=1, max_size=12), retries=st.integers(0, 4))
def test_so_many_failures_in_a_row_make_it_unhealthy(codes: list[int], retries: int) -> None:
    check, now = shapes.Healthcheck(retries=retries), shapes.Health(status="starting")
    streak = 0
    for code in codes:
        now = _after(now, shapes.HealthProbe(exit_code=code), check, in_start=False)
        streak = streak + 1 if code else 0
        assert now.failing_streak == streak
        if not code:
            assert now.status == "healthy"
        elif streak >= (retries or 3):
            assert now.status == "unhealthy"
        assert len(now.log) <= 5
        assert now.log[-1].exit_code == code


def test_failures_while_it_starts_do_not_count() -> None:
    now = shapes.Health(status="starting")
    for _ in range(9):
        now = _after(now, shapes.HealthProbe(exit_code=1), shapes.Healthcheck(retries=1), in_start=True)
    assert (now.status, now.failing_streak, len(now.log)) == ("starting", 0, 5)


@pytest.mark.parametrize(("line", "status", "output"), [
    ("echo fine", "healthy", "fine\r\n"), ("error bad && exit 1", "unhealthy", "bad\r\n"),
    ("sleep 60", "unhealthy", "Health check exceeded timeout (30ms)"), ("nonsense", "unhealthy", "container ")])
def test_a_running_container_is_probed_and_its_health_told(tmp_path: Path, line: str, status: str,
                                                           output: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard = Heard(engine)
            one = new(engine, healthcheck=shapes.Healthcheck(
                test=("CMD", *line.split(" ")), interval=TICK, timeout=3 * TICK, start_interval=TICK, retries=2))
            await engine.containers.start(one)
            await until(lambda: f"health_status: {status}" in heard.of(one))
            assert one.health is not None
            assert (one.health.status, one.state().health) == (status, one.health)
            assert one.health.log[-1].output.startswith(output)
            await engine.containers.stop(one, 1)
            told = [action for action in heard.of(one) if action.startswith("health")]
            assert told == [f"health_status: {status}"]
            execs = [event for event in heard.events if event.action.startswith("exec_")]
            shown = line if " " in line else f"{line} "  # moby writes a blank behind the program
            assert [event.action for event in execs[:2]] == [f"exec_create: {shown}", f"exec_start: {shown}"]
            assert len({event.attributes["execID"] for event in execs[:2]}) == 1
            codes = [event.attributes["exitCode"] for event in execs if event.action == "exec_die"]
            assert codes[:1] == {"echo fine": ["0"], "sleep 60": [str(KILLED)], "nonsense": []}.get(line, ["1"])

    run(work())


def test_what_a_probe_says_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LONGEST", 10)

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, healthcheck=shapes.Healthcheck(test=("CMD", "echo", "x" * 100), interval=TICK))
            await engine.containers.start(one)
            await until(lambda: one.health is not None and one.health.log)
            assert one.health is not None
            assert one.health.log[0].output == "x" * 10 + "..."

    run(work())


def test_a_probe_that_takes_too_long_is_killed_and_what_it_said_is_told(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, healthcheck=shapes.Healthcheck(
                test=("CMD", "echo", "begun", "&&", "sleep", "60"), interval=TICK, timeout=20 * TICK, retries=1))
            await engine.containers.start(one)
            await until(lambda: one.health is not None and one.health.status == "unhealthy")
            assert one.health is not None and one.run is not None
            assert one.health.log[0].output == "Health check exceeded timeout (200ms): begun\r\n"
            assert one.health.log[0].exit_code == -1
            assert len(one.run.box.processes()) <= 2  # the program, and perhaps the next probe
            await until(lambda: one.health is not None and len(one.health.log) == 5)
            assert len(one.run.box.processes()) <= 2

    run(work())
