# SPDX-License-Identifier: Apache-2.0
"""Connections: kept, replaced, asked again only where that is safe, and handed in by the caller."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import scripted_engines, toy_engine, wire

from imagebuild.dockerapi import Client, shapes
from imagebuild.dockerapi.client.duplex import SocketDuplex, Watched, timed
from imagebuild.errors import DaemonError

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def leaving(folder: Path, method_seen: Counter[str], *, late: bool) -> Iterator[Client]:
    """A client of an engine that ends each connection after its first answer: at once, or when it was asked again."""
    def handle(there: socket.socket) -> None:
        method_seen[scripted_engines.request_head(there).split(b" ")[0].decode()] += 1
        there.sendall(OK)
        if late and (again := scripted_engines.request_head(there)):
            method_seen[again.split(b" ")[0].decode() + " again"] += 1

    with (scripted_engines.on_unix(folder / "s", handle),
          Client.at(f"unix://{folder}/s", version="1.45") as client):
        yield client


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_an_idle_connection_that_was_ended_is_replaced_before_it_is_used(tmp_path: Path, method: str) -> None:
    seen: Counter[str] = Counter()
    with leaving(tmp_path, seen, late=False) as client:
        for _ in range(3):
            client.json("GET", "/first")
            while client._idle._idle and not client._idle._idle[0].duplex.readable():
                pass  # until the end has arrived
            client.call(method, "/x").close()
    assert sum(seen.values()) == 6


def test_what_changes_nothing_is_asked_again_and_all_else_is_not(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    with leaving(tmp_path, seen, late=True) as client:
        for method in ("GET", "HEAD"):
            client.json("GET", "/first")
            client.call(method, "/x").close()
            assert seen[f"{method} again"] == 1 and seen[method] >= 1
            client.close()
        for method in ("POST", "PUT", "DELETE"):
            client.json("GET", "/first")
            with pytest.raises(DaemonError, match="without an answer"):
                client.call(method, "/x")
            assert seen[f"{method} again"] == 1 and not seen[method]
        client.json("GET", "/first")
        with pytest.raises(DaemonError, match="the connection to the engine broke"):
            client.call("GET", "/x", body=iter([b"once"]))  # it cannot be sent a second time


def test_a_new_connection_that_breaks_is_not_tried_again(tmp_path: Path) -> None:
    with (scripted_engines.on_unix(tmp_path / "s", lambda there: None) as engine,
          Client.at(f"unix://{tmp_path}/s", version="1.45") as client):
        with pytest.raises(DaemonError):
            client.json("GET", "/x")
        assert engine.accepted == 1


def test_an_idle_connection_on_which_something_arrived_is_not_used(tmp_path: Path) -> None:
    def handle(there: socket.socket) -> None:
        while scripted_engines.request_head(there):
            there.sendall(OK + b'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n["no"]')  # what nothing asked for

    with (scripted_engines.on_unix(tmp_path / "s", handle),
          Client.at(f"unix://{tmp_path}/s", version="1.45") as client):
        for _ in range(20):
            assert client.json("GET", "/x") == {}


def test_threads_share_a_client_and_each_gets_its_own_answer(tmp_path: Path) -> None:
    """Calls, streams and attached containers at once; some connections are dropped in the middle of their answer."""
    engine, wrong = toy_engine.Engine(), []

    def work(client: Client, number: int) -> None:
        try:
            for turn in range(20):
                name = f"c{number}-{turn}"
                one = client.json("POST", "/containers/create", shape=shapes.Created, query={"name": name},
                                  body=shapes.CreateRequest(image="upper", open_stdin=True)).id
                with client.attach(f"/containers/{one}/attach", query={"stream": 1, "stdin": 1, "stdout": 1}) as stream:
                    client.call("POST", f"/containers/{one}/start").close()
                    stream.write(name.encode())
                    stream.end()
                    if b"".join(data for _, data in stream.pieces()) != name.upper().encode():
                        wrong.append(name)
                if client.json("GET", f"/containers/{one}/json")["Name"].strip("/") != name:
                    wrong.append(name)
                if turn % 5 == 0:
                    with client.call("GET", f"/containers/{one}/logs", query={"stdout": True}):
                        pass  # left unread
                    client.close()  # idle ones of all threads
        except Exception as error:
            wrong.append(repr(error))

    before = set(threading.enumerate())
    with wire.running(toy_engine.routes(), engine, tmp_path) as path, Client.at(f"unix://{path}") as client:
        threads = [threading.Thread(target=work, args=(client, number)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert len(client._idle) <= 8
    assert not wrong
    assert set(threading.enumerate()) <= before


# --- a duplex handed in ----------------------------------------------------------------------------------------------

class Bare:
    """A duplex with the four methods and no more, as a remote command may be."""

    def __init__(self, sock: socket.socket) -> None:
        self._inner = SocketDuplex(sock)
        self.send, self.receive, self.end, self.close = (
            self._inner.send, self._inner.receive, self._inner.end, self._inner.close)


def bare(path: Path) -> Bare:
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return Bare(sock)


def test_a_duplex_that_is_handed_in_is_spoken_over(tmp_path: Path) -> None:
    engine = toy_engine.Engine()
    with (wire.running(toy_engine.routes(), engine, tmp_path) as path,
          Client(lambda: bare(path), host="the lab", deadline=20) as client):
        assert client.ping().os_type == "windows"
        list(client.lines("POST", "/images/load", body=(b"x" * 100_000 for _ in range(30))))
        assert engine.loaded == 3_000_000
        one = client.json("POST", "/containers/create", shape=shapes.Created,
                          body=shapes.CreateRequest(image="upper", open_stdin=True)).id
        with client.attach(f"/containers/{one}/attach", query={"stream": 1, "stdin": 1, "stdout": 1}) as stream:
            client.call("POST", f"/containers/{one}/start").close()
            stream.write(b"words")
            stream.end()
            assert b"".join(data for _, data in stream.pieces()) == b"WORDS"


def test_a_duplex_that_is_handed_in_has_its_limits_too(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    with scripted_engines.on_unix(tmp_path / "s", lambda there: there.recv(1) and None) as engine, \
            Client(lambda: bare(tmp_path / "s"), host="the lab", version="1.45", deadline=0.2) as client:
        engine._handle = lambda there: bool(there.recv(65536)) and threading.Event().wait(1)  # type: ignore[assignment,return-value]
        with pytest.raises(DaemonError, match=r"the engine at the lab is silent: it did not answer within 0.2 s"):
            client.json("GET", "/x")
    assert set(threading.enumerate()) <= before


def test_only_what_cannot_be_told_is_watched() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        one = SocketDuplex(ours)
        assert timed(one) is one
        watched = timed(Bare(ours))
        assert isinstance(watched, Watched)
        watched.silent(0.1)
        with pytest.raises(TimeoutError):
            watched.receive(10)
        with pytest.raises(OSError):
            watched.send(b"x")
