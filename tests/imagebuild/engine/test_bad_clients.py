# SPDX-License-Identifier: Apache-2.0
"""Clients that stop in the middle, never end, only take place, or vanish: the engine goes on for all others."""

from __future__ import annotations

import json
import resource
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.attack import ask
from support.engines import Served, served, wait_for

from imagebuild.engine.core import THREADS
from imagebuild.engine.streams.output import LONGEST

PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"
CALLS = {
    "create": ("POST /containers/create", "application/json", b'{"Image": "app:1", "Cmd": ["ec'),
    "load": ("POST /images/load", "application/x-tar", b"\0" * 700),
    "copy": ("PUT /containers/one/archive?path=C:/", "application/x-tar", b"\0" * 700),
    "exec": ("POST /containers/one/exec", "application/json", b"{"),
    "volume": ("POST /volumes/create", "application/json", b""),
}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        made.create("sleep 1000", name="one")
        yield made


def begun(call: str, *, chunked: bool = False) -> bytes:
    """A request whose body has begun, and lacks its end."""
    line, kind, body = CALLS[call]
    size = "Transfer-Encoding: chunked" if chunked else "Content-Length: 5000"
    head = f"{line} HTTP/1.1\r\nHost: x\r\nContent-Type: {kind}\r\n{size}\r\n\r\n".encode()
    return head + (b"%x\r\n%s\r\n" % (len(body), body) if chunked and body else body)


def connected(engine: Served, stack: ExitStack, data: bytes = b"") -> socket.socket:
    client = stack.enter_context(socket.socket(socket.AF_UNIX))
    client.settimeout(10)
    client.connect(str(engine.socket))
    client.sendall(data)
    return client


def scratch(engine: Served) -> list[str]:
    folder = engine.engine.settings.root / "tmp"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("call", CALLS)
def test_a_body_that_is_cut_is_refused_in_dockers_shape(engine: Served, call: str, chunked: bool) -> None:
    with ExitStack() as stack:
        client = connected(engine, stack, begun(call, chunked=chunked))
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while more := client.recv(65536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    if call == "load":  # moby says 200 before it reads, and what failed in the stream
        assert int(head.split()[1]) == 200 and b'{"errorDetail":{"message":' in body, answer
    else:
        assert int(head.split()[1]) in (400, 404, 500), answer
        assert list(json.loads(body)) == ["message"]
    assert scratch(engine) == []
    assert len(engine.client.json("GET", "/containers/json", query={"all": True})) == 1


def test_requests_that_never_end_keep_nobody_from_anything(engine: Served) -> None:
    """More of them than the engine has threads: each waits for its client in a thread of its own."""
    loads = THREADS + 10
    with ExitStack() as stack:
        for _ in range(loads):
            connected(engine, stack, begun("load"))
        for call in ("create", "exec", "volume"):
            connected(engine, stack, begun(call))
        connected(engine, stack, b"POST /containers/cre")
        connected(engine, stack, b"G")
        wait_for(lambda: len(scratch(engine)) == loads)
        done: list[int] = []
        starting = threading.Thread(target=lambda: done.append(engine.post("/containers/one/start")), daemon=True)
        starting.start()
        starting.join(20)
        assert done == [204]
        assert engine.client.json("GET", "/version")["Os"] == "windows"
    wait_for(lambda: not scratch(engine))
    wait_for(lambda: not [thread for thread in threading.enumerate() if thread.name == "engine-waiting"])


def test_five_hundred_connections_that_say_nothing_are_carried(engine: Served) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("this process may not have that many descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        with ExitStack() as stack:
            idle = [connected(engine, stack) for _ in range(500)]
            for client in idle[::50]:
                client.sendall(PING)
                assert client.recv(65536).endswith(b"OK")
            assert ask(engine.socket, PING).body == b"OK"
        assert ask(engine.socket, PING).body == b"OK"
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def upgraded(path: str, document: str = "") -> bytes:
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(document)}\r\n\r\n{document}").encode()


def head(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    return data.partition(b"\r\n\r\n")[2]


def test_a_client_that_is_killed_at_a_terminal_leaves_it_to_the_next(engine: Served) -> None:
    one = engine.create("cat", tty=True, open_stdin=True, attach_stdin=True)
    engine.post(f"/containers/{one}/start")
    path = f"/containers/{one}/attach?stream=1&stdin=1&stdout=1&stderr=1"
    for _ in range(20):
        with ExitStack() as stack:
            client = connected(engine, stack, upgraded(path))
            head(client)
            client.sendall(b"half a li")  # and gone, with its output unread
    with ExitStack() as stack:
        client = connected(engine, stack, upgraded(path))
        got = head(client)
        client.sendall(b"still there")
        while b"still there" not in got:
            got += client.recv(65536)
    assert engine.inspect(one).state.running
    assert engine.post(f"/containers/{one}/kill") == 204


def test_an_exec_whose_client_is_killed_at_a_terminal_goes_on(engine: Served) -> None:
    engine.post("/containers/one/start")
    made = engine.client.json("POST", "/containers/one/exec", body={
        "Cmd": ["cat"], "Tty": True, "AttachStdin": True, "AttachStdout": True})["Id"]
    with ExitStack() as stack:
        client = connected(engine, stack, upgraded(f"/exec/{made}/start", '{"Tty": true}'))
        head(client)
        client.sendall(b"half a li")
    time.sleep(0.1)
    assert engine.client.json("GET", f"/exec/{made}/json")["Running"]
    assert engine.post("/containers/one/kill") == 204
    wait_for(lambda: not engine.client.json("GET", f"/exec/{made}/json")["Running"])


def test_a_client_that_asks_and_never_reads_is_alone_with_it(engine: Served) -> None:
    """Answers that nobody takes wait in one connection, however many are asked for."""
    with ExitStack() as stack:
        deaf = connected(engine, stack)
        deaf.settimeout(0.5)
        with pytest.raises(TimeoutError):  # the engine reads no more of them
            for _ in range(100_000):
                deaf.sendall(b"GET /info HTTP/1.1\r\nHost: x\r\n\r\n" * 100)
        assert ask(engine.socket, PING).body == b"OK"


def test_much_output_costs_no_memory_when_its_reader_takes_nothing(engine: Served) -> None:
    """It waits in the file. The container goes on, and another reader gets all of it."""
    engine.post("/containers/one/start")
    piece, pieces = b"x" * (256 << 10), 200
    output = engine.engine.containers.find("one").output
    tracemalloc.start()
    try:
        with ExitStack() as stack:
            deaf = connected(engine, stack, b"GET /containers/one/logs?follow=1&stdout=1 HTTP/1.1\r\nHost: x\r\n\r\n")
            gone = connected(engine, stack, upgraded("/containers/one/attach?stream=1&stdout=1"))
            assert deaf.recv(12) == b"HTTP/1.1 200"
            head(gone)
            for _ in range(pieces):
                engine.on_loop(lambda: output.add(1, piece))
            assert tracemalloc.get_traced_memory()[1] < 16 * len(piece)
            assert ask(engine.socket, PING).body == b"OK"
    finally:
        tracemalloc.stop()
    with engine.client.call("GET", "/containers/one/logs", query={"stdout": True}) as answer:
        assert len(answer.read()) == pieces * (len(piece) + 8 * len(piece) // LONGEST)
