# SPDX-License-Identifier: Apache-2.0
"""What an engine on Windows does in a way of its own, where one question does not show it."""

from __future__ import annotations

import io
import json
import tarfile
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from support.engines import IMAGE, Served, served, wait_for
from support.plain_http import unix_connection
from support.windows_rules import ask

from imagebuild.engine.images.unpack import Ground
from imagebuild.runtime.memory import MemoryBox, MemoryProcess
from imagebuild.runtime.port import KILLED, STOPPED, Command, Stdio


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    """An engine whose images lie over a folder with one file."""
    (tmp_path / "ground" / "app").mkdir(parents=True)
    (tmp_path / "ground" / "app" / "of-image.txt").write_text("x")
    with served(tmp_path / "root") as one:
        one.engine.images.ground = lambda: Ground("ground", (tmp_path / "ground",), tmp_path / "ground")
        yield one


@dataclass(frozen=True)
class Begun:
    """How a program was begun: whose it is, its command, and the size of its terminal."""

    user: str
    command: Command
    size: tuple[int, int] | None


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[Begun]:
    """Every program that a box is asked to begin, the main one and others."""
    found: list[Begun] = []
    begin = MemoryBox._new

    def heard(box: MemoryBox, command: Command, stdio: Stdio) -> MemoryProcess:
        size = termios.tcgetwinsize(stdio.stdout) if command.tty else None
        found.append(Begun(box._spec.user, command, size))
        return begin(box, command, stdio)

    monkeypatch.setattr(MemoryBox, "_new", heard)
    return found


def create(engine: Served, *command: str, host: dict[str, Any] | None = None, **config: Any) -> str:
    status, made = ask(engine, "POST /containers/create", {
        "Image": IMAGE, "Cmd": list(command or ("sleep", "60")), **config, "HostConfig": host or {}})
    assert status == 201, made
    return str(made["Id"])


def start(engine: Served, *command: str, host: dict[str, Any] | None = None, **config: Any) -> str:
    one = create(engine, *command, host=host, **config)
    assert ask(engine, f"POST /containers/{one}/start")[0] == 204
    return one


def code(engine: Served, container: str) -> int:
    status, waited = ask(engine, f"POST /containers/{container}/wait")
    assert status == 200
    return int(waited["StatusCode"])


def put(engine: Served, container: str, path: str, name: str, **query: str) -> int:
    """``docker cp`` of a small file into a folder: the status."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as writing:
        member = tarfile.TarInfo(name)
        member.uid = member.gid = 4242
        writing.addfile(member, io.BytesIO())
    connection = unix_connection(str(engine.socket), 30)
    more = "".join(f"&{key}={value}" for key, value in query.items())
    try:
        connection.request("PUT", f"/v1.45/containers/{container}/archive?path={quote(path)}{more}", tar.getvalue())
        return connection.getresponse().status
    finally:
        connection.close()


# --- isolation

def test_a_container_has_the_engines_isolation_unless_it_says_otherwise(engine: Served) -> None:
    ids = {asked: create(engine, host={"Isolation": asked}) for asked in ("", "default", "Process", "hyperv")}
    assert {asked: engine.inspect(one).host_config.isolation for asked, one in ids.items()} == {
        "": "process", "default": "process", "Process": "Process", "hyperv": "hyperv"}


def test_a_list_is_filtered_by_isolation(engine: Served) -> None:
    ids = {asked: create(engine, host={"Isolation": asked}) for asked in ("default", "Process", "hyperv")}
    for wanted, asked in (("process", {"default", "Process"}), ("hyperv", {"hyperv"}), ("default", set())):
        _, found = ask(engine, f"GET /containers/json?all=1&filters={quote(json.dumps({'isolation': [wanted]}))}")
        assert {one["Id"] for one in found} == {ids[one] for one in asked}


# --- the ends of programs

def test_a_stop_gives_half_a_minute_or_what_the_container_or_the_client_says(
        engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[float] = []
    stop = MemoryBox.stop

    def heard(box: MemoryBox, timeout: float) -> None:
        given.append(timeout)
        stop(box, timeout)

    monkeypatch.setattr(MemoryBox, "stop", heard)
    for seconds, query in ((None, ""), (7, ""), (7, "?t=3"), (7, "?t=")):
        one = start(engine, StopTimeout=seconds)
        assert ask(engine, f"POST /containers/{one}/stop{query}")[0] == 204
    assert given == [30, 7, 3, 7]


@pytest.mark.parametrize(("own", "query", "ended"), [
    ("", "", STOPPED), ("INT", "", STOPPED), ("KILL", "", KILLED), ("", "?signal=SIGKILL", KILLED),
    ("KILL", "?signal=TERM", STOPPED)])
def test_a_stop_signal_means_nothing_but_kill(engine: Served, own: str, query: str, ended: int) -> None:
    one = start(engine, StopSignal=own)
    assert ask(engine, f"POST /containers/{one}/stop{query}")[0] == 204
    assert code(engine, one) == ended


def test_a_restart_with_what_is_no_signal_changes_nothing(engine: Served) -> None:
    one = start(engine, host={"AutoRemove": True})
    assert ask(engine, f"POST /containers/{one}/restart?signal=NONE")[0] == 500
    assert ask(engine, f"POST /containers/{one}/kill")[0] == 204
    wait_for(lambda: ask(engine, f"GET /containers/{one}/json")[0] == 404)  # at its end it goes, as was asked


def test_a_client_before_1_42_has_no_signal_for_a_stop(engine: Served) -> None:
    one = start(engine)
    assert ask(engine, f"POST /containers/{one}/stop?signal=NONE", version="1.41")[0] == 204


def test_an_exit_code_has_32_bits(engine: Served) -> None:
    one = start(engine, "exit", "0xC0000005")
    assert code(engine, one) == 3221225477
    assert engine.inspect(one).state.exit_code == 3221225477


# --- programs

def test_a_program_runs_as_administrator_in_c_unless_the_container_says_otherwise(engine: Served,
                                                                                 begun: list[Begun]) -> None:
    start(engine)
    start(engine, User="ContainerUser", WorkingDir="C:/app")
    assert [(one.user, one.command.cwd) for one in begun] == [
        ("ContainerAdministrator", ""), ("ContainerUser", "C:\\app")]  # empty is C:\ to a sandbox


def test_an_exec_has_the_containers_variables_and_folder(engine: Served, begun: list[Begun]) -> None:
    one = start(engine, Env=["A=of the container", "B=theirs"], WorkingDir="C:\\app")
    _, made = ask(engine, f"POST /containers/{one}/exec", {"Cmd": ["echo", "%A%", "%B%"], "Env": ["B=mine"],
                                                           "AttachStdout": True})
    with engine.client.attach(f"/exec/{made['Id']}/start", body={"Detach": False}) as stream:
        assert b"".join(bytes(piece.data) for piece in stream.pieces()) == b"of the container mine\r\n"
    assert [one.command.cwd for one in begun] == ["C:\\app", "C:\\app"]


def test_a_terminal_has_the_size_that_was_asked_for(engine: Served, begun: list[Begun]) -> None:
    start(engine, Tty=True, host={"ConsoleSize": [30, 90]})
    assert begun[0].size == (30, 90)


STORAGE = {"read_count_normalized", "read_size_bytes", "write_count_normalized", "write_size_bytes"}


def test_stats_are_those_of_windows_and_hold_nothing_of_a_cgroup(engine: Served) -> None:
    one = start(engine)
    _, found = ask(engine, f"GET /containers/{one}/stats?stream=false&one-shot=true")
    assert set(found["memory_stats"]) == {"commitbytes", "commitpeakbytes", "privateworkingset"}
    assert (found["pids_stats"], set(found["storage_stats"]) <= STORAGE) == ({}, True)
    assert not any(found["blkio_stats"].values())
    assert found["num_procs"] > 0
    assert "system_cpu_usage" not in found["cpu_stats"] and "online_cpus" not in found["cpu_stats"]


# --- networks, files

def test_a_container_is_in_nat_unless_it_says_otherwise(engine: Served) -> None:
    for mode in ("", "default", "nat"):
        one = engine.inspect(create(engine, host={"NetworkMode": mode}))
        assert (one.host_config.network_mode, list(one.network_settings.networks)) == ("nat", ["nat"])


def test_a_volume_stays_empty_whatever_the_image_has_there(engine: Served, tmp_path: Path) -> None:
    one = start(engine, host={"Binds": ["data:C:\\app"]})
    assert engine.inspect(one).mounts[0].name == "data"
    assert list((tmp_path / "root" / "volumes" / "data" / "_data").iterdir()) == []


def test_a_copy_goes_to_the_containers_drive_and_not_into_a_mount(engine: Served, tmp_path: Path) -> None:
    one = create(engine, host={"Binds": ["data:C:\\app"]})
    assert put(engine, one, "C:\\app", "new.txt") == 200
    assert list((tmp_path / "root" / "volumes" / "data" / "_data").iterdir()) == []
    with engine.client.call("GET", f"/containers/{one}/archive", query={"path": "C:\\app"}) as answer:
        data = io.BytesIO(answer.read())
    with tarfile.open(fileobj=data) as tar:
        names = tar.getnames()
    assert {"app/new.txt", "app/of-image.txt"} <= set(names)


def test_a_copy_has_no_owner(engine: Served, tmp_path: Path) -> None:
    one = create(engine)
    assert put(engine, one, "C:\\app", "new.txt", copyUIDGID="true") == 200
    (found,) = (tmp_path / "root" / "containers" / one).rglob("new.txt")
    assert found.stat().st_uid != 4242


def test_a_diff_is_told_of_a_container_that_has_ended(engine: Served) -> None:
    one = start(engine, "exit", "0")
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    assert ask(engine, f"GET /containers/{one}/changes") == (200, None)
    put(engine, one, "C:\\app", "new.txt")
    status, found = ask(engine, f"GET /containers/{one}/changes")
    assert (status, [(row["Kind"], row["Path"]) for row in found]) == (
        200, [(0, "Files"), (0, "Files/app"), (0, "Files/app/new.txt")])
