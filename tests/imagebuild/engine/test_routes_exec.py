# SPDX-License-Identifier: Apache-2.0
"""Programs beside the main one: attached, detached, failing, and read by slow clients."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

from imagebuild.dockerapi import faults
from imagebuild.engine import routes_exec
from imagebuild.engine.waiting import Waiting


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _exec(engine: Served, container: str, line: str, **more: Any) -> str:
    made = engine.client.json("POST", f"/containers/{container}/exec", body={
        "Cmd": line.split(" "), "AttachStdout": True, "AttachStderr": True, **more})
    return str(made["Id"])


def _running(engine: Served) -> str:
    one = engine.create("sleep 60")
    engine.post(f"/containers/{one}/start")
    return one


def _inspect(engine: Served, made: str) -> dict[str, Any]:
    found: dict[str, Any] = engine.client.json("GET", f"/exec/{made}/json")
    return found


def test_an_exec_says_and_ends_as_its_program(engine: Served) -> None:
    heard, one = Heard(engine.engine), _running(engine)
    made = _exec(engine, one, "echo out && error err && exit 5")
    assert engine.inspect(one).exec_ids == (made,)
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False}) as stream:
        assert sorted((piece.stream, bytes(piece.data)) for piece in stream.pieces()) == [
            (1, b"out\r\n"), (2, b"err\r\n")]
    assert (_inspect(engine, made)["ExitCode"], _inspect(engine, made)["Running"]) == (5, False)
    assert engine.inspect(one).exec_ids is None
    assert [action.split(":")[0] for action in heard.of(one)[2:]] == ["exec_create", "exec_start", "exec_die"]
    assert heard.last("exec_die").attributes["exitCode"] == "5"
    assert heard.last("exec_die").attributes["execID"] == made


def test_dockers_own_client_for_python_loses_nothing_of_a_quick_program(engine: Served) -> None:
    """It throws away what it reads together with the head (docker-py issue 3332)."""
    sdk = pytest.importorskip("docker")
    one, client = _running(engine), sdk.DockerClient(base_url=f"unix://{engine.socket}", version="1.45")
    container = client.containers.get(one)
    assert [container.exec_run("echo hello").output for _ in range(40)] == [b"hello\r\n"] * 40
    client.close()


def test_an_exec_that_cannot_start_is_over_and_holds_nothing(engine: Served) -> None:
    one = _running(engine)
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for detach in (True, False):
        made = _exec(engine, one, "nonsense")
        with pytest.raises(faults.Fault, match="cannot find the file specified"):
            engine.client.json("POST", f"/exec/{made}/start", body={"Detach": detach})
        assert _inspect(engine, made)["ExitCode"] == 127
        with pytest.raises(faults.Conflict, match="has already run"):
            engine.client.json("POST", f"/exec/{made}/start", body={"Detach": detach})
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_of_many_starts_one_is_the_first(engine: Served) -> None:
    made = _exec(engine, _running(engine), "sleep 0.2")

    def start(_: int) -> bool:
        try:
            with engine.client.call("POST", f"/exec/{made}/start", body={"Detach": True}) as answer:
                return answer.status == 200
        except faults.Conflict:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(start, range(8))) == 1


def test_a_slow_client_makes_the_program_wait_and_loses_nothing(engine: Served,
                                                               monkeypatch: pytest.MonkeyPatch) -> None:
    most: list[int] = []
    put = Waiting.put

    def counted(self: Waiting, stream: int, data: bytes) -> None:
        put(self, stream, data)
        most.append(len(self._pieces))

    monkeypatch.setattr(Waiting, "put", counted)
    text = "y" * 4000
    made = _exec(engine, _running(engine), " && ".join([f"echo {text}"] * 2000))
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False}) as stream:
        time.sleep(0.3)
        assert sum(len(piece.data) for piece in stream.pieces()) == 4002 * 2000
    assert max(most) <= Waiting.MOST + 8


def test_the_client_leaves_and_the_program_goes_on(engine: Served) -> None:
    made = _exec(engine, _running(engine), " && ".join([f"echo {'z' * 9000}"] * 900) + " && exit 9")
    stream = engine.client.attach(f"/exec/{made}/start", body={"Detach": False})
    time.sleep(0.4)  # until it waits for the client
    stream.close()
    wait_for(lambda: _inspect(engine, made)["ExitCode"] == 9)


def test_the_keys_detach_from_an_exec(engine: Served) -> None:
    heard, one = Heard(engine.engine), _running(engine)
    made = _exec(engine, one, "cat", Tty=True, AttachStdin=True)
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False, "Tty": True}) as stream:
        stream.write(b"\x10\x11")
        assert stream.read() == b""
    wait_for(lambda: "exec_detach" in heard.of(one))
    assert _inspect(engine, made)["Running"]


def test_execs_end_with_their_container_and_are_forgotten(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    one = _running(engine)
    ran, never = _exec(engine, one, "sleep 60"), _exec(engine, one, "sleep 60")
    engine.client.json("POST", f"/exec/{ran}/start", body={"Detach": True})
    engine.post(f"/containers/{one}/kill")
    wait_for(lambda: not _inspect(engine, ran)["Running"])
    with pytest.raises(faults.Conflict, match="is not running"):
        engine.client.json("POST", f"/exec/{never}/start", body={"Detach": True})
    monkeypatch.setattr(routes_exec, "KEPT_SECONDS", 0)
    kept = _exec(engine, _running(engine), "exit 0")
    assert list(engine.engine.execs) == [kept]
    with pytest.raises(faults.NotFound):
        _inspect(engine, ran)
