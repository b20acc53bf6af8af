# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as it passes through: where a message ends, what it asks, and every byte as it came."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ...errors import quoted

MAX_HEAD = 256 << 10
MAX_LINE = 16 << 10
PIECE = 256 << 10

_REQUEST = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) (\S{1,16384}) HTTP/1\.([01])")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
_RAW = ("application/vnd.docker.raw-stream", "application/vnd.docker.multiplexed-stream")


class NotHttp(ValueError):
    """What came is not HTTP."""


class Cut(ConnectionError):
    """The stream ended in the middle of a message."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head, and how its body is framed: ``length`` is None for chunks."""

    raw: bytes
    method: str
    target: str
    length: int | None
    upgrade: bool  #: it asks to leave HTTP, or may: attach and exec

    @property
    def safe(self) -> bool:
        """Whether it may be asked twice: it changes nothing and has no body."""
        return self.method in ("GET", "HEAD") and self.length == 0 and not self.upgrade

    def __str__(self) -> str:
        return f"{self.method} {self.target.partition('?')[0][:120]}"


@dataclass(frozen=True, slots=True)
class Response:
    """A response's head. ``length`` is None for chunks and -1 for a body that ends with the connection."""

    raw: bytes
    status: int
    length: int | None
    persistent: bool
    hijacked: bool  #: HTTP ends here


class Source:
    """Reads messages from what ``receive`` gives (``b""`` at the end)."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._held = b""

    def head(self) -> bytes:
        """The next head, with its empty line; ``b""`` when the stream ends before it begins."""
        searched = 0
        while (end := self._held.find(b"\r\n\r\n", searched)) < 0:
            if len(self._held) > MAX_HEAD:
                raise NotHttp(f"a head is longer than {MAX_HEAD >> 10} KiB")
            searched = max(len(self._held) - 3, 0)
            data = self._receive(PIECE)
            if not data:
                if self._held.strip():
                    raise Cut("it ended in the middle of a head")
                return b""
            self._held = (self._held + data).lstrip(b"\r\n") if not self._held else self._held + data
        head, self._held = self._held[:end + 4], self._held[end + 4:]
        return head

    def body(self, length: int | None) -> Iterator[bytes]:
        """The bytes of a body as they come, its framing included."""
        if length is None:
            yield from self._chunks()
        elif length < 0:
            yield from self.rest()
        else:
            while length:
                data = self._some(length)
                length -= len(data)
                yield data

    def rest(self) -> Iterator[bytes]:
        """All that comes until the end."""
        data, self._held = self._held, b""
        if data:
            yield data
        while data := self._receive(PIECE):
            yield data

    @property
    def empty(self) -> bool:
        """Whether all that was received is read."""
        return not self._held

    def _some(self, most: int) -> bytes:
        if not self._held:
            self._held = self._receive(min(most, PIECE))
            if not self._held:
                raise Cut("it ended in the middle of a body")
        data, self._held = self._held[:most], self._held[most:]
        return data

    def _chunks(self) -> Iterator[bytes]:
        while True:
            line = self._line()
            found = _SIZE.fullmatch(line.rstrip(b"\r\n"))
            if found is None:
                raise NotHttp("a chunk begins without its length")
            size = int(found[1], 16)
            if not size:
                break
            yield line
            left = size + 2
            while left:
                data = self._some(left)
                left -= len(data)
                yield data
        end = bytearray(line)
        while (line := self._line()).strip():
            end += line
            if len(end) > MAX_LINE:
                raise NotHttp("trailers are too long")
        yield bytes(end + line)

    def _line(self) -> bytes:
        while (end := self._held.find(b"\n")) < 0:
            if len(self._held) > MAX_LINE:
                raise NotHttp("a line is too long")
            data = self._receive(PIECE)
            if not data:
                raise Cut("it ended in the middle of a body")
            self._held += data
        line, self._held = self._held[:end + 1], self._held[end + 1:]
        return line


def request(raw: bytes) -> Request:
    """A request's head, understood. NotHttp when it is none."""
    first, headers = _head(raw)
    found = _REQUEST.fullmatch(first)
    if found is None:
        raise NotHttp(f"a request begins with {quoted(first[:60])}")
    method, target = found[1].decode("ascii"), found[2].decode("latin-1")
    path = target.partition("?")[0]
    hijacks = method == "POST" and (path.rpartition("/")[2] in ("attach", "session", "grpc") or "/exec/" in path)
    upgrade = "upgrade" in headers.get("connection", "").lower() or hijacks
    return Request(raw, method, target, _length(headers, 0), upgrade)


def response(raw: bytes, method: str, *, upgrade: bool) -> Response:
    """A response's head, understood; ``upgrade`` is whether its request asked to leave HTTP."""
    first, headers = _head(raw)
    found = _STATUS.fullmatch(first)
    if found is None:
        raise NotHttp(f"an answer begins with {quoted(first[:60])}")
    status = int(found[2])
    said = headers.get("connection", "").lower()
    persistent = "close" not in said if found[1] == b"1" else "keep-alive" in said
    length = _length(headers, -1)
    if method == "HEAD" or status in (204, 304) or status < 200:
        length = 0
    hijacked = status == 101 or (upgrade and status == 200 and length == -1
                                 and headers.get("content-type", "").lower().startswith(_RAW))
    return Response(raw, status, length, persistent and length != -1, hijacked)


def _head(raw: bytes) -> tuple[bytes, dict[str, str]]:
    first, *lines = raw.rstrip(b"\r\n").split(b"\r\n")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name != name.strip():
            raise NotHttp(f"a header is malformed: {quoted(line[:60])}")
        key, text = name.decode("latin-1").lower(), value.strip().decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return first, headers


def _length(headers: dict[str, str], otherwise: int) -> int | None:
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if coding.lower() != "chunked" or "content-length" in headers:
            raise NotHttp(f"a body is framed in a way that is not known: {quoted(coding[:60])}")
        return None
    text = headers.get("content-length")
    if text is None:
        return otherwise
    values = {one.strip() for one in text.split(",")}
    if len(values) != 1 or not _LENGTH.fullmatch(value := values.pop()):
        raise NotHttp(f"a length is not a number: {quoted(text[:60])}")
    return int(value)
