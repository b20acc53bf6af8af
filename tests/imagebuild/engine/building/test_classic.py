# SPDX-License-Identifier: Apache-2.0
"""The process of a build: it ends with its client and its engine, has a memory limit, and keeps nobody waiting."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from support.attack import ask
from support.engine_images import Served, connect, owner, serving
from support.engines import wait_for

from imagebuild.builder.run.downloads import Downloads
from imagebuild.engine.api import building as routes_build
from imagebuild.engine.building.channel import Channel, Ended
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.engine.turns import Turns

from ..api.test_building import APP, base, context
from ..test_bad_ends import process

PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    engine = owner(tmp_path / "root", registries=Registries(connect))
    engine.images.build_tools = Downloads()
    with serving(engine, tmp_path) as server:
        yield server


@contextmanager
def silence() -> Iterator[tuple[str, threading.Event]]:
    """A server that takes a request and says nothing, and what tells that it has one."""
    asked, done = threading.Event(), threading.Event()

    def serve() -> None:
        listener.settimeout(20)
        with listener.accept()[0] as client:
            client.recv(1 << 16)
            asked.set()
            done.wait(20)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/context.tar", asked
        finally:
            done.set()
            thread.join()


def builders(parent: int) -> list[int]:
    """The processes that build for an engine."""
    found = []
    for place in Path("/proc").iterdir():
        try:
            line = (place / "cmdline").read_bytes()
            status = (place / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if b".building.process\0" in line and line.endswith(b"\0%d\0%s\0" % (parent, line.split(b"\0")[-2])) \
                and status[0] != "Z":
            found.append(int(place.name))
    return found


def begun(place: Path, url: str) -> socket.socket:
    """A client that has asked for a build of a context somewhere else."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(place))
    client.sendall(f"POST /build?remote={quote(url)} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    return client


def left(root: Path) -> list[Path]:
    """What builds left on the disk."""
    private = root / "images" / ".wcow"
    return [*(root / "tmp").glob("*"), *(private / "tmp").glob("*")]


def test_a_build_ends_when_its_client_leaves_though_it_says_nothing(served: Served) -> None:
    with silence() as (url, asked):
        client = begun(served.path, url)
        assert asked.wait(20)
        assert builders(os.getpid())
        client.close()
        wait_for(lambda: not builders(os.getpid()))
    wait_for(lambda: not left(served.engine.settings.root))


def test_a_context_that_its_client_cuts_off_builds_nothing(served: Served) -> None:
    base(served)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(served.path))
        client.sendall(b"POST /build?t=app:1 HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"
                       + context({"Dockerfile": APP}))
        wait_for(lambda: builders(os.getpid()))
        client.shutdown(socket.SHUT_WR)
        assert b"unexpected EOF" in client.recv(1 << 16)
    wait_for(lambda: not builders(os.getpid()))
    assert len(served.ask("GET", "/images/json", all="1").json) == 1
    wait_for(lambda: not left(served.engine.settings.root))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_build_ends_with_its_engine_and_the_next_engine_finds_nothing_of_it(tmp_path: Path, number: int) -> None:
    root = tmp_path / "root"
    code = -number if number == signal.SIGKILL else 0
    with silence() as (url, asked), process(root, code=code) as (pid, place), begun(place, url):
        assert asked.wait(20)
        assert builders(pid)
        os.kill(pid, number)
        wait_for(lambda: not builders(pid))
    with process(root) as (pid, _):
        assert not left(root)
        os.kill(pid, signal.SIGTERM)


def test_a_build_that_needs_more_memory_than_it_may_use_says_so(tmp_path: Path) -> None:
    engine = owner(tmp_path / "root", registries=Registries(connect))
    engine.images.settings = replace(engine.settings, build_memory=256 << 20)
    with serving(engine, tmp_path) as served:
        base(served)
        text = APP + "".join(f"LABEL a{number}=b\n" for number in range(4000))
        answer = served.ask("POST", "/build", context({"Dockerfile": text}))
        assert "the build needs more memory than it may use (256 MiB)" in answer.body.decode()
        assert served.ask("POST", "/build", context({"Dockerfile": APP})).lines[-1]["stream"].startswith("Successfully")
    assert not left(tmp_path / "root")


def test_the_engine_answers_while_a_build_eats_its_processor(served: Served) -> None:
    base(served)
    files = {"Dockerfile": APP, **{f"{number}.txt": "x" for number in range(3000)}}
    answers: list[bytes] = []
    worker = threading.Thread(target=lambda: answers.append(served.ask("POST", "/build", context(files)).body))
    worker.start()
    pings = 0
    wait_for(lambda: builders(os.getpid()))
    while worker.is_alive():
        assert ask(served.path, PING).body == b"OK"
        pings += 1
        time.sleep(0.02)
    worker.join()
    assert pings > 3
    assert b"Successfully built" in answers[0]


def test_a_process_that_is_killed_is_told_as_a_failed_build(served: Served) -> None:
    with silence() as (url, asked), begun(served.path, url) as client:
        assert asked.wait(20)
        os.kill(builders(os.getpid())[0], signal.SIGTERM)
        assert b"the build's process ended (-15)" in client.recv(1 << 16)


def test_builds_wait_for_their_turn_and_say_so(served: Served) -> None:
    """One that is given up while it waits is gone; the next takes the turn of one that ends."""
    served.engine.images.building = Turns(1)
    base(served)
    answers: list[bytes] = []
    build = "POST", "/build", context({"Dockerfile": APP, "app.exe": b"MZ"})
    waiting = threading.Thread(target=lambda: answers.append(served.ask(*build).body))
    with silence() as (url, asked):
        client, given_up = begun(served.path, url), begun(served.path, url)
        assert asked.wait(20)
        assert b"Waiting for another build to end: 1 work at once" in given_up.recv(1 << 16)
        waiting.start()
        given_up.close()
        time.sleep(0.5)
        assert len(builders(os.getpid())) == 1
        assert not answers
        client.close()
        waiting.join(30)
    assert b"Waiting for another build" in answers[0]
    assert b"Successfully built" in answers[0]
    wait_for(lambda: not left(served.engine.settings.root))


def test_a_context_that_does_not_come_ends_its_build(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would keep the turn of others for ever."""
    monkeypatch.setattr(routes_build, "CONTEXT_SECONDS", 0.3)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(served.path))
        client.sendall(b"POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + bytes(512))
        client.settimeout(20)
        assert b"the build context did not come: nothing for 0.3 seconds" in client.recv(1 << 16)
    wait_for(lambda: not builders(os.getpid()))


def test_a_channel_tells_when_the_other_side_is_gone() -> None:
    ours, theirs = socket.socketpair()
    channel = Channel(ours)
    theirs.sendall(b'{"half"')
    theirs.close()
    with pytest.raises(Ended):
        channel.receive()
    with pytest.raises(Ended):
        channel.send(say={})
    channel.close()
