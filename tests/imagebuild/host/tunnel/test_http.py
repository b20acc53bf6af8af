# SPDX-License-Identifier: Apache-2.0
"""HTTP as it passes through the tunnel: every byte as it came, and where a message ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.host.tunnel import http


def source(data: bytes, size: int = 7) -> http.Source:
    """The bytes in pieces."""
    pieces = [data[start:start + size] for start in range(0, len(data), size)]
    return http.Source(lambda _: pieces.pop(0) if pieces else b"")


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize(("body", "length"), [
    (b"hello", 5), (b"", 0), (b"5\r\nhello\r\n0\r\n\r\n", None), (b"5;x=y\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", None),
])
def test_a_message_passes_as_it_came_and_the_next_begins_behind_it(body: bytes, length: int | None, size: int) -> None:
    head = b"GET /x HTTP/1.1\r\nHost: d\r\n\r\n"
    found = source(head + body + head, size)
    assert found.head() == head
    assert b"".join(found.body(length)) == body
    assert found.head() == head
    assert found.head() == b""


def test_a_body_without_an_end_lasts_until_the_streams() -> None:
    assert b"".join(source(b"hello").body(-1)) == b"hello"


@pytest.mark.parametrize("use", [lambda one: one.head(), lambda one: list(one.body(9)),
                                 lambda one: list(one.body(None))])
def test_a_stream_that_is_cut_is_told(use: Callable[[http.Source], object]) -> None:
    with pytest.raises(http.Cut):
        use(source(b"5\r\nhel"))


@pytest.mark.parametrize("data", [b"\x16\x03\x01\r\n\r\n", b"GET  /x HTTP/1.1\r\n\r\n", b"GET /x HTTP/2\r\n\r\n",
                                  b"GET /x HTTP/1.1\r\nx\r\n\r\n", b"GET /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                  b"GET /x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                                  b"GET /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                                  b"GET /x HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n"])
def test_what_is_not_a_request_is_refused(data: bytes) -> None:
    with pytest.raises(http.NotHttp):
        http.request(data)


@pytest.mark.parametrize(("line", "safe", "upgrade"), [
    ("GET /v1.45/containers/json?x=1", True, False), ("POST /v1.45/containers/create", False, False),
    ("POST /v1.45/exec/ab/start", False, True), ("POST /containers/ab/attach?stream=1", False, True),
    ("POST /session", False, True), ("DELETE /containers/ab", False, False), ("HEAD /_ping", True, False),
])
def test_what_may_be_asked_twice_and_what_may_leave_http(line: str, safe: bool, upgrade: bool) -> None:
    found = http.request(f"{line} HTTP/1.1\r\nHost: d\r\n\r\n".encode())
    assert (found.safe, found.upgrade) == (safe, upgrade)
    assert str(found) == line.partition("?")[0]


RAW = "Content-Type: application/vnd.docker.raw-stream"


@pytest.mark.parametrize(("text", "method", "upgrade", "length", "persistent", "hijacked"), [
    ("HTTP/1.1 200 OK\r\nContent-Length: 5", "GET", False, 5, True, False),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5", "HEAD", False, 0, True, False),
    ("HTTP/1.1 204 No Content", "POST", False, 0, True, False),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", "GET", False, None, True, False),
    ("HTTP/1.1 200 OK\r\nConnection: close", "GET", False, -1, False, False),
    ("HTTP/1.0 200 OK\r\nContent-Length: 1", "GET", False, 1, False, False),
    ("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade", "POST", True, 0, True, True),
    (f"HTTP/1.1 200 OK\r\n{RAW}", "POST", True, -1, False, True),
    (f"HTTP/1.1 200 OK\r\n{RAW}\r\nTransfer-Encoding: chunked", "GET", False, None, True, False),
])
def test_how_an_answer_ends(text: str, method: str, upgrade: bool, length: int | None, persistent: bool,
                            hijacked: bool) -> None:
    found = http.response(f"{text}\r\n\r\n".encode(), method, upgrade=upgrade)
    assert (found.length, found.hijacked) == (length, hijacked)
    if not hijacked:
        assert found.persistent == persistent


@given(st.binary(max_size=200), st.integers(1, 9))
def test_whatever_comes_it_is_passed_on_or_refused(data: bytes, size: int) -> None:
    for parse in (http.request, lambda raw: http.response(raw, "GET", upgrade=True)):
        found = source(data, size)
        try:
            raw = found.head()
            if raw:
                parse(raw)
            list(found.body(None))
        except (http.NotHttp, http.Cut):
            pass
