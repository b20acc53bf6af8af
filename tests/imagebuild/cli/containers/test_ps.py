# SPDX-License-Identifier: Apache-2.0
"""``wcow ps`` over an engine whose programs are scripts."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import Served, served

from imagebuild.cli.app import run
from imagebuild.engine.serving.lock import Lock


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The engine's folder, as the environment names it."""
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path / "engine"))
    monkeypatch.delenv("WCOW_DEBUG", raising=False)
    return tmp_path / "engine"


@pytest.fixture
def engine(root: Path) -> Iterator[Served]:
    with served(root) as one:
        lock = Lock(root)
        lock.tell(one.socket, "127.0.0.1")
        yield one
        lock.close()


def _exec(engine: Served, container: str) -> None:
    made = engine.client.json("POST", f"/containers/{container}/exec", body={"Cmd": ["sleep", "60"]})
    with engine.client.call("POST", f"/exec/{made['Id']}/start", body={"Detach": True}) as answer:
        answer.read()


def _ps(capsys: pytest.CaptureFixture[str], *args: str) -> list[Any]:
    assert run(["ps", "--format", "json", *args]) == 0
    found = json.loads(capsys.readouterr().out)
    assert isinstance(found, list)
    return found


def test_without_an_engine_that_answers_it_says_how_to_start_one(root: Path, capsys: pytest.CaptureFixture[str]
                                                                      ) -> None:
    assert run(["ps"]) == 2
    assert "'wcow engine start' starts one" in capsys.readouterr().err
    lock = Lock(root)  # one that is only starting has no socket yet
    try:
        assert run(["ps"]) == 2
    finally:
        lock.close()
    assert "no engine runs" in capsys.readouterr().err


def test_each_process_has_a_line_and_each_container_one_head(engine: Served, capsys: pytest.CaptureFixture[str]
                                                                  ) -> None:
    one = engine.create("sleep 60", name="one")
    engine.create("sleep 60", name="idle")
    engine.post("/containers/one/start")
    _exec(engine, "one")
    assert run(["ps"]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["CONTAINER", "NAME", "IMAGE", "STATUS", "PROCESS", "PID", "HOST", "PID", "JOB"]
    here = str(os.getpid())  # a script runs in the fake's own process
    assert first.split()[:3] == [one[:12], "one", "app:1"]
    assert first.split()[-4:] == ["sleep.exe", "4", here, f"Container_{one}"]
    assert second.split() == ["sleep.exe", "8", here, f"Container_{one}"]
    assert first.index("sleep.exe") == second.index("sleep.exe") == head.index("PROCESS")
    assert first.index(" 4 ") + 2 == second.index(" 8 ") + 2 == head.index(" PID ") + 4  # numbers end under one another
    assert run(["ps", "-a"]) == 0
    shown = [line.split() for line in capsys.readouterr().out.splitlines()]
    [idle] = [words for words in shown if "idle" in words]
    assert idle[1:] == ["idle", "app:1", "Created"]  # and not a space behind it
    assert len(shown) == 4


def test_json_has_containers_with_their_processes(engine: Served, capsys: pytest.CaptureFixture[str]) -> None:
    one = engine.create("sleep 60", name="one")
    idle = engine.create("sleep 60", name="idle")
    assert _ps(capsys) == []
    engine.post("/containers/one/start")
    [shown] = _ps(capsys)
    assert shown.pop("status").startswith("Up ")
    assert shown == {"id": one, "name": "one", "image": "app:1", "state": "running", "processes": [
        {"pid": 4, "host_pid": os.getpid(), "name": "sleep.exe", "job": f"Container_{one}"}]}
    every = {row["id"]: row for row in _ps(capsys, "-a")}
    assert set(every) == {one, idle}
    assert (every[idle]["state"], every[idle]["processes"]) == ("created", [])


def test_a_process_that_is_not_known_here_has_no_host_pid(engine: Served, capsys: pytest.CaptureFixture[str],
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.runtime import memory
    from imagebuild.runtime.port import ProcessRow

    engine.create("sleep 60", name="one")
    engine.post("/containers/one/start")
    monkeypatch.setattr(memory.MemoryBox, "processes", lambda self: (ProcessRow(12, 0, "gone.exe"),))
    assert run(["ps"]) == 0
    assert capsys.readouterr().out.splitlines()[1].split()[-2:] == ["gone.exe", "12"]
