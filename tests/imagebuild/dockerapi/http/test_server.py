# SPDX-License-Identifier: Apache-2.0
"""The server at work: ordinary clients, and those that break rules, stall or leave."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.wire import Conversation, serving

from imagebuild.dockerapi import Limits, Request, Response, Route, VersionRange, faults, respond
from imagebuild.errors import FormatError, StoreError

GET = b"GET /%s HTTP/1.1\r\nHost: d\r\n\r\n"


class App:
    """What handlers of these tests share."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.started = asyncio.Event()
        self.done = asyncio.Event()
        self.errors: list[tuple[str, BaseException]] = []


async def ping(request: Request, app: App) -> Response:
    return respond.text("OK")


async def count(request: Request, app: App) -> Response:
    size = 0
    async for data in request.body:
        size += len(data)
    return respond.json({"Size": size})


async def ignore(request: Request, app: App) -> Response:
    return respond.empty()


async def letters(request: Request, app: App) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        for letter in (b"a", b"", b"bc"):
            yield letter
    return respond.tar(parts())


async def wait(request: Request, app: App) -> Response:
    app.started.set()
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        app.events.append("cancelled")
        app.done.set()
        raise
    return respond.empty()


async def slow(request: Request, app: App) -> Response:
    app.started.set()
    await asyncio.sleep(0.15)
    app.events.append("finished")
    app.done.set()
    return respond.text("late")


async def endless(request: Request, app: App) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"x" * 65536
        finally:
            app.events.append("closed")
            app.done.set()
    return respond.raw(parts())


async def breaks(request: Request, app: App) -> Response:
    async def parts() -> AsyncIterator[bytes]:
        yield b"half"
        raise RuntimeError("disk full")
    return respond.raw(parts())


async def bug(request: Request, app: App) -> Response:
    raise {"error": RuntimeError("a\nbug"), "input": FormatError("no hive", why="cut"),
           "fault": faults.no_such_container("x"), "same": faults.NotModified("")}[request["kind"]]


async def nothing(request: Request, app: App) -> None:
    return None


async def echo(request: Request, app: App) -> None:
    stream = await request.hijack(multiplexed=request.flag("mux"))
    app.started.set()
    try:
        async for data in stream:
            await stream.write(data.upper())
        await stream.write(b"<end>")
    except asyncio.CancelledError:
        app.events.append("cancelled")
        app.done.set()
        raise


async def mute(request: Request, app: App) -> None:
    await request.hijack()
    app.started.set()
    try:
        await asyncio.sleep(60)
    finally:
        app.events.append("ended")
        app.done.set()


ROUTES = [
    Route("GET", "/_ping", ping), Route("POST", "/count", count), Route("POST", "/ignore", ignore),
    Route("GET", "/letters", letters), Route("GET", "/wait", wait), Route("GET", "/slow", slow),
    Route("POST", "/stop", slow, to_the_end=True), Route("GET", "/endless", endless), Route("GET", "/breaks", breaks),
    Route("GET", "/bug/{kind}", bug), Route("GET", "/nothing", nothing), Route("POST", "/echo", echo),
    Route("POST", "/mute", mute), Route("GET", "/new", ping, since="1.44"),
]

Talk = Callable[[Conversation, App], Awaitable[None]]


def talk(what: Talk, folder: Path, **options: Any) -> App:
    """Run a conversation on one connection with a server of ``ROUTES``."""
    async def run() -> App:
        app = App()
        async with serving(ROUTES, app, folder, on_error=lambda what, error: app.errors.append((what, error)),
                           **options) as server:
            conversation = await Conversation.open(server.path)
            try:
                async with asyncio.timeout(20):
                    await what(conversation, app)
            finally:
                conversation.close()
        return app
    return asyncio.run(run())


def test_an_answer_names_the_engine_its_api_and_its_system(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        status, headers, body = await client.ask(GET % b"_ping")
        assert (status, body) == (200, b"OK")
        assert headers["api-version"] == "1.45" and headers["ostype"] == "windows"
        assert headers["docker-experimental"] == "false" and headers["server"].startswith("Docker/")
    talk(run, tmp_path)


def test_a_connection_is_used_again_and_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(GET % b"_ping" + b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 3\r\n\r\nabc"
                          + GET % b"letters" + GET % b"nothing" + GET % b"bug/fault" + GET % b"_ping")
        answers = [await client.answer() for _ in range(6)]
        assert [status for status, _, _ in answers] == [200, 200, 200, 200, 404, 200]
        assert [body for _, _, body in answers] == [
            b"OK", b'{"Size":3}\n', b"abc", b"", b'{"message":"No such container: x"}\n', b"OK"]
    talk(run, tmp_path)


def test_a_head_request_is_answered_like_get_without_the_body(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"HEAD /_ping HTTP/1.1\r\nHost: d\r\n\r\n" + GET % b"_ping")
        head = await client.head()
        assert head[0] == 200 and head[1]["content-length"] == "2"
        assert (await client.answer())[2] == b"OK"
    talk(run, tmp_path)


@pytest.mark.parametrize(("head", "body"), [
    (b"Content-Length: 5", b"hello"),
    (b"Transfer-Encoding: chunked", b"2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
])
def test_a_body_arrives_with_a_length_and_in_chunks(tmp_path: Path, head: bytes, body: bytes) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /count HTTP/1.1\r\nHost: d\r\n" + head + b"\r\n\r\n")
        for at in range(len(body)):  # byte by byte
            await client.send(body[at:at + 1])
        assert (await client.answer())[2] == b'{"Size":5}\n'
        assert (await client.ask(GET % b"_ping"))[2] == b"OK"
    talk(run, tmp_path)


def test_a_client_that_asks_first_is_told_to_go_on_when_its_body_is_wanted(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        head = b"HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        await client.send(b"POST /count " + head)
        assert (await client.head())[0] == 100
        await client.send(b"ab")
        assert (await client.answer())[2] == b'{"Size":2}\n'
        status, headers, _ = await client.ask(b"POST /ignore " + head)  # not wanted: the answer, and the end
        assert status == 204 and headers["connection"] == "close"
        assert await client.rest() == b""
    talk(run, tmp_path)


def test_a_body_nobody_read_is_skipped_when_short_and_ends_the_connection_when_long(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /ignore HTTP/1.1\r\nHost: d\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1000)
        assert (await client.answer())[0] == 204
        assert (await client.ask(GET % b"_ping"))[2] == b"OK"
        await client.send(b"POST /ignore HTTP/1.1\r\nHost: d\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000)
        status, headers, _ = await client.answer()
        assert status == 204 and headers["connection"] == "close"
        assert await client.rest() == b""
    talk(run, tmp_path)


def test_a_client_that_ended_its_direction_still_gets_its_answer(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(GET % b"slow")
        client.end()
        assert (await client.answer())[2] == b"late"
        assert app.events == ["finished"]
        assert await client.rest() == b""
    talk(run, tmp_path)


def test_a_client_that_leaves_cancels_its_handler(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(GET % b"wait")
        await app.started.wait()
        client.close()
        await app.done.wait()
        assert app.events == ["cancelled"]
    talk(run, tmp_path)


def test_a_handler_that_must_finish_does_when_its_client_leaves(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /stop HTTP/1.1\r\nHost: d\r\n\r\n")
        await app.started.wait()
        client.close()
        await app.done.wait()
        assert app.events == ["finished"]
    assert not talk(run, tmp_path).errors


def test_a_stream_is_closed_when_its_reader_leaves(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(GET % b"endless")
        await client.head()
        client.close()
        await app.done.wait()
        assert app.events == ["closed"]
    assert not talk(run, tmp_path).errors


def test_a_slow_reader_makes_the_producer_wait(tmp_path: Path) -> None:
    made = 0

    async def produce(request: Request, app: None) -> Response:
        async def parts() -> AsyncIterator[bytes]:
            nonlocal made
            while True:
                made += 1
                yield b"x" * 65536
        return respond.raw(parts())

    async def run() -> None:
        async with serving([Route("GET", "/", produce)], None, tmp_path) as server:
            _, writer = await asyncio.open_unix_connection(server.path, limit=1024)
            writer.write(GET % b"")
            await asyncio.sleep(0.1)
            stopped_at = made
            await asyncio.sleep(0.1)
            assert made == stopped_at and 0 < made < 64
            writer.transport.abort()
    asyncio.run(run())


def test_an_answer_that_breaks_off_is_seen_to_be_cut(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(GET % b"breaks")
        await client.head()
        rest = await client.rest()
        assert rest.startswith(b"4\r\nhalf") and not rest.endswith(b"0\r\n\r\n")
    app = talk(run, tmp_path)
    assert [(what, str(error)) for what, error in app.errors] == [("GET /breaks", "disk full")]


@pytest.mark.parametrize(("kind", "status", "message"), [
    ("error", 500, "a bug"), ("input", 400, "no hive: cut"), ("fault", 404, "No such container: x"),
    ("same", 304, None)])
def test_what_a_handler_raises_becomes_dockers_error(tmp_path: Path, kind: str, status: int,
                                                     message: str | None) -> None:
    async def run(client: Conversation, app: App) -> None:
        answer = await client.ask(GET % f"bug/{kind}".encode())
        assert answer[0] == status
        assert (json.loads(answer[2]) if answer[2] else None) == ({"message": message} if message else None)
        assert (await client.ask(GET % b"_ping"))[0] == 200  # and the connection goes on
    app = talk(run, tmp_path)
    assert [what for what, _ in app.errors] == (["GET /bug/error"] if status == 500 else [])


@pytest.mark.parametrize("data", [
    b"garbage\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\nHost: d\r\n\r\n", b"GET x HTTP/1.1\r\nHost: d\r\n\r\n", b"GET / HTTP/1\r\nHost: d\r\n\r\n",
    b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: -1\r\n\r\n",
    b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    b"POST /count HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
])
def test_what_is_no_http_gets_400_in_dockers_shape(tmp_path: Path, data: bytes) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(data)
        client.end()
        status, headers, body = await client.answer()
        assert status == 400 and headers["content-type"] == "application/json"
        assert json.loads(body)["message"]
        assert await client.rest() == b""
    talk(run, tmp_path)


def test_a_head_that_is_too_large_or_too_slow_is_refused(tmp_path: Path) -> None:
    async def large(client: Conversation, app: App) -> None:
        await client.send(b"GET / HTTP/1.1\r\nX: " + b"y" * 200_000)
        assert (await client.answer())[0] == 431

    async def slowly(client: Conversation, app: App) -> None:
        await client.send(b"GET / HTTP/1.1\r\nHo")
        assert (await client.answer())[0] == 408
        assert await client.rest() == b""

    async def silent(client: Conversation, app: App) -> None:
        assert await client.rest() == b""
    talk(large, tmp_path)
    talk(slowly, tmp_path, limits=Limits(head_seconds=0.1))
    talk(silent, tmp_path, limits=Limits(idle_seconds=0.1))


def test_a_body_that_is_cut_gets_400_while_the_client_listens(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /count HTTP/1.1\r\nHost: d\r\nContent-Length: 10\r\n\r\nabc")
        client.end()
        status, _, body = await client.answer()
        assert (status, json.loads(body)) == (400, {"message": "unexpected EOF"})
    talk(run, tmp_path)


def test_one_client_too_many_is_sent_away(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.ask(GET % b"_ping")
        path = client.path
        second = await Conversation.open(path)
        status, _, body = await second.answer()
        second.close()
        assert (status, json.loads(body)) == (503, {"message": "too many connections"})
        client.close()
        for _ in range(100):
            await asyncio.sleep(0.01)
            third = await Conversation.open(path)
            try:
                if (await third.ask(GET % b"_ping"))[0] == 200:
                    return
            finally:
                third.close()
        pytest.fail("the place was not given free")
    talk(run, tmp_path, limits=Limits(connections=1))


@pytest.mark.parametrize(("path", "status", "message"), [
    ("v1.23/_ping", 400, "client version 1.23 is too old. Minimum supported API version is 1.24, please upgrade your "
                         "client to a newer version"),
    ("v1.46/_ping", 400, "client version 1.46 is too new. Maximum supported API version is 1.45"),
    ("v1.43/new", 400, "GET /new requires minimum API version 1.44"),
    ("v1.41/nowhere", 404, "page not found"), ("count", 404, "page not found"),
    ("v1.45/new", 200, None), ("v1.24/_ping", 200, None), ("new", 200, None),
])
def test_versions_are_held_with_mobys_texts(tmp_path: Path, path: str, status: int, message: str | None) -> None:
    async def run(client: Conversation, app: App) -> None:
        answer = await client.ask(GET % path.encode())
        assert answer[0] == status
        if message:
            assert json.loads(answer[2]) == {"message": message}
    talk(run, tmp_path, versions=VersionRange("1.24", "1.45"))


UPGRADE = b"Connection: Upgrade\r\nUpgrade: tcp\r\n"


@pytest.mark.parametrize(("version", "upgrade", "mux", "status", "media"), [
    ("1.45", True, True, 101, "multiplexed-stream"), ("1.45", True, False, 101, "raw-stream"),
    ("1.41", True, True, 101, "raw-stream"), ("1.45", False, True, 200, "raw-stream")])
def test_a_hijacked_connection_carries_both_directions_and_their_ends(
        tmp_path: Path, version: str, upgrade: bool, mux: bool, status: int, media: str) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /v%s/echo?mux=%d HTTP/1.1\r\nHost: d\r\n%sContent-Length: 0\r\n\r\nearly "
                          % (version.encode(), mux, UPGRADE if upgrade else b""))
        got, headers = await client.head()
        assert got == status and headers["content-type"] == f"application/vnd.docker.{media}"
        assert ("upgrade" in headers) is upgrade and "transfer-encoding" not in headers
        assert await client.exactly(6) == b"EARLY "
        await client.send(b"bytes")
        client.end()
        assert await client.rest() == b"BYTES<end>"
    talk(run, tmp_path)


@pytest.mark.parametrize(("seconds", "reads"), [(60.0, True), (0.05, False)])
def test_output_waits_until_the_head_is_read_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                              seconds: float, reads: bool) -> None:
    monkeypatch.setattr("imagebuild.dockerapi.http.hijack.UNREAD_SECONDS", seconds)

    async def speak(request: Request, app: asyncio.Event) -> None:
        async with await request.hijack() as stream:
            await stream.head_read()
            app.set()
            await stream.write(b"said")

    async def run() -> None:
        said = asyncio.Event()
        async with serving([Route("POST", "/", speak)], said, tmp_path) as server:
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(str(server.path))
                client.sendall(b"POST / HTTP/1.1\r\nHost: d\r\n" + UPGRADE + b"\r\n")
                await asyncio.to_thread(client.recv, 1, socket.MSG_PEEK)
                if reads:
                    await asyncio.sleep(0.1)
                    assert not said.is_set()
                    assert client.recv(65536).endswith(b"\r\n\r\n")
                await asyncio.wait_for(said.wait(), 10)
                data = b""
                while not data.endswith(b"said"):
                    data += await asyncio.to_thread(client.recv, 65536)
    asyncio.run(run())


def test_a_client_that_leaves_while_attached_ends_its_handler_after_a_moment(tmp_path: Path) -> None:
    async def run(client: Conversation, app: App) -> None:
        await client.send(b"POST /mute HTTP/1.1\r\nHost: d\r\n" + UPGRADE + b"\r\n")
        await app.started.wait()
        client.close()
        await app.done.wait()
        assert app.events == ["ended"]
    talk(run, tmp_path, limits=Limits(linger_seconds=0.1))


def test_what_a_client_sent_before_it_left_is_still_read(tmp_path: Path) -> None:
    seen: list[bytes] = []

    async def swallow(request: Request, app: asyncio.Event) -> None:
        stream = await request.hijack()
        await asyncio.sleep(0.05)
        async for data in stream:
            seen.append(data)
        app.set()

    async def run() -> None:
        done = asyncio.Event()
        async with serving([Route("POST", "/", swallow)], done, tmp_path) as server:
            client = await Conversation.open(server.path)
            await client.send(b"POST / HTTP/1.1\r\nHost: d\r\n" + UPGRADE + b"\r\nlast ")
            await client.head()
            await client.send(b"words")
            client.close()
            await asyncio.wait_for(done.wait(), 5)
    asyncio.run(run())
    assert b"".join(seen) == b"last words"


def test_the_socket_is_for_its_owner_and_goes_with_the_server(tmp_path: Path) -> None:
    async def run() -> Path:
        async with serving(ROUTES, None, tmp_path) as server:
            assert stat.S_IMODE(server.path.stat().st_mode) == 0o600
            return server.path
    old = os.umask(0)
    try:
        assert not asyncio.run(run()).exists()
    finally:
        os.umask(old)


def test_a_dead_servers_socket_is_replaced_and_a_living_ones_is_not(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))

    async def run() -> None:
        async with serving(ROUTES, App(), tmp_path, name="s"):
            with pytest.raises(StoreError, match="another server is listening there"):
                async with serving(ROUTES, None, tmp_path, name="s"):
                    pass
            client = await Conversation.open(path)
            assert (await client.ask(GET % b"_ping"))[0] == 200
            client.close()
        path.write_text("mine")
        with pytest.raises(StoreError, match="no socket"):
            async with serving(ROUTES, None, tmp_path, name="s"):
                pass
    asyncio.run(run())


def test_closing_lets_handlers_finish_within_the_grace_and_cancels_the_others(tmp_path: Path) -> None:
    async def run() -> list[str]:
        app = App()
        async with serving(ROUTES, app, tmp_path, grace=0.5) as server:
            first, second = await Conversation.open(server.path), await Conversation.open(server.path)
            await first.send(GET % b"slow")
            await second.send(GET % b"wait")
            await app.started.wait()
            await asyncio.sleep(0.02)
        assert (await first.answer())[2] == b"late"
        first.close()
        second.close()
        return app.events
    assert asyncio.run(run()) == ["finished", "cancelled"]
