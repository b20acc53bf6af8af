# SPDX-License-Identifier: Apache-2.0
"""Containers through the engine's API, by the clock of the real docker client and of ours."""

from __future__ import annotations

import contextlib
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import engine as engines
from support import engines as served
from support import programs
from support.bare import Bare
from support.bench import Report, at_once
from support.engine import IMAGE, Engine, descendants

from imagebuild.dockerapi import Client
from imagebuild.engine import EngineSettings, ensure
from imagebuild.engine.serving.lock import running

RUNS = 11
TEN = 10


@pytest.fixture(scope="module")
def windows() -> Iterator[Engine]:
    with programs.skipping(), engines.engine() as made:
        yield made


def median(work: Callable[[], object], runs: int = RUNS) -> float:
    """Seconds."""
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return statistics.median(times)


def pss(pid: int) -> int:
    """KiB of a process."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)[1])  # type: ignore[index]


def test_containers(windows: Engine, report: Report) -> None:
    """One after the other, ten at once, and what the engine holds when nothing happens."""
    found = running(windows.root)
    assert found is not None
    idle = sum(pss(pid) for pid in descendants(found.pid))
    bare = Bare(windows.fresh())
    client = Client.at(windows.host)

    def start() -> str:
        made = client.json("POST", "/containers/create", body={
            "Image": IMAGE, "Cmd": ["cmd", "/c", "ver"], "HostConfig": {"AutoRemove": True}})["Id"]
        with client.call("POST", f"/containers/{made}/start"):
            return str(made)

    def to_the_end() -> None:
        with Client.at(windows.host) as one:
            made = one.json("POST", "/containers/create", body={"Image": IMAGE, "Cmd": ["cmd", "/c", "ver"]})["Id"]
            with one.call("POST", f"/containers/{made}/start"):
                pass
            assert one.json("POST", f"/containers/{made}/wait")["StatusCode"] == 0
            with one.call("DELETE", f"/containers/{made}"):
                pass

    bares = [Bare(windows.fresh()) for _ in range(TEN)]
    pairs = []
    for _ in range(5):
        before = time.perf_counter()
        assert [process.wait() for process in [one.begin() for one in bares]] == [0] * TEN
        pairs.append((time.perf_counter() - before, at_once([to_the_end] * TEN)))
    bare_ten, ten = (statistics.median(column) for column in zip(*pairs, strict=True))
    windows.docker("run", "-d", "--name", "waits", IMAGE, "ping", "-n", "3600", "127.0.0.1")
    rows = [
        ("the bare command", f"{median(lambda: bare.begin().wait()):.3f} s", ""),
        ("`docker run --rm IMAGE cmd /c ver`",
         f"{median(lambda: windows.docker('run', '--rm', IMAGE, 'cmd', '/c', 'ver')):.3f} s", "≤ 0.40 s"),
        ("`docker version`, which starts nothing", f"{median(lambda: windows.docker('version')):.3f} s", ""),
        ("`docker exec NAME cmd /c echo`",
         f"{median(lambda: windows.docker('exec', 'waits', 'cmd', '/c', 'echo', 'x')):.3f} s", "≤ 0.15 s"),
        ("create and start over the API, until the program runs", f"{median(start) * 1000:.0f} ms", ""),
        ("create, start, wait and remove over the API", f"{median(to_the_end) * 1000:.0f} ms", ""),
        ("ten of these at once", f"{ten:.2f} s", ""),
        ("ten bare commands at once", f"{bare_ten:.2f} s", f"ten containers ≤ 1.5 times: {ten / bare_ten:.2f}"),
        ("the engine and its helpers, idle", f"{idle / 1024:.0f} MB PSS", "≤ 60 MB"),
    ]
    windows.docker("rm", "-f", "waits")
    client.close()
    report.lines("Containers through the engine", [
        "| | | bar |", "|---|---:|---|", *(f"| {what} | {figure} | {bar} |" for what, figure, bar in rows), "",
        f"Medians of {RUNS}, of ten at once of 5."])


def test_ensure(windows: Engine, report: Report) -> None:
    """What a test run or a playbook asks first: is there an engine? Here one runs."""
    settings = EngineSettings(windows.root)
    ensure(settings)
    seconds = median(lambda: ensure(settings), 51)
    report.lines("An engine that runs is found", [
        f"`engine.ensure` with an engine that runs, its ping included: {seconds * 1000:.1f} ms (bar: at most 15)."])


def test_the_engines_own_share(tmp_path: Path, report: Report) -> None:
    """Create and start where a program costs nothing: what is left is the engine."""
    with served.served(tmp_path) as one, Client.at(f"unix://{one.socket}") as client:
        def start() -> None:
            made = client.json("POST", "/containers/create", body={"Image": "app:1", "Cmd": ["sleep", "60"]})["Id"]
            with client.call("POST", f"/containers/{made}/start"):
                pass
        seconds = median(start)
    report.lines("The engine's own share of a start", [
        f"Create and start over the API, a sandbox that starts nothing: {seconds * 1000:.1f} ms (bar: at most 60)."])


def test_a_published_port(windows: Engine, report: Report) -> None:
    """From this machine into a container and back, through a port on localhost."""
    windows.docker("run", "-d", "--name", "served", "-p", "8080", IMAGE, "C:\\app\\serve.exe", "8080")
    try:
        port = int(windows.docker("port", "served", "8080").stdout.rpartition(":")[2])

        def asked() -> None:
            with contextlib.closing(socket.create_connection(("127.0.0.1", port), 10)) as one:
                one.sendall(b"GET / HTTP/1.0\r\n\r\n")
                while one.recv(65536):
                    pass
        asked()
        trip = median(asked, 51)
    finally:
        windows.docker("rm", "-f", "served")
    report.lines("A published port", [
        f"A request to a server in a container and its answer, connecting included: {trip * 1000:.1f} ms."])
