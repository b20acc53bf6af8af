# SPDX-License-Identifier: Apache-2.0
"""The server's end of a WebSocket: its handshake, and frames of every length, order and fault."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.dockerapi.http.websocket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, accept

HEADERS = {"upgrade": "websocket", "connection": "keep-alive, Upgrade", "sec-websocket-version": "13",
           "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ=="}
"""The example of RFC 6455, section 1.3."""


def test_the_handshake_of_the_rfc_is_accepted() -> None:
    assert accept(HEADERS) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert accept({**HEADERS, "upgrade": "WebSocket", "connection": "upgrade"}) == accept(HEADERS)


@pytest.mark.parametrize(("name", "value", "said"), [
    ("upgrade", "tcp", "missing or bad upgrade"), ("connection", "keep-alive", "missing or bad upgrade"),
    ("sec-websocket-key", "", "mismatch challenge/response"),
    ("sec-websocket-version", "8", "missing or bad WebSocket Version")])
def test_a_handshake_of_another_kind_is_refused(name: str, value: str, said: str) -> None:
    with pytest.raises(faults.BadRequest, match=said):
        accept({**HEADERS, name: value})


def frame(payload: bytes = b"", opcode: int = BINARY, *, last: bool = True, mask: bytes | None = b"\x01\x82\x03\x04",
          extension: int = 0) -> bytes:
    """A frame as a client sends it."""
    length = len(payload)
    few = length if length < 126 else 126 if length < 1 << 16 else 127
    more = b"" if few < 126 else length.to_bytes(2 if few == 126 else 8, "big")
    head = bytes([last << 7 | extension << 4 | opcode, (mask is not None) << 7 | few]) + more
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


Play = Callable[[WebSocket], Awaitable[object]]


def spoken(sent: bytes, play: Play, *, text: bool = False, pieces: int = 1 << 20) -> bytes:
    """What the server's end sends to a client that sends ``sent``, and then ends its direction."""

    async def serve(sock: socket.socket) -> None:
        reader, writer = await asyncio.open_connection(sock=sock)
        end = WebSocket(reader, writer, await reader.read(1), text=text)
        await play(end)
        await end.close()

    async def ask(sock: socket.socket) -> bytes:
        reader, writer = await asyncio.open_connection(sock=sock)
        with contextlib.suppress(ConnectionError):  # the server may end before it has read everything
            for at in range(0, len(sent), pieces):
                writer.write(sent[at:at + pieces])
                await writer.drain()
            writer.write_eof()
        got = b""
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                got += data
        writer.close()
        return got

    async def talk() -> bytes:
        ours, theirs = socket.socketpair()
        return (await asyncio.wait_for(asyncio.gather(ask(ours), serve(theirs)), 20))[0]

    return asyncio.run(talk())


def heard(sent: bytes, *, pieces: int = 1 << 20) -> tuple[bytes, bytes]:
    """What the server reads, and what it sends meanwhile."""
    found = bytearray()

    async def play(end: WebSocket) -> None:
        async for data in end:
            found.extend(data)

    said = spoken(sent, play, pieces=pieces)
    return bytes(found), said


NORMAL_CLOSE, PROTOCOL_CLOSE = b"\x88\x02\x03\xe8", b"\x88\x02\x03\xea"


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 300_000])
def test_a_message_of_any_length_arrives_and_leaves(length: int) -> None:
    data = bytes(at % 251 for at in range(length))
    got, said = heard(frame(data) + frame(opcode=CLOSE))
    assert got == data and said == NORMAL_CLOSE

    async def play(end: WebSocket) -> None:
        await end.write(data)

    assert spoken(frame(opcode=CLOSE), play) == (frame(data, mask=None) if data else b"") + NORMAL_CLOSE


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=300), st.sampled_from([TEXT, BINARY, CONTINUATION]), st.booleans()),
                max_size=6), st.integers(1, 9), st.binary(min_size=4, max_size=4))
def test_messages_are_one_stream_however_they_are_cut(messages: list[tuple[bytes, int, bool]], pieces: int,
                                                      mask: bytes) -> None:
    sent = b"".join(frame(data, opcode, last=last, mask=mask) for data, opcode, last in messages)
    got, said = heard(sent + frame(opcode=CLOSE), pieces=pieces)
    assert got == b"".join(data for data, _, _ in messages)
    assert said == NORMAL_CLOSE


def test_a_ping_is_answered_in_the_middle_of_a_message() -> None:
    got, said = heard(frame(b"a", last=False) + frame(b"still there?", PING) + frame(b"yes", PONG)
                     + frame(b"b", CONTINUATION))
    assert got == b"ab"
    assert said == frame(b"still there?", PONG, mask=None) + NORMAL_CLOSE


@pytest.mark.parametrize("bad", [
    frame(b"x", mask=None), frame(b"x", extension=4), frame(b"x", 3), frame(b"x", 11), frame(b"x" * 126, PING),
    frame(b"x", PING, last=False), frame(b"x", CLOSE, last=False)])
def test_a_frame_that_the_protocol_forbids_ends_the_connection(bad: bytes) -> None:
    got, said = heard(frame(b"before") + bad + frame(b"after"))
    assert got == b"before" and said == PROTOCOL_CLOSE


@pytest.mark.parametrize("cut", [1, 2, 5, 8])
def test_a_client_that_leaves_in_the_middle_of_a_frame_has_left(cut: int) -> None:
    got, said = heard(frame(b"whole") + frame(b"half")[:cut])
    assert got == b"whole" + b"half"[:max(cut - 6, 0)] and said == NORMAL_CLOSE


def test_a_length_that_is_a_lie_takes_no_memory() -> None:
    sent = b"\x82\xff" + (1 << 62).to_bytes(8, "big") + b"\0\0\0\0" + b"little"
    assert heard(sent)[0] == b"little"


def test_messages_to_a_client_of_old_are_text() -> None:
    async def play(end: WebSocket) -> None:
        await end.write_frame(2, b"said")
        await end.write(b"")

    assert spoken(frame(opcode=CLOSE), play, text=True) == frame(b"said", TEXT, mask=None) + NORMAL_CLOSE
