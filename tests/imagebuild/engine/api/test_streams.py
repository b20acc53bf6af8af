# SPDX-License-Identifier: Apache-2.0
"""Attach and logs over the socket: before the start, after the end, with slow clients and with ones that vanish."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

from imagebuild.dockerapi import faults, shapes


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _read(stream: Any) -> list[tuple[int, bytes]]:
    with stream:
        return [(piece.stream, bytes(piece.data)) for piece in stream.pieces()]


def _logs(engine: Served, name: str, **query: Any) -> bytes:
    pieces = engine.client.output("GET", f"/containers/{name}/logs", query={"stdout": True, "stderr": True, **query})
    return b"".join(piece.data for piece in pieces)


def test_who_attaches_before_the_start_gets_everything(engine: Served) -> None:
    heard = Heard(engine.engine)
    one = engine.create("echo a && error b && exit 3")
    stream = engine.attach(one)
    engine.post(f"/containers/{one}/start")
    assert sorted(_read(stream)) == [(1, b"a\r\n"), (2, b"b\r\n")]
    assert "attach" in heard.of(one)


def test_a_second_start_is_followed_like_the_first(engine: Served) -> None:
    one = engine.create("echo a")
    for _ in range(2):  # docker start -a attaches to a container that has ended
        stream = engine.attach(one)
        engine.post(f"/containers/{one}/start")
        assert _read(stream) == [(1, b"a\r\n")]
        wait_for(lambda: not engine.inspect(one).state.running)
    assert _logs(engine, one) == b"a\r\n" * 2


def test_what_was_said_comes_first_when_it_is_asked_for(engine: Served) -> None:
    one = engine.create("echo a")
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    assert _read(engine.attach(one, logs=True, stream=False)) == [(1, b"a\r\n")]
    assert _read(engine.attach(one, logs=True, stream=False, stdout=False)) == []
    stream = engine.attach(one, logs=True)
    engine.post(f"/containers/{one}/start")
    assert _read(stream) == [(1, b"a\r\n"), (1, b"a\r\n")]


def test_a_start_that_fails_and_a_removal_end_those_who_wait(engine: Served) -> None:
    one = engine.create("nonsense")
    stream = engine.attach(one)
    with pytest.raises(faults.Fault):
        engine.post(f"/containers/{one}/start")
    assert _read(stream) == []
    stream = engine.attach(one)
    with engine.client.call("DELETE", f"/containers/{one}"):
        pass
    assert _read(stream) == []


def test_input_goes_in_and_its_end_with_it_only_for_one_client_ever(engine: Served) -> None:
    once = engine.create("cat", open_stdin=True, stdin_once=True)
    stream = engine.attach(once, stdin=True)
    engine.post(f"/containers/{once}/start")
    stream.write(b"typed\n")
    stream.end()
    assert _read(stream) == [(1, b"typed\n")]
    wait_for(lambda: not engine.inspect(once).state.running)
    many = engine.create("cat", open_stdin=True)
    engine.post(f"/containers/{many}/start")
    for text in (b"one", b"two"):
        stream = engine.attach(many, stdin=True)
        stream.write(text)
        stream.end()
        assert stream.read().endswith(text)
        stream.close()
    assert engine.inspect(many).state.running


def test_the_keys_detach_and_are_told(engine: Served) -> None:
    heard = Heard(engine.engine)
    one = engine.create("cat", open_stdin=True, tty=True)
    engine.post(f"/containers/{one}/start")
    stream = engine.attach(one, stdin=True)
    stream.write(b"\x10\x11")
    assert stream.read() == b""
    stream.close()
    wait_for(lambda: "detach" in heard.of(one))
    assert engine.inspect(one).state.running


def test_a_client_that_vanishes_takes_nothing_with_it(engine: Served) -> None:
    one = engine.create("cat", open_stdin=True)
    engine.post(f"/containers/{one}/start")
    before = threading.active_count()
    for _ in range(30):
        engine.attach(one, stdin=True).close()
    stay = engine.attach(one, stdin=True)
    stay.write(b"still here")
    assert stay.read().endswith(b"still here")
    stay.close()
    assert threading.active_count() <= before + 32
    engine.post(f"/containers/{one}/stop", t=1)


def test_a_slow_reader_of_logs_gets_everything_and_stops_nobody(engine: Served) -> None:
    text = "x" * 900
    one = engine.create(" && ".join([f"echo {text}"] * 1000))
    answer = engine.client.call("GET", f"/containers/{one}/logs", query={"stdout": True, "follow": True})
    answer.close()  # of one that does not run there is nothing to follow
    engine.post(f"/containers/{one}/start")
    slow = engine.client.output("GET", f"/containers/{one}/logs", query={"stdout": True, "follow": True})
    first = next(slow)
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    time.sleep(0.1)
    assert len(first.data) + sum(len(piece.data) for piece in slow) == 902 * 1000
    assert _logs(engine, one, tail=2) == f"{text}\r\n".encode() * 2


def test_logs_are_refused_as_docker_refuses_them(engine: Served) -> None:
    one = engine.create("echo a")
    with pytest.raises(faults.BadRequest, match="you must choose at least one stream"):
        engine.client.json("GET", "/containers/none/logs")
    with pytest.raises(faults.NotFound):
        engine.client.json("GET", "/containers/none/logs", query={"stdout": True})
    engine.on_loop(lambda: setattr(engine.engine.containers.find(one), "status", "dead"))
    with pytest.raises(faults.Conflict, match="can not get logs from container which is dead"):
        engine.client.json("GET", f"/containers/{one}/logs", query={"stdout": True})


def test_a_frame_of_logs_is_a_line(engine: Served) -> None:
    one = engine.create(f"echo a && error b && echo {'x' * 40_000} && echo c")
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.status == "exited")
    with engine.client.call("GET", f"/containers/{one}/logs", query={"stdout": True, "stderr": True}) as answer:
        data, sizes = answer.read(), []
    while data:
        sizes.append((data[0], int.from_bytes(data[4:8], "big")))
        data = data[8 + sizes[-1][1]:]
    assert sorted(sizes) == [(1, 3), (1, 3), (1, 40_002 - 2 * 16_384), (1, 16_384), (1, 16_384), (2, 3)]


def test_who_attaches_between_two_runs_is_refused(engine: Served) -> None:
    one = engine.create("exit 1", host={"restart_policy": shapes.RestartPolicy(name="always")})
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.restarting)
    with pytest.raises(faults.Conflict, match=f"container {one} is restarting, wait until the container is running"):
        while True:  # it may run for a moment
            _read(engine.attach(one))
