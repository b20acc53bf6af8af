# SPDX-License-Identifier: Apache-2.0
"""Containers are stopped and killed, by every signal that clients send."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.engines import Heard, new, opened, run

from imagebuild.dockerapi import faults
from imagebuild.runtime.port import KILLED, STOPPED


def test_a_stop_is_told_after_the_end_and_a_second_one_changes_nothing(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine)
            await engine.containers.start(one)
            with pytest.raises(faults.NotModified):
                await engine.containers.start(one)
            await engine.containers.stop(one, 3)
            with pytest.raises(faults.NotModified):
                await engine.containers.stop(one)
            assert (one.exit_code, heard.of(one)) == (STOPPED, ["create", "start", "kill", "die", "stop"])
            with pytest.raises(faults.Conflict, match="is not running"):
                await engine.containers.kill(one, "")

    run(work())


@pytest.mark.parametrize(("signal", "own", "code", "number"), [
    ("", "", STOPPED, "15"), ("QUIT", "", STOPPED, "3"), ("", "INT", STOPPED, "2"), ("KILL", "INT", KILLED, "9"),
    ("", "SIGKILL", KILLED, "9")])
def test_a_stop_begins_with_a_signal_and_kill_ends_it_at_once(tmp_path: Path, signal: str, own: str, code: int,
                                                              number: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine, stop_signal=own)
            await engine.containers.start(one)
            with pytest.raises(faults.BadRequest, match="invalid signal: NONE"):
                await engine.containers.stop(one, 3, "NONE")
            assert one.running and not one.stopped_by_hand
            await engine.containers.restart(one, 3, signal)
            assert (one.running, heard.last("kill").attributes["signal"]) == (True, number)
            await engine.containers.stop(one, 3, signal)
            assert (one.exit_code, heard.last("kill").attributes["signal"]) == (code, number)

    run(work())


@pytest.mark.parametrize(("signal", "code", "number"), [
    ("", KILLED, "9"), ("KILL", KILLED, "9"), ("sigkill", KILLED, "9"), ("9", KILLED, "9"), ("TERM", STOPPED, "15"),
    ("15", STOPPED, "15"), ("HUP", STOPPED, "1"), ("CHLD", STOPPED, "17"), ("URG", STOPPED, "23")])
def test_a_kill_ends_it_and_term_shuts_it_down(tmp_path: Path, signal: str, code: int, number: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine, policy="always")
            await engine.containers.start(one)
            ended = await engine.containers.wait(one)
            await engine.containers.kill(one, signal)
            assert await ended == code
            assert one.status == "exited"  # by hand: its policy does not count
            assert heard.last("kill").attributes["signal"] == number

    run(work())


@pytest.mark.parametrize(("signal", "text"), [
    ("NONE", "invalid signal: NONE"), ("0", "invalid signal: 0"),
    ("99", "the windows daemon does not support signal 99")])
def test_what_is_no_signal_is_refused(tmp_path: Path, signal: str, text: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            with pytest.raises(faults.BadRequest, match=text):
                await engine.containers.kill(new(engine), signal)

    run(work())


@pytest.mark.parametrize(("signal", "number"), [("WINCH", "28"), ("SIGCONT", "18")])
def test_what_a_docker_command_sends_by_itself_is_told_and_does_nothing(tmp_path: Path, signal: str,
                                                                        number: str) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine)
            await engine.containers.start(one)
            await engine.containers.kill(one, signal)
            await asyncio.sleep(0.1)
            assert one.running and not one.stopped_by_hand
            assert heard.last("kill").attributes["signal"] == number

    run(work())


# --- finding and naming
