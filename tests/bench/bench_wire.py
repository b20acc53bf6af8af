# SPDX-License-Identifier: Apache-2.0
"""What the Docker API costs on the wire: a request, a container's output, an archive; server and client are ours.

The server runs in a process of its own, as an engine does. ``BENCH_WIRE_MB`` is what flows in each direction.
"""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.bench import RUNS, TOP, Contender, Report, race

from imagebuild.dockerapi import Client

MB = int(os.environ.get("BENCH_WIRE_MB", "1024"))
CALLS = 2000

SERVER = """
import asyncio, sys
from imagebuild.dockerapi import Route, Server, respond, streams
from imagebuild.dockerapi.http import bridge
SIZE = int(sys.argv[2]) << 20
LINE = b"x" * 78 + b"\\r\\n"

async def ping(request, app):
    return respond.text("OK")

async def logs(request, app):
    piece = LINE * (int(request.text("piece")) // 80)
    async def said():
        for _ in range(SIZE // len(piece)):
            yield streams.frame(1, piece)
    return respond.raw(said(), multiplexed=True)

async def attach(request, app):
    stream = await request.hijack(multiplexed=True)
    piece = LINE * 400
    for _ in range(SIZE // len(piece)):
        await stream.write_frame(1, piece)

async def archive(request, app):
    def write(file):
        piece = b"x" * (256 << 10)
        for _ in range(SIZE // len(piece)):
            file.write(piece)
    return respond.tar(bridge.from_thread(write))

async def extract(request, app):
    def read(file):
        size = 0
        while data := file.read(256 << 10):
            size += len(data)
        return size
    return respond.json(await asyncio.to_thread(read, request.body.blocking()))

async def load(request, app):
    def read(file):
        while file.read(256 << 10):
            pass
    await asyncio.to_thread(read, request.body.blocking())
    return respond.json({"stream": "Loaded"})

async def main():
    server = Server([Route("GET", "/_ping", ping), Route("POST", "/images/load", load),
                     Route("GET", "/logs", logs), Route("POST", "/attach", attach),
                     Route("GET", "/archive", archive), Route("PUT", "/archive", extract)])
    await server.listen_unix(sys.argv[1])
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.close(grace=0)

asyncio.run(main())
"""


OURS = """
import sys
from imagebuild.dockerapi import Client
with Client.at("unix://" + sys.argv[1], version="1.45") as client, open(sys.argv[2], "rb") as file:
    list(client.lines("POST", "/images/load", query={"quiet": True}, body=file))
"""
DOCKER_PY = """
import sys, docker
with open(sys.argv[2], "rb") as file:
    list(docker.APIClient("unix://" + sys.argv[1], version="1.45").load_image(file, quiet=True))
"""


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """The socket of a server in another process."""
    path = tmp_path / "docker.sock"
    process = subprocess.Popen([sys.executable, "-c", SERVER, path, str(MB)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    assert process.stdin and process.stdout
    try:
        assert process.stdout.readline() == b"ready\n"
        yield path
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()


def round_trips(path: Path) -> list[float]:
    """Milliseconds of each ``_ping`` on one connection, by the clock of a client that only copies bytes."""
    times = []
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.connect(str(path))
        for _ in range(CALLS):
            start = time.perf_counter()
            sock.sendall(b"GET /v1.45/_ping HTTP/1.1\r\nHost: d\r\n\r\n")
            while not sock.recv(4096).endswith(b"OK"):
                pass
            times.append((time.perf_counter() - start) * 1000)
    return times


def rate(work: Callable[[], int]) -> float:
    """Megabytes a second, the median of some runs."""
    rates = []
    for _ in range(RUNS):
        start = time.perf_counter()
        size = work()
        rates.append(size / (time.perf_counter() - start) / 1e6)
    return statistics.median(rates)


def pings(path: Path, folder: Path) -> dict[str, float]:
    """Milliseconds of a ping on a connection that is kept: ours, curl's, docker-py's; in turn, medians."""
    docker = pytest.importorskip("docker")

    def ours() -> float:
        with Client.at(f"unix://{path}", version="1.45") as client:
            return _each(client.ping, CALLS // 5)

    def sdk() -> float:
        client = docker.APIClient(f"unix://{path}", version="1.45")
        try:
            return _each(client.ping, CALLS // 5)
        finally:
            client.close()

    def curl(count: int) -> float:
        asked = 'url = "http://d/_ping"\noutput = "/dev/null"\n' * count
        (folder / "asked").write_text(asked)
        start = time.perf_counter()
        subprocess.run(["curl", "-s", "--unix-socket", path, "-K", folder / "asked"], check=True)
        return time.perf_counter() - start

    times: dict[str, list[float]] = {"ours": [], "curl": [], "docker-py": []}
    for _ in range(3 * RUNS):  # short, and often in turn: the machine has other work
        times["ours"].append(ours())
        times["curl"].append((curl(CALLS // 5 + 1) - curl(1)) / (CALLS // 5) * 1000)  # without its start
        times["docker-py"].append(sdk())
    return {name: statistics.median(each) for name, each in times.items()}


def _each(call: Callable[[], object], count: int) -> float:
    call()
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count * 1000


def test_client(path: Path, tmp_path: Path, report: Report) -> None:
    times = pings(path, tmp_path)
    report.lines("A ping by the client", [
        "| | ms | times curl |", "|---|---:|---:|",
        *(f"| {name} | {figure:.2f} | {figure / times['curl']:.2f} |" for name, figure in times.items()),
        "", "Bar: <= 1.2 times `curl --unix-socket` with its connection kept, <= docker-py."])
    archive = tmp_path / "image.tar"
    with archive.open("wb") as file:
        file.truncate(MB << 20)
    costs = race([Contender("wcow", [sys.executable, "-c", OURS, path, archive], env={"PYTHONPATH": str(TOP)}),
                  Contender("docker-py", [sys.executable, "-c", DOCKER_PY, path, archive])])
    report.table(f"{MB} MB of docker load by the client", costs, "no slower than docker-py, <= 30 MB of memory.")


def test_wire(path: Path, report: Report) -> None:
    times = round_trips(path)
    client = Client.at(f"unix://{path}")

    def connected() -> int:
        for _ in range(200):
            with Client.at(f"unix://{path}", version="1.45") as one:
                one.ping()
        return 200
    start = time.perf_counter()
    fresh = (connected() and (time.perf_counter() - start)) / 200 * 1000

    def logs(piece: int) -> Callable[[], int]:
        return lambda: sum(len(data) for _, data in client.output("GET", "/logs", query={"piece": piece}))

    def attached() -> int:
        with client.attach("/attach") as stream:
            return sum(len(data) for _, data in stream.pieces())

    def download() -> int:
        with client.call("GET", "/archive") as answer:
            return sum(len(part) for part in answer)

    def upload() -> int:
        part = b"x" * (256 << 10)
        return int(client.json("PUT", "/archive", body=(part for _ in range((MB << 20) // len(part)))))

    rows = [
        ("`_ping`, connection kept, median", f"{statistics.median(times):.2f} ms", "≤ 2 ms"),
        ("`_ping`, connection kept, 99 of 100", f"{sorted(times)[CALLS * 99 // 100]:.2f} ms", ""),
        ("`_ping`, our client, a connection each", f"{fresh:.2f} ms", ""),
        ("logs in frames of 32 KiB, decoded", f"{rate(logs(32 << 10)):.0f} MB/s", "≥ 100 MB/s"),
        ("logs in frames of 4 KiB, decoded", f"{rate(logs(4 << 10)):.0f} MB/s", ""),
        ("attach in frames of 32 KiB, decoded", f"{rate(attached):.0f} MB/s", "≥ 100 MB/s"),
        ("archive made in a thread, downloaded", f"{rate(download):.0f} MB/s", "≥ 200 MB/s"),
        ("archive uploaded, read in a thread", f"{rate(upload):.0f} MB/s", "≥ 200 MB/s"),
    ]
    client.close()
    report.lines("The Docker API on the wire", [
        "| | | bar |", "|---|---:|---|", *(f"| {what} | {figure} | {bar} |" for what, figure, bar in rows)])
