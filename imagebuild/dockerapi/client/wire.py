# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 as an engine answers it (RFC 9112): the head of an answer, and the framing of its body.

Written here rather than taken from ``http.client`` because attach and exec leave HTTP in the middle of a connection,
and because an engine that misbehaves must cost neither memory nor time. Each rule that an answer breaks is a
:class:`NotHttp`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from ...errors import quoted

#: The head of an answer (with those of ``100 Continue`` before it) is not longer than this.
MAX_HEAD = 256 << 10
#: A line that says how long a chunk is, and the trailers behind the last chunk, are not longer than this.
MAX_LINE = 16 << 10
RECEIVE = 256 << 10

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\n]*)?")
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?")
_LENGTH = re.compile(r"\d{1,18}")


class NotHttp(ValueError):
    """The engine said something that is not an HTTP answer."""


class CutShort(ConnectionError):
    """The connection ended in the middle of an answer, or before it."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer. Names are in lower case; what is said twice is joined by a comma."""

    status: int
    headers: dict[str, str]
    persistent: bool  #: whether the engine keeps the connection when the answer is through


class Reader:
    """Reads answers, one after another, from what ``receive`` gives (``b""`` at the end of the connection)."""

    def __init__(self, receive: Callable[[int], bytes]) -> None:
        self._receive = receive
        self._held = b""  # received and not read yet, from _start on
        self._start = 0

    def head(self) -> Head:
        """The head of the next answer; ``100 Continue`` and its like are passed over, 101 is not."""
        spent = 0
        while True:
            block = self._block(MAX_HEAD - spent)
            spent += len(block)
            head = _parse(block)
            if head.status >= 200 or head.status == 101:
                return head

    def body(self, head: Head, method: str) -> tuple[Iterator[bytes], bool]:
        """The parts of the body as they arrive, and whether it has an end of its own (else the connection's)."""
        if method == "HEAD" or head.status in (204, 304) or head.status < 200:
            return iter(()), True
        coding = head.headers.get("transfer-encoding")
        if coding is not None:
            if coding.lower() != "chunked":
                raise NotHttp(f"it sends in a transfer coding that is not known here: {quoted(coding[:80])}")
            return self._chunks(), True
        length = head.headers.get("content-length")
        if length is None:
            return self._until_closed(), False
        values = {one.strip() for one in length.split(",")}
        if len(values) != 1 or not _LENGTH.fullmatch(value := values.pop()):
            raise NotHttp(f"its answer has no usable length: {quoted(length[:80])}")
        return self._exactly(int(value)), True

    def rest(self) -> bytes:
        """What was received and not read, taken out: what came behind a head that ended HTTP."""
        rest, self._held, self._start = self._held[self._start:], b"", 0
        return rest

    @property
    def empty(self) -> bool:
        """Whether all that was received is read."""
        return self._start == len(self._held)

    def _block(self, limit: int) -> bytes:
        """Up to the next empty line."""
        gathered = bytearray(self.rest())
        searched = 0
        while True:
            end = gathered.find(b"\r\n\r\n", searched)
            if end >= 0:
                break
            if len(gathered) > limit:
                raise NotHttp(f"the head of its answer is longer than {MAX_HEAD >> 10} KiB")
            if searched == 0 and len(gathered) > 4 and not gathered.startswith(b"HTTP/"):
                raise NotHttp(f"its answer begins with {quoted(bytes(gathered[:40]))}")
            searched = max(len(gathered) - 3, 0)
            data = self._receive(RECEIVE)
            if not data:
                raise CutShort("it closed the connection in the head of its answer" if gathered else
                               "it closed the connection without an answer")
            gathered += data
        if end > limit:
            raise NotHttp(f"the head of its answer is longer than {MAX_HEAD >> 10} KiB")
        self._held, self._start = bytes(gathered[end + 4:]), 0
        return bytes(gathered[:end])

    def _some(self, most: int) -> bytes:
        """From one to ``most`` bytes: those that are held, else what arrives next."""
        if self._start < len(self._held):
            if not self._start and len(self._held) <= most:
                data, self._held = self._held, b""
                return data
            data = self._held[self._start:self._start + most]
            self._start += len(data)
            return data
        data = self._receive(min(most, RECEIVE))
        if not data:
            raise CutShort("it closed the connection in the middle of its answer")
        return data

    def _exactly(self, size: int) -> Iterator[bytes]:
        while size:
            data = self._some(size)
            size -= len(data)
            yield data

    def _until_closed(self) -> Iterator[bytes]:
        rest = self.rest()
        if rest:
            yield rest
        while data := self._receive(RECEIVE):
            yield data

    def _chunks(self) -> Iterator[bytes]:
        while True:
            found = _SIZE.fullmatch(self._line(MAX_LINE))
            if found is None:
                raise NotHttp("a chunk of its answer begins without its length")
            size = int(found[1], 16)
            if not size:
                break
            while size:
                if self._start == len(self._held):  # more than one chunk may come at once
                    self._fill()
                data = self._some(size)
                size -= len(data)
                yield data
            if self._line(2):
                raise NotHttp("a chunk of its answer is longer than it says")
        spent = 0
        while line := self._line(MAX_LINE):
            spent += len(line)
            if spent > MAX_LINE:
                raise NotHttp(f"the trailers of its answer are longer than {MAX_LINE >> 10} KiB")

    def _line(self, limit: int) -> bytes:
        """The next line without its end."""
        while (end := self._held.find(b"\n", self._start)) < 0:
            if len(self._held) - self._start > limit:
                raise NotHttp("a line in the framing of its answer is too long")
            self._fill()
        line = self._held[self._start:end]
        if len(line) > limit + 1:
            raise NotHttp("a line in the framing of its answer is too long")
        self._start = end + 1
        return line.removesuffix(b"\r")

    def _fill(self) -> None:
        data = self._receive(RECEIVE)
        if not data:
            raise CutShort("it closed the connection in the middle of its answer")
        self._held, self._start = self._held[self._start:] + data, 0


def _parse(block: bytes) -> Head:
    """A head from its lines. A line that is folded over two (obsolete since 2014) is refused."""
    first, _unused, rest = block.partition(b"\r\n")
    found = _STATUS.fullmatch(first)
    if found is None:
        raise NotHttp(f"its answer begins with {quoted(first[:40])}")
    headers: dict[str, str] = {}
    for line in rest.split(b"\r\n") if rest else ():
        key, text = _field(line)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    said = headers.get("connection", "").lower()
    persistent = "close" not in said if found[1] == b"1" else "keep-alive" in said
    return Head(int(found[2]), headers, persistent)


@lru_cache(maxsize=64)
def _field(line: bytes) -> tuple[str, str]:
    """Return the name, in small letters, and the value of a header. Most lines of an engine's answers are alike."""
    name, colon, value = line.partition(b":")
    if not colon or not _NAME.fullmatch(name) or b"\n" in value or b"\0" in value:
        raise NotHttp(f"a header of its answer is malformed: {quoted(line[:40])}")
    return name.decode("ascii").lower(), value.strip(b" \t").decode("utf-8", "replace")
