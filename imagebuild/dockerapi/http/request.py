# SPDX-License-Identifier: Apache-2.0
"""A request, with its query, headers and body read the way moby reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from .. import faults, gojson
from ..filters import Filters
from ..versions import ApiVersion
from .body import Body

if TYPE_CHECKING:
    from ..respond import Headers
    from .hijack import Hijacked
    from .routing import Route
    from .websocket import WebSocket

T = TypeVar("T")
H = TypeVar("H", bound="Hijacked")

#: Bytes of a JSON body. A create request has some kilobytes; one that exposes all ports there are just fits. moby has
#: no bound, and a thread for each client; here the reader of JSON holds up every client while it reads.
MAX_JSON = 1 << 20
#: A body with more bytes is taken apart in a thread.
SMALL_JSON = 32 << 10


class TakeOver(Protocol):
    """Ends HTTP on a request's connection: writes the status and headers of the answer, returns what ``make`` makes of
    the reader, the writer, and the bytes that came together with the request."""

    async def __call__(self, status: str, headers: Headers,
                       make: Callable[[asyncio.StreamReader, asyncio.StreamWriter, bytes], H]) -> H: ...


@dataclass(slots=True)
class Request:
    """What a handler gets. ``values`` are the placeholders of its route, ``version`` what the client speaks."""

    method: str
    path: str  #: decoded, without the version
    query: dict[str, list[str]]
    headers: dict[str, str]  #: names in lower case; repeated ones joined by a comma
    body: Body
    version: ApiVersion
    asked: str = ""  #: the version as its path has it; empty without
    route: Route | None = None
    values: dict[str, str] = field(default_factory=dict)
    _hijack: TakeOver | None = None

    def __getitem__(self, name: str) -> str:
        """What a placeholder of the route stands for: ``request["id"]``."""
        return self.values[name]

    # --- the query, as api/server/httputils/form.go reads it

    def has(self, name: str) -> bool:
        """Whether the query names it at all."""
        return name in self.query

    def text(self, name: str, default: str = "") -> str:
        """The first value, ``default`` when there is none."""
        found = self.query.get(name)
        return found[0] if found else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value of a name that may stand several times (``t`` of a build)."""
        return tuple(self.query.get(name, ()))

    def flag(self, name: str, default: bool = False) -> bool:
        """Docker's truth: all but an empty text, ``0``, ``no``, ``false`` and ``none`` is true."""
        if name not in self.query:
            return default
        return self.text(name).strip().lower() not in ("", "0", "no", "false", "none")

    def number(self, name: str, default: int = 0) -> int:
        """A whole number of 64 bits. BadRequest with Go's text for anything else."""
        text = self.text(name)
        if not text:
            return default
        digits = text[1:] if text[0] in "+-" else text
        if not (digits.isascii() and digits.isdigit()):
            raise faults.BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if len(digits) > 19 or not -(1 << 63) <= int(text) < 1 << 63:
            raise faults.BadRequest(f'strconv.ParseInt: parsing "{text}": value out of range')
        return int(text)

    def filters(self, name: str = "filters") -> Filters:
        """The ``filters`` of a list call, in the form of now or of API 1.21. BadRequest when they are neither."""
        return Filters.parse(self.text(name))

    def document(self, name: str) -> Any:
        """A query value that is JSON (``buildargs``, ``labels``); None when it is not there."""
        text = self.text(name)
        if not text:
            return None
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            raise faults.BadRequest(f"{name}: invalid JSON") from None

    # --- headers and body

    def header(self, name: str, default: str = "") -> str:
        """A header, whatever its case."""
        return self.headers.get(name.lower(), default)

    async def json(self, shape: type[T], *, limit: int = MAX_JSON) -> T:
        """The body as a shape; an empty body is the shape's zero. BadRequest in moby's words for anything else."""
        from ..shape import from_json

        made: T = await self._apart(from_json, shape, await self.json_value(limit=limit))
        return made

    async def json_value(self, *, limit: int = MAX_JSON) -> Any:
        """The body as plain JSON; None when there is no body."""
        if self.body.length == 0:
            return None
        kind = self.header("content-type")
        media = kind.partition(";")[0].strip().lower()
        if not media or "/" not in media:
            why = "mime: expected slash after first token" if media else "mime: no media type"
            raise faults.BadRequest(f"malformed Content-Type header ({kind}): {why}")
        if media != "application/json":
            raise faults.BadRequest(f"unsupported Content-Type header ({kind}): must be 'application/json'")
        return await self._apart(gojson.loads, await self.body.whole(limit))

    async def _apart(self, work: Callable[..., Any], *args: Any) -> Any:
        if self.body.received <= SMALL_JSON:
            return work(*args)
        return await asyncio.to_thread(work, *args)

    # --- the connection as a stream

    @property
    def upgrade(self) -> str:
        """The protocol the client wants to change to (``tcp``, ``h2c``), or nothing."""
        return self.header("upgrade") if "upgrade" in self.header("connection").lower() else ""

    async def hijack(self, *, multiplexed: bool = False) -> Hijacked:
        """Take the connection over: from here on both sides send what they like, and each side ends by itself.

        ``multiplexed`` says that the server will write frames (no tty). The head is written here: ``101 UPGRADED``
        for a client that asked for it, ``200 OK`` for one that did not.
        """
        from ..respond import MULTIPLEXED_STREAM, RAW_STREAM
        from .hijack import Hijacked

        # Clients older than 1.42 know one type only.
        named = multiplexed and bool(self.upgrade) and self.version.at_least("1.42")
        media_type = MULTIPLEXED_STREAM if named else RAW_STREAM
        kind = ("Content-Type", media_type)
        upgraded = (kind, ("Connection", "Upgrade"), ("Upgrade", "tcp"))
        take_over, make = self._take_over(), partial(Hijacked, media_type=media_type)
        if self.upgrade:
            return await take_over("101 UPGRADED", upgraded, make)
        return await take_over("200 OK", (kind,), make)

    async def websocket(self) -> WebSocket:
        """Take the connection over as a WebSocket, whose messages are binary, or text for clients older than 1.28.

        Raises BadRequest for a request that asks for none.
        """
        from .websocket import WebSocket, accept

        key = accept(self.headers)
        return await self._take_over()(
            "101 Switching Protocols",
            (("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", key)),
            partial(WebSocket, text=not self.version.at_least("1.28")))

    def _take_over(self) -> TakeOver:
        if self._hijack is None:
            raise faults.BadRequest("hijack connection missing")
        return self._hijack
