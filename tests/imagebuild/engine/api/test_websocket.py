# SPDX-License-Identifier: Apache-2.0
"""Attaching over a WebSocket, with aiohttp's client."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

aiohttp = pytest.importorskip("aiohttp")
Play = Callable[[Any], Awaitable[None]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def play(engine: Served, what: Play) -> None:
    """Run a play with an HTTP session on the engine's socket."""

    async def run() -> None:
        connector = aiohttp.UnixConnector(str(engine.socket))
        async with aiohttp.ClientSession("http://engine", connector=connector) as client:
            await what(client)

    asyncio.run(asyncio.wait_for(run(), 30))


def way(one: str, version: str = "1.45", **query: str) -> str:
    """The path of a WebSocket to a container, with the flags that are 1."""
    return f"/v{version}/containers/{one}/attach/ws?" + "&".join(f"{name}={value}" for name, value in query.items())


STREAMS = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}


async def ended(socket: Any) -> int:
    """Read up to the close frame, which must be the next message: its code."""
    assert (await socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
    return int(socket.close_code)


def test_output_is_one_stream_of_binary_messages_up_to_the_end_of_the_run(engine: Served) -> None:
    heard, one = Heard(engine.engine), engine.create("echo a && sleep 0.2 && error b")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, **STREAMS)) as socket:
            await asyncio.to_thread(engine.post, f"/containers/{one}/start")
            assert [await socket.receive_bytes() for _ in range(2)] == [b"a\r\n", b"b\r\n"]
            assert await ended(socket) == 1000

    play(engine, what)
    assert "attach" in heard.of(one) and "detach" not in heard.of(one)


def test_only_the_streams_that_are_named_are_shown_but_to_a_client_of_old_all(engine: Served) -> None:
    one = engine.create("echo a && sleep 0.2 && error b")
    engine.post(f"/containers/{one}/start")
    wait_for(lambda: engine.inspect(one).state.status == "exited")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, logs="1", stderr="1")) as socket:
            assert await socket.receive_bytes() == b"b\r\n"
            assert await ended(socket) == 1000
        async with client.ws_connect(way(one, "1.41", logs="1")) as socket:
            assert [await socket.receive_bytes() for _ in range(2)] == [b"a\r\n", b"b\r\n"]
        async with client.ws_connect(way(one, "1.27", logs="1")) as socket:
            assert await socket.receive_str() == "a\r\n"  # moby issue 28176

    play(engine, what)


def test_input_arrives_whatever_frames_it_comes_in(engine: Served) -> None:
    one = engine.create("cat", open_stdin=True)
    engine.post(f"/containers/{one}/start")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, **STREAMS)) as socket:
            await socket.send_str("text, ")
            await socket.ping(b"?")
            await socket.send_bytes(b"bytes")
            got = b""
            while len(got) < 11:
                got += await socket.receive_bytes()
            assert got == b"text, bytes"
            big = b"x" * 200_000
            await socket.send_bytes(big)
            got = b""
            while len(got) < len(big):
                got += await socket.receive_bytes()
            assert got == big

    play(engine, what)
    assert engine.inspect(one).state.running
    engine.post(f"/containers/{one}/stop", t=1)


@pytest.mark.parametrize("stdin", ["1", "0"])
def test_a_close_frame_is_answered_and_detaches(engine: Served, stdin: str) -> None:
    heard, one = Heard(engine.engine), engine.create("cat", open_stdin=True)
    engine.post(f"/containers/{one}/start")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, **{**STREAMS, "stdin": stdin})) as socket:
            await socket.close()
            assert socket.close_code == 1000

    play(engine, what)
    wait_for(lambda: "detach" in heard.of(one))
    assert engine.inspect(one).state.running
    engine.post(f"/containers/{one}/stop", t=1)


def test_a_close_frame_ends_the_input_of_a_program_for_one_client(engine: Served) -> None:
    one = engine.create("cat", open_stdin=True, stdin_once=True)
    engine.post(f"/containers/{one}/start")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, **STREAMS)) as socket:
            await socket.send_bytes(b"last")
            assert await socket.receive_bytes() == b"last"

    play(engine, what)
    wait_for(lambda: not engine.inspect(one).state.running)


def test_the_keys_that_detach_do_so(engine: Served) -> None:
    heard, one = Heard(engine.engine), engine.create("cat", open_stdin=True, tty=True)
    engine.post(f"/containers/{one}/start")

    async def what(client: Any) -> None:
        async with client.ws_connect(way(one, **STREAMS, detachKeys="ctrl-x")) as socket:
            await socket.send_bytes(b"\x18")
            assert await ended(socket) == 1000

    play(engine, what)
    wait_for(lambda: "detach" in heard.of(one))
    engine.post(f"/containers/{one}/stop", t=1)


def test_what_is_no_websocket_and_what_does_not_exist_is_refused(engine: Served) -> None:
    one = engine.create("echo a")

    async def what(client: Any) -> None:
        async with client.get(way(one, stream="1")) as answer:
            assert answer.status == 400
            assert (await answer.json())["message"] == "missing or bad upgrade"
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await client.ws_connect(way("nosuch", stream="1"))
        assert refused.value.status == 404

    play(engine, what)
