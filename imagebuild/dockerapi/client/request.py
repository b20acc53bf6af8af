# SPDX-License-Identifier: Apache-2.0
"""A request as it is sent: its head, the text of its query, and its body."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

from ...errors import UsageError, quoted
from .. import gojson
from ..filters import Filters
from ..shape import Shape

Query = Mapping[str, Any]
Body = Shape | Mapping[str, Any] | bytes | BinaryIO | Iterable[bytes] | None

#: Read from a file, and sent, at a time.
PIECE = 256 << 10

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FORBIDDEN = re.compile(r"[\r\n\0]")


class Prepared:
    """A body and how it is framed: whole (``data``), or in ``parts`` with a ``length`` or in chunks (None)."""

    def __init__(self, body: Body, content_type: str) -> None:
        self.data = b""
        self.parts: Iterable[bytes] | None = None
        self.length: int | None = 0
        self.content_type = ""
        if body is None:
            return
        if isinstance(body, Shape | Mapping):
            body, content_type = gojson.dumps(body if isinstance(body, Shape) else dict(body)), "application/json"
        self.content_type = content_type or "application/x-tar"
        if isinstance(body, bytes):
            self.data, self.length = body, len(body)
        elif hasattr(body, "read"):
            self.length = _remaining(body)
            self.parts = _pieces(body, self.length)
        else:
            self.parts, self.length = body, None

    @property
    def again(self) -> bool:
        """Whether it can be sent a second time."""
        return self.parts is None

    def headers(self) -> list[tuple[str, str]]:
        """The headers that say what the body is."""
        framing = ("Transfer-Encoding", "chunked") if self.length is None else ("Content-Length", str(self.length))
        return [("Content-Type", self.content_type), framing] if self.content_type else [framing]


def head(method: str, target: str, headers: Iterable[tuple[str, str]]) -> bytes:
    """The bytes of a request's head. UsageError for a method, a target or a header that would break out of it."""
    lines = [f"{method} {target} HTTP/1.1"]
    if not _HEADER.fullmatch(method) or " " in target or _FORBIDDEN.search(target):
        raise UsageError("cannot make this call", why=f"{quoted(lines[0][:80])} is not a line of a request")
    for name, value in headers:
        if not _HEADER.fullmatch(name) or _FORBIDDEN.search(value):
            raise UsageError("cannot make this call", why=f"the header {quoted(name[:80])} is malformed")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8")


def target_of(path: str, query: Query | None) -> str:
    """Path and query of a request. None and False are left out, True is ``1``, a list is repeated, the rest is JSON."""
    fields: list[tuple[str, str]] = []
    for name, value in (query or {}).items():
        for one in value if isinstance(value, list | tuple) else (value,):
            text = _query_text(one)
            if text is not None:
                fields.append((name, text))
    target = quote(path, safe="/:@!$&'()*+,;=-._~%")
    return f"{target}?{urlencode(fields)}" if fields else target


def _query_text(value: Any) -> str | None:
    if value is None or value is False:
        return None
    if value is True:
        return "1"
    if isinstance(value, Filters):
        return value.text() or None
    if isinstance(value, Shape | Mapping):
        return gojson.dumps(value if isinstance(value, Shape) else dict(value)).decode()
    return str(value)


def _remaining(file: Any) -> int | None:
    """How much is left in a regular file; None for what only a reader knows (a pipe, a stream that unpacks)."""
    try:
        start = int(file.tell())
        if isinstance(file, io.BytesIO):
            return max(len(file.getbuffer()) - start, 0)
        status = os.fstat(file.fileno())
    except (OSError, ValueError, AttributeError, io.UnsupportedOperation):
        return None
    import stat

    known = stat.S_ISREG(status.st_mode) and isinstance(file, io.BufferedReader | io.BufferedRandom | io.FileIO)
    return max(status.st_size - start, 0) if known else None


def _pieces(file: Any, length: int | None) -> Iterator[bytes]:
    """What is in the file; as much as was promised, or an error: a file may shrink or grow while it is sent."""
    sent = 0
    while length is None or sent < length:
        data = file.read(PIECE if length is None else min(PIECE, length - sent))
        if not data:
            break
        sent += len(data)
        yield data
    if length is not None and sent != length:
        raise UsageError("cannot send the file", why=f"it was {length} bytes long, and ended after {sent}",
                         hint="it changed while it was sent; send it again")
