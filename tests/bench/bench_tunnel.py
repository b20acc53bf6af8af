# SPDX-License-Identifier: Apache-2.0
"""What a tunnel costs: pings, a hundred calls, the load of an image, at round trips of 0, 20 and 100 ms; memory for
2 GB; and ten minutes of faults.

The WinRM service, the engine and the slow wire are processes of their own, as the tunnel is. Logins are NTLM's over TLS
unless a row says otherwise. ``BENCH_TUNNEL_MB`` is the size of the image, ``BENCH_SOAK`` are the seconds of the soak.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import socket
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support import programs, tunnels
from support.bench import TOP, Report
from support.soak import soak

from imagebuild.dockerapi import Client

MB = int(os.environ.get("BENCH_TUNNEL_MB", "200"))
LARGE_MB = int(os.environ.get("BENCH_TUNNEL_LARGE_MB", "2048"))
SOAK = float(os.environ.get("BENCH_SOAK", "600"))
CALLS, COMMANDS = 100, 10
PYTHON = {"PYTHONPATH": f"{TOP}:{TOP / 'tests'}"}

SERVICE = """
import json, sys
from pathlib import Path
from support.winrm_machine import ShellMachine
from support.winrm_service import serving
from imagebuild.hostd.winrm import http, output
from imagebuild.hostd.winrm.envelope import answer, request
folder, engine, kilobytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for module in (answer, http, output, request):
    if kilobytes and hasattr(module, "ENVELOPE"):
        module.ENVELOPE = kilobytes << 10
    if kilobytes and hasattr(module, "BODY"):
        module.BODY = kilobytes << 11
machine = ShellMachine()
machine.environment["DOCKER_HOST"] = engine
with serving(folder, machine) as served:
    print(json.dumps([served.port, served.tls_port]), flush=True)
    sys.stdin.read()
"""

ENGINE = """
import asyncio, sys
from imagebuild.dockerapi import Route, Server, respond
async def ping(request, app):
    return respond.text("OK")
async def version(request, app):
    return respond.json({"Version": "1", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "windows",
                         "Arch": "amd64"})
async def load(request, app):
    size = 0
    async for part in request.body:
        size += len(part)
    return respond.json({"stream": str(size)})
async def main():
    server = Server([Route("GET", "/_ping", ping), Route("HEAD", "/_ping", ping), Route("GET", "/version", version),
                     Route("POST", "/images/load", load)])
    await server.listen_unix(sys.argv[1])
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.close(grace=0)
asyncio.run(main())
"""

WIRE = """
import asyncio, sys
target, way = int(sys.argv[1]), float(sys.argv[2]) / 2
async def carry(reader, writer):
    loop, queue = asyncio.get_running_loop(), asyncio.Queue(64)
    async def late():
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()
    task = asyncio.create_task(late())
    try:
        while data := await reader.read(65536):
            await queue.put((loop.time() + way, data))
    except OSError:
        pass
    await queue.put((loop.time() + way, b""))
    await asyncio.gather(task, return_exceptions=True)
async def accept(reader, writer):
    there = await asyncio.open_connection("127.0.0.1", target)
    for end in (writer, there[1]):
        import socket
        end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    await asyncio.gather(carry(reader, there[1]), carry(there[0], writer), return_exceptions=True)
async def main():
    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    import os
    os._exit(0)
asyncio.run(main())
"""


@contextlib.contextmanager
def process(code: str, *words: object) -> Iterator[str]:
    """A program of ours in a process of its own, until the block's end; its first line."""
    child = subprocess.Popen([sys.executable, "-c", code, *map(str, words)], stdin=subprocess.PIPE, text=True,
                             stdout=subprocess.PIPE, env={**os.environ, **PYTHON}, cwd=TOP)
    assert child.stdin and child.stdout
    try:
        yield child.stdout.readline()
    finally:
        child.stdin.close()
        child.wait(30)
        child.stdout.close()


@dataclass(frozen=True)
class Opened:
    """A tunnel that runs in a process of its own."""

    socket: Path
    pid: int

    @property
    def address(self) -> str:
        return f"unix://{self.socket}"

    def memory(self) -> float:
        """Its peak, in MB."""
        line = next(line for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if "VmHWM" in line)
        return int(line.split()[1]) / 1024


@contextlib.contextmanager
def tunnel(folder: Path, ports: list[int], *, way: float = 0, tls: bool = True) -> Iterator[Opened]:
    """``wcow tunnel`` over a wire whose round trip takes ``way`` seconds."""
    with contextlib.ExitStack() as stack:
        port = ports[1 if tls else 0]
        if way:
            port = int(stack.enter_context(process(WIRE, port, way)))
        kind, name = ("winrm", "localhost") if tls else ("winrm+http", "127.0.0.1")
        (folder / "wcow.toml").write_text(
            f'[hosts.bench]\naddress = "{kind}://{tunnels.USER}@{name}:{port}"\nauth = "ntlm"\ndocker = "docker"\n'
            + (f'ca = "{folder}/winrm.pem"\n' if tls else ""))
        path = folder / "t" / "tunnel.sock"
        child = subprocess.Popen([sys.executable, "-m", "imagebuild", "--config", folder / "wcow.toml", "tunnel",
                                  "--socket", path, "bench"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                 text=True, env={**os.environ, **PYTHON, "WCOW_HOST_PASSWORD": tunnels.PASSWORD})
        assert child.stdout
        try:
            assert child.stdout.readline() == f"DOCKER_HOST=unix://{path}\n"
            time.sleep(1 + way * 20)  # its streams are warm then
            yield Opened(path, child.pid)
        finally:
            child.terminate()
            child.wait(30)
            child.stdout.close()


class Rows(list[tuple[str, str, str]]):
    """The rows of the table, each printed when it is known: the whole takes minutes."""

    def append(self, row: tuple[str, str, str]) -> None:
        print(*row, sep=" | ", flush=True)
        super().append(row)


def pings(path: Path, count: int) -> float:
    """Milliseconds of a ping, the median, by a client that only copies bytes."""
    times = []
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
        sock.connect(str(path))
        for _ in range(count):
            start = time.perf_counter()
            sock.sendall(b"GET /v1.45/_ping HTTP/1.1\r\nHost: d\r\n\r\n")
            while not sock.recv(4096).endswith(b"OK"):
                pass
            times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times[1:])


def calls(address: str) -> float:
    """Seconds of a hundred calls by our client."""
    with Client.at(address, version="1.45") as client:
        start = time.perf_counter()
        for _ in range(CALLS):
            client.json("GET", "/version")
        return time.perf_counter() - start


def load(address: str, size: int) -> float:
    """Megabytes a second of an image's load by our client."""
    piece = os.urandom(1 << 20)
    with Client.at(address, version="1.45") as client:
        start = time.perf_counter()
        got = client.json("POST", "/images/load", body=(piece for _ in range(size)))
        assert int(got["stream"]) == size << 20
        return (size << 20) / (time.perf_counter() - start) / 1e6


def commands(folder: Path, ports: list[int]) -> float:
    """Seconds of a hundred WinRM commands by pywinrm, each as a task of Ansible's is: from those of ten."""
    protocol = pytest.importorskip("winrm.protocol")
    start = time.perf_counter()
    for _ in range(COMMANDS):
        one: Any = protocol.Protocol(f"https://localhost:{ports[1]}/wsman", transport="ntlm", username=tunnels.USER,
                                     password=tunnels.PASSWORD, ca_trust_path=str(folder / "winrm.pem"))
        shell = one.open_shell()
        command = one.run_command(shell, "docker", ["version", "-f", "{{.Server.Version}}"])
        assert one.get_command_output(shell, command)[2] == 0
        one.cleanup_command(shell, command)
        one.close_shell(shell)
    return (time.perf_counter() - start) / COMMANDS * CALLS


def over_ssh(folder: Path, engine: str) -> tuple[float, float]:
    """docker-py over ssh to the same engine: seconds of a hundred calls, megabytes a second of a load."""
    docker = pytest.importorskip("docker")
    if importlib.util.find_spec("paramiko") is None:
        raise programs.Unavailable("paramiko, which docker-py wants for ssh://, is not installed")
    with tunnels.sshd(folder, {"DOCKER_HOST": engine}) as server:
        (folder / "bin").mkdir()
        program = folder / "bin" / "ssh"
        real = programs.find("ssh")
        program.write_text(f'#!/bin/sh\nexec {real} {" ".join(server.options)} -o LogLevel=ERROR "$@"\n')
        program.chmod(0o755)
        before = os.environ["PATH"]
        os.environ["PATH"] = f"{program.parent}:{before}"
        try:
            client = docker.APIClient(f"ssh://root@127.0.0.1:{server.port}", version="1.45", use_ssh_client=True)
            start = time.perf_counter()
            for _ in range(CALLS):
                client.version()
            seconds = time.perf_counter() - start
            archive = folder / "image.tar"
            with archive.open("wb") as file:
                for _ in range(MB):
                    file.write(os.urandom(1 << 20))
            start = time.perf_counter()
            with archive.open("rb") as file:
                list(client.load_image(file, quiet=True))
            rate = (MB << 20) / (time.perf_counter() - start) / 1e6
            client.close()
        finally:
            os.environ["PATH"] = before
    return seconds, rate


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    with programs.skipping():
        programs.find("docker")
    with process(ENGINE, tmp_path / "engine.sock"):
        yield f"unix://{tmp_path}/engine.sock"


def test_tunnel(engine: str, tmp_path: Path, report: Report) -> None:
    rows = Rows()
    with process(SERVICE, tmp_path, engine, 0) as line:
        ports = json.loads(line)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pywinrm's own
            each = commands(tmp_path, ports)
        for way in (0.0, 0.02, 0.1):
            with tunnel(tmp_path, ports, way=way) as opened:
                here = f"{way * 1000:.0f} ms"
                took = pings(opened.socket, 200 if not way else 30)
                trips = f", {took / 1000 / way:.2f} round trips" if way else ""
                rows.append((f"warm ping, {here}", f"{took:.2f} ms{trips}", "≤ 5 ms" if not way else "≤ 2 round trips"))
                if not way:
                    seconds = calls(opened.address)
                    rows.append((f"{CALLS} API calls, {here}", f"{seconds:.2f} s", ""))
                    rows.append((f"{CALLS} calls by pywinrm, a command each, {here}",
                                 f"{each:.1f} s, {each / seconds:.0f} times the tunnel's", "≥ 10 times"))
                rate = load(opened.address, MB if not way else max(MB // 4, 1))
                rows.append((f"load of an image, {here}, envelopes of 500 kB", f"{rate:.1f} MB/s",
                             {0.0: "≥ 25 MB/s", 0.02: "≥ 9 MB/s"}.get(way, "")))
        with tunnel(tmp_path, ports, tls=False) as opened:
            rows.append(("load, 0 ms, NTLM's encryption in place of TLS", f"{load(opened.address, MB):.1f} MB/s", ""))
    with process(SERVICE, tmp_path, engine, 2048) as line:
        ports = json.loads(line)
        for way in (0.0, 0.02):
            with tunnel(tmp_path, ports, way=way) as opened:
                rate = load(opened.address, MB if not way else max(MB // 4, 1))
                rows.append((f"load of an image, {way * 1000:.0f} ms, envelopes of 2 MB", f"{rate:.1f} MB/s",
                             "≥ 15 MB/s" if way else ""))
        with tunnel(tmp_path, ports) as opened:
            load(opened.address, LARGE_MB)
            rows.append((f"peak memory of the tunnel, {LARGE_MB} MB loaded", f"{opened.memory():.0f} MB", "≤ 80 MB"))
    try:
        seconds, rate = over_ssh(tmp_path, engine)
        rows.append((f"docker-py over ssh://, {CALLS} calls, 0 ms", f"{seconds:.2f} s", ""))
        rows.append(("docker-py over ssh://, load, 0 ms", f"{rate:.1f} MB/s", ""))
    except programs.Unavailable as missing:
        rows.append(("docker-py over ssh://", str(missing), ""))
    report.lines("A tunnel to a host over WinRM", [
        "| | | bar |", "|---|---:|---|", *(f"| {what} | {figure} | {bar} |" for what, figure, bar in rows)])


def test_soak(tmp_path: Path, report: Report) -> None:
    with programs.skipping():
        programs.find("docker")
    found = soak(tmp_path, SOAK)
    report.lines("A tunnel under faults", [
        "| | |", "|---|---:|", f"| seconds | {SOAK:.0f} |", f"| faults | {found.faults} |",
        f"| requests | {sum(found.asked.values())} |", f"| asked again by the tunnel | {found.again} |",
        f"| failed, with the tunnel's word about each | {len(found.failed)} |",
        f"| lost without a word | {found.silent} |", f"| longest request | {found.slowest:.1f} s |",
        "", "Bar: none is lost without a word."])
    assert found.silent == 0, (found.failed, found.told)
