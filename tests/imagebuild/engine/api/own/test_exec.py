# SPDX-License-Identifier: Apache-2.0
"""Execs by a raw command line, and their end from outside."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

from imagebuild.dockerapi import faults
from imagebuild.engine.api.own import exec as routes_exec_ours
from imagebuild.runtime import KILLED, STOPPED, Command, Process, Stdio
from imagebuild.runtime.memory import MemoryBox


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _running(engine: Served) -> str:
    one = engine.create("sleep 60")
    engine.post(f"/containers/{one}/start")
    return one


def _exec(engine: Served, container: str, line: str, **more: Any) -> str:
    return str(engine.client.json("POST", f"/wcow/containers/{container}/exec", body={
        "CommandLine": line, "AttachStdout": True, "AttachStderr": True, **more})["Id"])


def _inspect(engine: Served, made: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.client.json("GET", f"/exec/{made}/json")
    return found


def _start(engine: Served, made: str) -> None:
    engine.client.json("POST", f"/exec/{made}/start", body={"Detach": True})


@pytest.mark.parametrize("line", [
    'cmd  /c "echo  ""a""  ^& \\"b\\" %PATH%', ' "C:\\Program Files\\x.exe"  a\tb', "x " + "y" * 32_764, "x ü漢😀"])
def test_a_raw_line_arrives_as_it_is(engine: Served, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    heard, got, work = Heard(engine.engine), list[str](), MemoryBox.exec

    def seen(box: MemoryBox, command: Command, stdio: Stdio) -> Process:
        got.append(command.line)
        return work(box, Command("exit 3221225477"), stdio)

    monkeypatch.setattr(MemoryBox, "exec", seen)
    one = _running(engine)
    made = _exec(engine, one, line)
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False}) as stream:
        assert list(stream.pieces()) == []
    assert got == [line]
    shown = _inspect(engine, made)
    assert (shown["ExitCode"], shown["ProcessConfig"]["entrypoint"], shown["ProcessConfig"]["arguments"]) == (
        3221225477, line, [])
    assert heard.of(one)[2] == f"exec_create: {line} "


@pytest.mark.parametrize(("body", "why"), [
    ({"CommandLine": ""}, "No exec command specified"), ({}, "No exec command specified"),
    ({"CommandLine": " "}, "No exec command specified"),
    ({"Cmd": ["x"], "CommandLine": "x"}, "exclude each other"), ({"CommandLine": "a\0b"}, "NUL"),
    ({"CommandLine": "x" * 32_767}, "longer than Windows takes: 32766"),
    ({"CommandLine": "😀" * 16_384}, "longer than Windows takes"),
    ({"CommandLine": ["x"]}, "cannot unmarshal array into Go struct field ExecLine.CommandLine of type string")])
def test_what_windows_cannot_be_given_is_refused(engine: Served, body: dict[str, Any], why: str) -> None:
    with pytest.raises(faults.BadRequest, match=why):
        engine.client.json("POST", f"/wcow/containers/{_running(engine)}/exec", body=body)


def test_a_raw_line_wants_a_container_that_runs(engine: Served) -> None:
    with pytest.raises(faults.NotFound, match="No such container: nosuch"):
        _exec(engine, "nosuch", "echo x")
    with pytest.raises(faults.Conflict, match="is not running"):
        _exec(engine, engine.create("sleep 60"), "echo x")


@pytest.mark.parametrize(("asked", "code"), [
    ({}, KILLED), ({"signal": "SIGKILL"}, KILLED), ({"signal": "9"}, KILLED), ({"signal": "int"}, STOPPED),
    ({"signal": "SIGBREAK"}, STOPPED)])
def test_an_exec_is_ended_or_its_keys_are_pressed(engine: Served, asked: dict[str, str], code: int) -> None:
    one = _running(engine)
    made = _exec(engine, one, "sleep 60")
    _start(engine, made)
    assert engine.post(f"/wcow/exec/{made}/kill", **asked) == 204
    wait_for(lambda: _inspect(engine, made)["ExitCode"] == code)
    assert engine.inspect(one).state.running


def test_an_exec_that_starts_is_ended_when_it_has_started(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    go, work = threading.Event(), MemoryBox.exec

    def slowly(box: MemoryBox, command: Command, stdio: Stdio) -> Process:
        go.wait(10)
        return work(box, command, stdio)

    monkeypatch.setattr(MemoryBox, "exec", slowly)
    made = _exec(engine, _running(engine), "sleep 60")
    starting = threading.Thread(target=_start, args=(engine, made))
    starting.start()
    wait_for(lambda: engine.engine.execs[made].asked_to_start)
    threading.Timer(0.1, go.set).start()
    assert engine.post(f"/wcow/exec/{made}/kill") == 204
    starting.join()
    wait_for(lambda: _inspect(engine, made)["ExitCode"] == KILLED)


def test_what_cannot_be_ended_is_a_fault(engine: Served) -> None:
    one = _running(engine)
    made = _exec(engine, one, "exit 7")
    with pytest.raises(faults.Conflict, match=f"exec {made} is not running"):
        engine.post(f"/wcow/exec/{made}/kill")
    _start(engine, made)
    wait_for(lambda: _inspect(engine, made)["ExitCode"] == 7)
    assert engine.post(f"/wcow/exec/{made}/kill") == 204  # it may have left programs behind
    assert _inspect(engine, made)["ExitCode"] == 7
    with pytest.raises(faults.Conflict, match="is not running"):
        engine.post(f"/wcow/exec/{made}/kill", signal="INT")
    with pytest.raises(faults.BadRequest, match="Invalid signal: HUP: an exec can get KILL, INT and BREAK"):
        engine.post(f"/wcow/exec/{made}/kill", signal="HUP")
    with pytest.raises(faults.NotFound, match="No such exec instance: nosuch"):
        engine.post("/wcow/exec/nosuch/kill")


def test_the_longest_line_is_windows_own() -> None:
    assert routes_exec_ours.LONGEST_LINE == 0x7FFF
