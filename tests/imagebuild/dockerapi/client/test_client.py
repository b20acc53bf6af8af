# SPDX-License-Identifier: Apache-2.0
"""The client against the server: every kind of call, and engines that misbehave."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import toy_engine, wire

from imagebuild.dockerapi import Client, Filters, faults, jsonlines, shapes, streams
from imagebuild.errors import DaemonError, FormatError, UnsupportedError, UsageError


@pytest.fixture
def engine() -> toy_engine.Engine:
    return toy_engine.Engine()


@pytest.fixture
def client(engine: toy_engine.Engine, tmp_path: Path) -> Iterator[Client]:
    with (wire.running(toy_engine.seen(engine, toy_engine.routes()), engine, tmp_path) as path,
          Client.at(f"unix://{path}") as made):
        yield made


def create(client: Client, image: str = "hello", **config: object) -> str:
    wanted = shapes.CreateRequest(image=image, **config)  # type: ignore[arg-type]
    return client.json("POST", "/containers/create", shape=shapes.Created, body=wanted).id


def test_an_engine_is_asked_what_it_is_once(client: Client, engine: toy_engine.Engine) -> None:
    assert client.ping().os_type == "windows" and client.ping().builder_version == "1"
    assert client.version == "1.45"
    assert client.json("GET", "/info", shape=shapes.Info).os_version == "10.0.20348.1"
    assert client.json("GET", "/version")["Os"] == "windows"
    assert engine.seen.count("GET /_ping") == 3


def test_lists_are_filtered_and_refusals_are_the_servers_faults(client: Client) -> None:
    first = create(client, labels={"a": "b"})
    create(client)
    rows = client.json("GET", "/containers/json", query={"all": True, "filters": Filters.of(label="a=b")})
    assert [row["Id"] for row in rows] == [first]
    with pytest.raises(faults.NotFound, match=r"^No such container: nobody$"):
        client.json("GET", "/containers/nobody/json")
    with pytest.raises(faults.BadRequest, match="invalid filter 'x'"):
        client.json("GET", "/containers/json", query={"filters": {"x": {"y": True}}})
    client.call("POST", f"/containers/{first}/start").close()
    with client.call("POST", f"/containers/{first}/start") as again:
        assert again.status == 304


def test_output_is_separated_and_exits_are_waited_for(client: Client) -> None:
    one = create(client)
    client.call("POST", f"/containers/{one}/start").close()
    said = list(client.output("GET", f"/containers/{one}/logs", query={"stdout": True, "stderr": True}))
    assert said == [(1, b"hello\r\n"), (2, b"oops\r\n")]
    [waited] = client.lines("POST", f"/containers/{one}/wait")
    assert waited["StatusCode"] == 0


@pytest.mark.parametrize("tty", [False, True])
def test_an_attached_container_takes_input_and_gives_all_its_output(client: Client, tty: bool) -> None:
    one = create(client, "upper", open_stdin=True, tty=tty)
    client.call("POST", f"/containers/{one}/start").close()
    text = b"some words\n" * 200_000
    with client.attach(f"/containers/{one}/attach", query={"stream": 1, "stdin": 1, "stdout": 1}) as stream:
        assert stream.multiplexed is not tty

        def feed() -> None:
            stream.write(text)
            stream.end()
        writer = threading.Thread(target=feed)
        writer.start()
        if tty:
            out = b"".join(stream)
        else:
            pieces = list(stream.pieces())
            assert {number for number, _ in pieces} == {streams.STDOUT}
            out = b"".join(data for _, data in pieces)
        writer.join()
    assert out == text.upper()
    [waited] = client.lines("POST", f"/containers/{one}/wait")
    assert waited["StatusCode"] == 3


def test_attaching_to_nobody_is_a_fault(client: Client) -> None:
    with pytest.raises(faults.NotFound):
        client.attach("/containers/nobody/attach")


def test_bodies_are_streamed_both_ways(client: Client, engine: toy_engine.Engine) -> None:
    said = list(client.lines("POST", "/images/load", body=(b"x" * 100_000 for _ in range(50))))
    assert engine.loaded == 5_000_000 and jsonlines.message(said[0]).stream == "Loaded image: hello:latest\n"
    one = create(client)
    engine.find(one).files["/big"] = bytes(range(256)) * 10_000
    with client.call("GET", f"/containers/{one}/archive", query={"path": "/big"}) as answer:
        assert answer.header("content-type") == "application/x-tar"
        size = sum(map(len, answer))
    assert size > 2_560_000
    with client.call("HEAD", f"/containers/{one}/archive", query={"path": "/big"}) as answer:
        assert answer.read() == b"" and answer.header("X-Docker-Container-Path-Stat")


def test_progress_that_failed_after_it_began_says_so_in_its_last_line(client: Client) -> None:
    said = [jsonlines.message(one) for one in client.lines("POST", "/images/create", query={"fromImage": "missing"})]
    assert said[1].progress == jsonlines.Progress(1, 100)
    assert said[-1].error == "manifest unknown"


def test_a_connection_is_kept_unless_its_answer_was_left_unread(client: Client) -> None:
    client.ping()
    [line] = client._idle._idle
    client.json("GET", "/info")
    assert client._idle._idle == [line]
    one = create(client, "upper")
    client.call("POST", f"/containers/{one}/start").close()
    assert client._idle._idle == [line]  # a short answer is read when it is closed
    with client.call("GET", f"/containers/{one}/logs", query={"stdout": True, "follow": True}):
        pass
    assert client._idle._idle == []


def test_many_threads_may_ask_at_once(client: Client) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(lambda _: client.json("GET", "/version")["Os"], range(200))) == {"windows"}
    assert len(client._idle) <= 8


def test_an_idle_connection_that_the_engine_ended_is_replaced(engine: toy_engine.Engine, tmp_path: Path) -> None:
    with wire.running(toy_engine.routes(), engine, tmp_path) as path:
        client = Client.at(f"unix://{path}")
        assert client.version
    with wire.running(toy_engine.routes(), engine, tmp_path), client:
        assert client.json("GET", "/version")["Os"] == "windows"


def test_an_engine_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match="there is no socket of this name") as error:
        Client.at(f"unix://{tmp_path}/none").ping()
    assert error.value.status == 0 and str(tmp_path) in error.value.what
    for host in ("npipe:////./pipe/docker_engine", "fd://", "nothing"):
        with pytest.raises(UnsupportedError):
            Client.at(host)
    with pytest.raises(UsageError):
        Client.at("tcp://host:port")


@contextlib.contextmanager
def saying(folder: Path, *answers: bytes) -> Iterator[Client]:
    """A client of an engine that gives these answers, a connection each, and hangs up."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "bad.sock"))
        listener.listen()

        def serve() -> None:
            for answer in answers:
                there, _ = listener.accept()
                with there:
                    there.recv(65536)
                    there.sendall(answer)
        thread = threading.Thread(target=serve)
        thread.start()
        with Client.at(f"unix://{folder}/bad.sock", version="1.45") as client:
            yield client
        thread.join(10)
        assert not thread.is_alive()


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(("answer", "message"), [
    (b"", "without an answer"), (b"SSH-2.0-x\r\n\r\n", "its answer begins with b'SSH-2.0-x"),
    (OK + b"Content-Length: 10\r\n\r\n{}", "connection to the engine broke"),
    (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{}", "connection to the engine broke"),
    (OK + b"Content-Length: 5\r\n\r\nhello", "was not answered with JSON"),
    (OK + b"Content-Length: 2\r\n\r\n[]", "cannot understand the engine|GET /info: invalid JSON"),
    (OK + b"X: " + b"y" * 300_000, "the head of its answer is longer than 256 KiB"),
])
def test_an_engine_that_misbehaves_is_a_daemon_error(tmp_path: Path, answer: bytes, message: str) -> None:
    with saying(tmp_path, answer) as client, pytest.raises(DaemonError, match=message):
        client.json("GET", "/info", shape=shapes.Info)


def test_a_refusal_that_is_no_json_is_shown_as_it_is(tmp_path: Path) -> None:
    with (saying(tmp_path, b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>oh</html>") as client,
          pytest.raises(faults.Fault, match="<html>oh</html>") as error):
        client.json("GET", "/info")
    assert error.value.status == 502


def test_an_engine_too_old_is_not_spoken_with(tmp_path: Path) -> None:
    with saying(tmp_path, b"HTTP/1.1 200 OK\r\nApi-Version: 1.12\r\nContent-Length: 2\r\n\r\nOK") as client:
        client._version = ""
        with pytest.raises(DaemonError, match=r"its API is 1.12, and the oldest spoken here is 1.24"):
            client.version  # noqa: B018


def test_a_newer_engine_is_spoken_with_in_our_newest(tmp_path: Path) -> None:
    with saying(tmp_path, b"HTTP/1.1 200 OK\r\nApi-Version: 1.99\r\nContent-Length: 2\r\n\r\nOK") as client:
        client._version = ""
        assert client.version == "1.45"


def test_an_engine_that_refuses_before_the_whole_body_came_is_heard(tmp_path: Path) -> None:
    refusal = b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 17\r\n\r\n{"message": "no"}'
    with saying(tmp_path, refusal) as client, pytest.raises((faults.BadRequest, DaemonError)) as error:
        client.json("POST", "/images/load", body=(b"x" * 100_000 for _ in range(200)))
    assert error.value.status in (400, 0)


@pytest.mark.parametrize("body", [b"\x01\0\0\0\0\0\0\x05ab", b"plain text here"])
def test_output_that_is_cut_or_not_framed_is_a_format_error(tmp_path: Path, body: bytes) -> None:
    with saying(tmp_path, OK + b"\r\n" + body) as client, pytest.raises(FormatError):
        list(client.output("GET", "/containers/a/logs"))
