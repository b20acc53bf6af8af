# SPDX-License-Identifier: Apache-2.0
"""Streams of JSON documents: what a pull, push, load or build says while it works, events, stats.

moby's ``pkg/jsonmessage``: each document is one line (CRLF), an error is a line with ``errorDetail``, results such as
an image's id come under ``aux``. Readers must not count on lines: documents may stand back to back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..errors import FormatError
from . import gojson

#: One document is not longer than this; a stream that is would fill the memory.
MAX_DOCUMENT = 8 << 20

_SPECIAL = re.compile(rb'["\\]')


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a transfer is, in bytes unless ``units`` says otherwise."""

    current: int = 0
    total: int = 0
    units: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One line. Fields that are empty are not sent; ``aux`` is any JSON value (``{"ID": "sha256:…"}``)."""

    stream: str = ""
    status: str = ""
    id: str = ""
    progress: Progress | None = None
    error: str = ""
    code: int = 0
    aux: Any = None
    raw: Any = field(default=None, compare=False, repr=False)

    def line(self) -> bytes:
        """As it goes over the wire."""
        return gojson.dumps(self.document()) + b"\r\n"

    def document(self) -> dict[str, Any]:
        """The line as a document. An error is written twice, once for clients of long ago."""
        out: dict[str, Any] = {}
        if self.stream:
            out["stream"] = self.stream
        if self.status:
            out["status"] = self.status
        if self.progress:
            detail = {"current": self.progress.current, "total": self.progress.total, "units": self.progress.units}
            out["progressDetail"] = {key: value for key, value in detail.items() if value}
        if self.id:
            out["id"] = self.id
        if self.error:
            out["errorDetail"] = ({"code": self.code} if self.code else {}) | {"message": self.error}
            out["error"] = self.error
        if self.aux is not None:
            out["aux"] = self.aux
        return out


def error_line(message: str, code: int = 0) -> bytes:
    """The last line of something that failed after it began."""
    return Message(error=message, code=code).line()


def message(value: Any) -> Message:
    """A message from a document that was read; what is no text or no number is left out."""
    if not isinstance(value, dict):
        return Message(raw=value)
    detail, failed = value.get("progressDetail"), value.get("errorDetail")
    progress = None
    if isinstance(detail, dict) and detail:
        progress = Progress(_number(detail.get("current")), _number(detail.get("total")), _text(detail.get("units")))
    failed = failed if isinstance(failed, dict) else {}
    return Message(stream=_text(value.get("stream")), status=_text(value.get("status")), id=_text(value.get("id")),
                   progress=progress, error=_text(failed.get("message")) or _text(value.get("error")),
                   code=_number(failed.get("code")), aux=value.get("aux"), raw=value)


class Decoder:
    """Takes bytes as they come and gives each document once it is whole: ``for value in decoder.feed(data)``."""

    def __init__(self, limit: int = MAX_DOCUMENT) -> None:
        self._limit = limit
        self._held = bytearray()
        self._depth = 0  # of brackets, outside strings
        self._quoted = False
        self._escaped = False
        self._scanned = 0
        self._begun = False
        self._passed = 0  # bytes of documents that were given out

    def feed(self, data: bytes) -> Iterator[Any]:
        """The documents that ``data`` completes. FormatError (with the offset in the stream) for what is no JSON."""
        self._held += data
        while (end := self._end()) is not None:
            document = bytes(self._held[:end])
            yield self._parse(document)
            del self._held[:end]
            self._passed += end
            self._scanned, self._begun = 0, False
        if len(self._held) > self._limit:
            raise FormatError("cannot read the stream", offset=self._passed, source="JSON stream",
                              why=f"a document is longer than {self._limit} bytes")

    def close(self) -> Iterator[Any]:
        """The stream is at its end: a last number or word has no bracket to end it. FormatError when it is cut."""
        rest = bytes(self._held)
        self._held.clear()
        if rest.strip():
            yield self._parse(rest)

    def _parse(self, document: bytes) -> Any:
        try:
            return json.loads(document)
        except (ValueError, RecursionError) as error:
            raise FormatError("cannot read the stream", offset=self._passed + getattr(error, "pos", 0),
                              source="JSON stream", why=f"it is not JSON ({error})") from None

    def _end(self) -> int | None:
        """Where the first document in what is held ends, or None when more is needed."""
        held = self._held
        position, length = self._scanned, len(held)
        while position < length:
            byte = held[position]
            if self._quoted:
                if self._escaped:
                    self._escaped = False
                elif byte == 0x5C:
                    self._escaped = True
                elif byte == 0x22:
                    self._quoted = False
                    if not self._depth:
                        return position + 1
                else:  # skip to the next byte that means something, at C speed
                    found = _SPECIAL.search(held, position)
                    position = found.start() if found else length
                    continue
            elif byte == 0x22:
                self._quoted = self._begun = True
            elif byte in b"{[":
                self._depth, self._begun = self._depth + 1, True
            elif byte in b"}]":
                self._depth = max(self._depth - 1, 0)
                if not self._depth:
                    return position + 1
            elif byte in b" \t\r\n":
                if self._begun and not self._depth:
                    return position
            else:
                self._begun = True
            position += 1
        self._scanned = position
        return None


def documents(chunks: Iterable[bytes], limit: int = MAX_DOCUMENT) -> Iterator[Any]:
    """The documents of a whole stream. FormatError when it is cut, or no JSON."""
    decoder = Decoder(limit)
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.close()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
