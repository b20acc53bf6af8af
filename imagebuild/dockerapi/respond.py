# SPDX-License-Identifier: Apache-2.0
"""Answers: ``respond.json(value)``, ``respond.empty()``, ``respond.json_lines(events)``, ``respond.tar(chunks)``.

A response is a plain value. A body that is an iterator is sent chunk by chunk, and the next chunk is asked for when the
client has taken the last.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Any

from . import gojson
from .faults import Fault

JSON = "application/json"
TAR = "application/x-tar"
RAW_STREAM = "application/vnd.docker.raw-stream"
MULTIPLEXED_STREAM = "application/vnd.docker.multiplexed-stream"

Headers = tuple[tuple[str, str], ...]
Body = bytes | AsyncIterable[bytes]


@dataclass(frozen=True, slots=True)
class Response:
    """Status, headers and body. ``length`` is said to the client where a streamed body's size is known before."""

    status: int = 200
    body: Body = b""
    content_type: str = ""
    headers: Headers = ()
    length: int | None = None


def json(value: Any, status: int = 200, *, headers: Headers = ()) -> Response:
    """A JSON document: a shape, or anything made of dicts, lists, texts and numbers."""
    return Response(status, gojson.dumps(value) + b"\n", JSON, headers)


def empty(status: int = 204, *, headers: Headers = ()) -> Response:
    """Done, nothing to say."""
    return Response(status, headers=headers)


def text(value: str, status: int = 200, *, headers: Headers = ()) -> Response:
    """Plain text; ``_ping`` answers ``OK``."""
    return Response(status, value.encode(), "text/plain; charset=utf-8", headers)


def json_lines(values: AsyncIterable[Any], *, status: int = 200, headers: Headers = ()) -> Response:
    """A stream of JSON documents, a line each, sent as they come: events, progress of a pull or build, stats.

    A fault that the iterator raises becomes a last line with ``errorDetail``, which is how clients learn of a pull
    that failed after it began.
    """
    from .jsonlines import Message, error_line

    async def lines() -> AsyncIterator[bytes]:
        try:
            async for value in values:
                yield value.line() if isinstance(value, Message) else gojson.dumps(value) + b"\n"
        except Fault as fault:
            yield error_line(fault.message, fault.line_code)

    return Response(status, lines(), JSON, headers)


def tar(chunks: AsyncIterable[bytes], *, headers: Headers = (), length: int | None = None) -> Response:
    """A tar archive."""
    return Response(200, chunks, TAR, headers, length)


def raw(chunks: AsyncIterable[bytes], *, multiplexed: bool = False, headers: Headers = ()) -> Response:
    """Output of a container: as it is (tty), or in frames of :mod:`.streams`."""
    return Response(200, chunks, MULTIPLEXED_STREAM if multiplexed else RAW_STREAM, headers)


def error(fault: Fault) -> Response:
    """``{"message": …}`` with the fault's status."""
    if fault.status == 304:
        return empty(304)
    return json({"message": fault.message}, fault.status)
