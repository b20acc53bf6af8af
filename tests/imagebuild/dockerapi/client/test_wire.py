# SPDX-License-Identifier: Apache-2.0
"""Answers as bytes: every cut of them reads the same, and as h11 reads them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import h11
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuild.dockerapi.client.wire import MAX_HEAD, CutShort, Head, NotHttp, Reader

NAMES = st.sampled_from(["Content-Type", "X-A", "Api-Version", "x-b"])
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)
BODIES = st.lists(st.binary(min_size=1, max_size=200), max_size=5)


def receiving(data: bytes, cuts: list[int]) -> Callable[[int], bytes]:
    """What gives ``data`` in pieces of these lengths, then the end."""
    rest, lengths = [data], list(cuts)

    def receive(size: int) -> bytes:
        length = min(size, lengths.pop(0) if lengths else size)
        piece, rest[0] = rest[0][:length], rest[0][length:]
        return piece
    return receive


def read(data: bytes, cuts: list[int] | None = None, method: str = "GET") -> tuple[Head, bytes, bytes]:
    """Head, body, and what is behind."""
    reader = Reader(receiving(data, cuts or []))
    head = reader.head()
    parts, _ = reader.body(head, method)
    return head, b"".join(parts), reader.rest()


def by_h11(data: bytes, method: str = "GET") -> tuple[int, bytes]:
    """The same by h11."""
    wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    wire.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
    wire.send(h11.EndOfMessage())
    wire.receive_data(data)
    wire.receive_data(b"")
    status, body = 0, b""
    while True:
        event = wire.next_event()
        if isinstance(event, h11.Response):
            status = event.status_code
        elif isinstance(event, h11.Data):
            body += bytes(event.data)
        elif isinstance(event, h11.EndOfMessage):
            return status, body
        assert not isinstance(event, h11.ConnectionClosed)


@given(st.sampled_from([200, 201, 204, 304, 404, 500]), st.lists(st.tuples(NAMES, VALUES), max_size=4), BODIES,
       st.sampled_from(["length", "chunked", "close"]), st.lists(st.integers(1, 50), max_size=40),
       st.sampled_from(["GET", "HEAD"]))
def test_an_answer_in_any_pieces_is_what_h11_reads(status: int, headers: list[tuple[str, str]], parts: list[bytes],
                                                   framing: str, cuts: list[int], method: str) -> None:
    body, bodiless = b"".join(parts), method == "HEAD" or status in (204, 304)
    head = f"HTTP/1.1 {status} Words here\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers)
    sent = {"length": body, "close": body, "chunked": b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in parts)
            + b"0\r\n\r\n"}[framing]
    head += {"length": f"Content-Length: {len(body)}\r\n", "chunked": "Transfer-Encoding: chunked\r\n",
             "close": "Connection: close\r\n"}[framing]
    data = head.encode() + b"\r\n" + (b"" if bodiless else sent)
    found, ours, behind = read(data, cuts, method)
    assert (found.status, ours) == by_h11(data, method) == (status, b"" if bodiless else body)
    assert not behind
    for name in {name.lower() for name, _ in headers}:
        assert found.headers[name] == ", ".join(value for one, value in headers if one.lower() == name)


@given(st.lists(st.integers(1, 5), max_size=60))
def test_what_comes_behind_an_answer_is_kept(cuts: list[int]) -> None:
    head, body, behind = read(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhimore", cuts)
    assert head.persistent and body == b"hi" and b"more".startswith(behind)
    head, body, behind = read(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\nraw", cuts)
    assert head.status == 101 and not body and b"raw".startswith(behind)


@pytest.mark.parametrize(("line", "kept"), [
    (b"HTTP/1.1 200 OK\r\n", True), (b"HTTP/1.1 200\r\n", True), (b"HTTP/1.0 200 OK\r\n", False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", True), (b"HTTP/1.1 200 OK\r\nConnection: Close\r\n", False),
])
def test_who_keeps_a_connection_is_said_by_the_head(line: bytes, kept: bool) -> None:
    assert read(line + b"Content-Length: 0\r\n\r\n")[0].persistent is kept


def test_chunks_have_extensions_and_trailers_that_are_passed_over() -> None:
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n"
    assert read(data)[1:] == (b"hi", b"")


@given(st.binary(max_size=400))
@example(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n")
@example(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi")
def test_any_bytes_are_an_answer_or_one_of_two_errors(data: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\n"
    for answer in (data, head + data, head + b"Transfer-Encoding: chunked\r\n\r\n" + data):
        with contextlib.suppress(NotHttp, CutShort):
            read(answer, [1] * 50)
