# SPDX-License-Identifier: Apache-2.0
"""Many containers at once, and programs that write or are written to without measure: what the engine keeps of it."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.engine import IMAGE, Engine, descendants, until

from imagebuild.dockerapi import Client, shapes
from imagebuild.engine.serving.lock import running

pytestmark = pytest.mark.slow

MADE, AT_ONCE = 200, 50
KEPT = 24 << 20
"""Bytes that the engine may have gained for good by all that: its allocator gives not all back."""


def resident(engine: Engine) -> int:
    """Bytes of the engine's own process in memory."""
    found = running(engine.root)
    assert found is not None
    status = Path(f"/proc/{found.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) << 10  # type: ignore[index]


def every(work: Callable[[str], object], names: list[str]) -> list[object]:
    with ThreadPoolExecutor(10) as pool:
        return list(pool.map(work, names))


def test_two_hundred_are_made_fifty_run_at_once_and_nothing_is_left(windows: Engine) -> None:
    names = [f"many{number}" for number in range(MADE)]

    def call(method: str, path: str, **query: object) -> int:
        with Client.at(windows.host) as client, client.call(method, path, query=query) as answer:
            answer.read()
            return answer.status

    def create(name: str) -> object:
        asked = shapes.CreateRequest(image=IMAGE, cmd=("cmd", "/c", "ping -n 600 127.0.0.1 >nul"))
        with Client.at(windows.host) as client:
            return client.json("POST", "/containers/create", query={"name": name}, body=asked)["Id"]

    windows.docker("run", "--rm", IMAGE)
    found = running(windows.root)
    assert found is not None
    before, family = resident(windows), set(descendants(found.pid))
    kept = set((windows.root / "containers").iterdir())  # of other tests
    assert len(set(every(create, names))) == MADE
    assert set(every(lambda name: call("POST", f"/containers/{name}/start"), names[:AT_ONCE])) == {204}
    rows = windows.docker("ps", "--format", "{{.Names}}").stdout.split()
    assert set(names[:AT_ONCE]) <= set(rows)
    assert json.loads(windows.docker("inspect", names[AT_ONCE - 1]).stdout)[0]["State"]["Running"]
    assert set(every(lambda name: call("DELETE", f"/containers/{name}", force=True), names)) == {204}
    assert not set(names) & set(windows.docker("ps", "-a", "--format", "{{.Names}}").stdout.split())
    until(lambda: set(descendants(found.pid)) <= family, 30)
    assert set((windows.root / "containers").iterdir()) == kept
    assert resident(windows) - before < KEPT
    assert windows.docker("run", "--rm", IMAGE).stdout.strip() == "hello"


def test_a_deaf_reader_of_endless_output_costs_no_memory_and_stops_nobody(windows: Engine) -> None:
    endless = windows.docker("run", "-d", "--name", "endless", IMAGE, "cmd", "/c",
                             f"for /l %i in (0,0,1) do @echo {'x' * 4000}").stdout.strip()
    try:
        with socket.socket(socket.AF_UNIX) as logs, socket.socket(socket.AF_UNIX) as attached:
            for client, call in ((logs, "GET /containers/endless/logs?follow=1&stdout=1"),
                                 (attached, "POST /containers/endless/attach?stream=1&stdout=1")):
                client.connect(str(windows.socket))
                client.sendall(f"{call} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
            written = windows.root / "containers" / endless / "output"
            before = resident(windows)
            until(lambda: written.stat().st_size > 40 << 20, 60)
            assert resident(windows) - before < KEPT
            size = written.stat().st_size
            time.sleep(0.5)
            assert written.stat().st_size > size
            assert "x" * 4000 in windows.docker("logs", "--tail", "1", "endless").stdout
    finally:
        windows.docker("rm", "-f", "endless")


@pytest.mark.parametrize("config", [
    {"Cmd": ["cmd", "/c", "echo a\0b"]}, {"Env": ["A=a\0b"]}, {"Hostname": "a\0b"}, {"WorkingDir": "C:\\a\0b"},
    {"Cmd": ["\udc80"]}, {"Env": ["\ud800=\udfff"]}, {"User": "\ud800"}, {"Hostname": "a b/../c"},
    {"WorkingDir": "C:\\..\\..\\etc"}, {"Env": ["=C:=x"]}, {"Cmd": ["x" * 40_000]},
    {"HostConfig": {"ExtraHosts": ["a\nb:1.2.3.4"]}}, {"HostConfig": {"Dns": ["1.2.3.4\n"]}},
    {"HostConfig": {"Memory": 1}}, {"HostConfig": {"ConsoleSize": [1 << 31, 1 << 31]}, "Tty": True}])
def test_no_text_or_number_of_a_client_confuses_a_start(windows: Engine, config: dict[str, object]) -> None:
    """Started or refused in Docker's shape, and gone when it is removed."""
    asked = {"Image": IMAGE, "Cmd": ["cmd", "/c", "exit"], **config}
    body = json.dumps(asked).encode()

    def ask(method: str, path: str, data: bytes = b"") -> tuple[int, bytes]:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(windows.socket))
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json"
                           f"\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            answer = b""
            while more := client.recv(65536):
                answer += more
        head, _, rest = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), rest

    status, answer = ask("POST", "/containers/create", body)
    if status != 201:
        assert list(json.loads(answer)) == ["message"]
        return
    identifier = json.loads(answer)["Id"]
    status, answer = ask("POST", f"/containers/{identifier}/start")
    assert status == 204 or list(json.loads(answer)) == ["message"]
    for unforeseen in (b"codec", b"embedded null", b"Errno", b"literal"):
        assert unforeseen not in answer
    assert ask("DELETE", f"/containers/{identifier}?force=1")[0] == 204
    for _ in range(3):  # whatever thread of the engine it is
        assert windows.docker("run", "--rm", IMAGE).stdout.strip() == "hello"
