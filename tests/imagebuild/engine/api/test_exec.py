# SPDX-License-Identifier: Apache-2.0
"""Programs beside the main one: attached, detached, failing, and read by slow clients."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

from imagebuild.dockerapi import faults
from imagebuild.engine.api import exec as routes_exec
from imagebuild.engine.streams.waiting import Waiting
from imagebuild.errors import NotFoundError, ToolError
from imagebuild.runtime.memory import MemoryBox


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


def _said(engine: Served, made: str, **body: Any) -> list[tuple[int, bytes]]:
    """What an attached start says, by its streams; raw bytes count as stream 0."""
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False, **body}) as stream:
        if body.get("Tty"):
            return [(0, stream.read())]
        return [(piece.stream, bytes(piece.data)) for piece in stream.pieces()]


def test_an_exec_that_cannot_start_says_so_in_its_stream_and_holds_nothing(engine: Served) -> None:
    heard, one = Heard(engine.engine), _running(engine)
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    text = (f"container {one} encountered an error during hcs::System::CreateProcess: nonsense: failure in a Windows "
            "system call: The system cannot find the file specified. (0x2)\r\n")
    for tty in (False, True):
        made = _exec(engine, one, "nonsense", Tty=tty)
        assert _said(engine, made, Tty=tty) == [(0 if tty else 1, text.encode())]
        assert (_inspect(engine, made)["ExitCode"], _inspect(engine, made)["Running"]) == (127, False)
        again = f"Error: Exec command {made} has already run\r\n"
        assert _said(engine, made, Tty=tty) == [(0 if tty else 1, again.encode())]
    assert engine.inspect(one).exec_ids is None
    assert heard.of(one)[2:] == ["exec_create: nonsense ", "exec_start: nonsense "] * 2  # nothing died
    wait_for(lambda: sum(1 for _ in Path("/proc/self/fd").iterdir()) == before)


def test_a_detached_exec_that_cannot_start_is_an_answer(engine: Served) -> None:
    made = _exec(engine, _running(engine), "nonsense")
    with pytest.raises(faults.BadRequest, match="cannot find the file specified"):
        engine.client.json("POST", f"/exec/{made}/start", body={"Detach": True})
    assert _inspect(engine, made)["ExitCode"] == 127
    with pytest.raises(faults.Conflict, match="has already run"):
        engine.client.json("POST", f"/exec/{made}/start", body={"Detach": True})


def test_an_account_that_does_not_exist_is_refused_as_by_windows(engine: Served) -> None:
    text = "echo x: failure in a Windows system call: The user name or password is incorrect. (0x52e)"
    one = _running(engine)
    made = _exec(engine, one, "echo x", User="nosuch")
    [(_, data)] = _said(engine, made)
    assert data.decode().endswith(f"{text}\r\n")
    assert _inspect(engine, made)["ExitCode"] == 126
    assert _said(engine, _exec(engine, one, "echo x", User="User Manager\\ContainerUser")) == [(1, b"x\r\n")]
    other = engine.create("echo x", user="root")
    with pytest.raises(faults.Internal, match=re.escape(text)):
        engine.post(f"/containers/{other}/start")
    assert engine.inspect(other).state.exit_code == 128


@pytest.mark.parametrize(("error", "text"), [
    (ToolError("cannot start", program="x", code=267), "The directory name is invalid. (0x10b)"),
    (ToolError("cannot start", program="x", code=5), "Access is denied. (0x5)"),
    (NotFoundError("cannot start a program in the box", why="the box does not run"), "the box does not run")])
def test_whatever_is_wrong_at_the_start_comes_the_same_way(engine: Served, monkeypatch: pytest.MonkeyPatch,
                                                           error: Exception, text: str) -> None:
    one = _running(engine)
    made = _exec(engine, one, "echo x")

    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(MemoryBox, "exec", fails)
    [(stream, data)] = _said(engine, made)
    assert (stream, text in data.decode(), data[-2:]) == (1, True, b"\r\n")
    assert _inspect(engine, made)["ExitCode"] == 126


def test_what_is_refused_before_is_an_answer(engine: Served) -> None:
    one = _running(engine)
    made = _exec(engine, one, "echo x")
    with pytest.raises(faults.Internal, match=r"Invalid escape keys \(nokey\) provided"):
        _exec(engine, one, "echo x", DetachKeys="nokey")
    engine.post(f"/containers/{one}/kill")
    wait_for(lambda: not engine.inspect(one).state.running)
    with pytest.raises(faults.Conflict, match=f"container {one} is not running"):
        _said(engine, made)
    engine.client.json("DELETE", f"/containers/{one}")
    with pytest.raises(faults.NotFound, match=f"No such container: {made}"):
        _said(engine, made)
    with pytest.raises(faults.NotFound, match=f"No such exec instance: {made}"):
        _inspect(engine, made)


def test_a_resize_waits_for_the_start(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    one = _running(engine)
    made = _exec(engine, one, "sleep 60", Tty=True)
    with ThreadPoolExecutor(1) as pool:
        resizing = pool.submit(engine.post, f"/exec/{made}/resize", h=7, w=70)
        time.sleep(0.1)
        assert not resizing.done()
        engine.client.json("POST", f"/exec/{made}/start", body={"Detach": True, "Tty": True})
        assert resizing.result(10) == 200
    monkeypatch.setattr(routes_exec, "START_SECONDS", 0.01)
    with pytest.raises(faults.Internal, match="timeout waiting for exec session ready"):
        engine.post(f"/exec/{_exec(engine, one, 'cat', Tty=True)}/resize", h=7, w=70)
    _said(engine, failed := _exec(engine, one, "nonsense", Tty=True), Tty=True)
    with pytest.raises(faults.BadRequest, match="exec process is not started"):
        engine.post(f"/exec/{failed}/resize", h=7, w=70)


def test_the_start_decides_about_frames(engine: Served) -> None:
    one = _running(engine)
    assert _said(engine, _exec(engine, one, "echo a", Tty=True)) == [(1, b"a\r\n")]
    assert _said(engine, _exec(engine, one, "echo a"), Tty=True) == [(0, b"a\r\n")]


@pytest.mark.parametrize(("out", "err", "said"), [
    (True, False, [(1, b"a\r\n")]), (False, True, [(2, b"b\r\n")]), (False, False, [])])
def test_only_what_was_asked_for_is_attached(engine: Served, out: bool, err: bool, said: list[tuple[int, bytes]]
                                             ) -> None:
    made = _exec(engine, _running(engine), "echo a && error b && exit 3", AttachStdout=out, AttachStderr=err)
    assert _said(engine, made) == said
    wait_for(lambda: _inspect(engine, made)["ExitCode"] == 3)


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
    made = _exec(engine, _running(engine), " && ".join([f"echo {text}"] * 250))
    with engine.client.attach(f"/exec/{made}/start", body={"Detach": False}) as stream:
        time.sleep(0.3)
        assert sum(len(piece.data) for piece in stream.pieces()) == 4002 * 250
    assert max(most) <= Waiting.MOST + 8


def test_the_client_leaves_and_the_program_goes_on(engine: Served) -> None:
    made = _exec(engine, _running(engine), " && ".join([f"echo {'z' * 9000}"] * 110) + " && exit 9")
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
