# SPDX-License-Identifier: Apache-2.0
"""A client of any Docker engine, over anything that carries bytes both ways.

::

    client = Client.at("unix:///var/run/docker.sock")
    info = client.json("GET", "/info", shape=shapes.Info)
    with client.attach(f"/containers/{id}/attach", query={"stream": True, "stdout": True}) as stream:
        for number, data in stream.pieces(): …

It blocks, and may be used by several threads at once. Refusals are the faults of :mod:`.faults`; a connection that does
not come about, or breaks, is a DaemonError with status 0.
"""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar, overload
from urllib.parse import quote, urlencode

from ..errors import DaemonError, DependencyError, FormatError
from . import faults, gojson, jsonlines, streams
from .duplex import Duplex, connector, unreachable
from .exchange import Line, Stream
from .filters import Filters
from .shape import Shape, from_json
from .versions import VersionRange, api_version

T = TypeVar("T")
Query = Mapping[str, Any]
Body = Shape | Mapping[str, Any] | bytes | Iterable[bytes] | None

#: What this client knows how to speak.
SPEAKS = VersionRange("1.24", "1.45")
MAX_DOCUMENT = 64 << 20
_SHORT = 64 << 10
_PLACES = 8  # idle connections that are kept


@dataclass(frozen=True, slots=True)
class Ping:
    """What an engine says of itself to everybody."""

    api_version: str
    os_type: str
    builder_version: str = ""
    experimental: bool = False


class Client:
    """Speaks to the engine that ``connect`` connects to. ``version`` fixes the API version; else it is negotiated."""

    def __init__(self, connect: Callable[[], Duplex], *, host: str = "the engine", version: str = "") -> None:
        try:
            import h11  # noqa: F401
        except ImportError:
            raise DependencyError("cannot speak with an engine", why="the Python package h11 is not installed",
                                  hint="pip install h11", package="h11") from None
        self._connect = connect
        self._version = version
        self._idle: list[Line] = []
        self._lock = Lock()
        self.host = host

    @classmethod
    def at(cls, host: str, *, version: str = "", timeout: float = 30, tls: ssl.SSLContext | None = None) -> Client:
        """A client of ``unix:///path`` or ``tcp://name:port``."""
        return cls(connector(host, timeout=timeout, tls=tls), host=host, version=version)

    # --- the engine

    def ping(self) -> Ping:
        """Whether the engine is there, and what it is."""
        with self._ask("GET", "/_ping") as answer:
            answer.read()
            return Ping(answer.header("api-version", "1.24"), answer.header("ostype"),
                        answer.header("builder-version"), answer.header("docker-experimental") == "true")

    @property
    def version(self) -> str:
        """The API version that is spoken: the newest that both sides know. DaemonError when there is none."""
        if not self._version:
            theirs = self.ping().api_version
            if api_version(theirs) < api_version(SPEAKS.oldest):
                raise DaemonError(f"cannot speak with {self.host}", status=0, hint="update the engine",
                                  why=f"its API is {theirs}, and the oldest spoken here is {SPEAKS.oldest}")
            self._version = min(theirs, SPEAKS.newest, key=api_version)
        return self._version

    # --- calls

    def call(self, method: str, path: str, *, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, content_type: str = "") -> Answer:
        """One call; the answer is the caller's to close, and its body not read yet. Faults for status 400 and above.

        ``body`` is JSON (a shape or a mapping), bytes, or an iterable of bytes (sent in chunks). In ``query`` what is
        None or False is left out, True is ``1``, a mapping or Filters is JSON, a list is repeated.
        """
        return self._ask(method, f"/v{self.version}{path}", query, body, headers, content_type)

    @overload
    def json(self, method: str, path: str, *, shape: type[T], query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None) -> T: ...

    @overload
    def json(self, method: str, path: str, *, shape: None = None, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None) -> Any: ...

    def json(self, method: str, path: str, *, shape: type[Any] | None = None, query: Query | None = None,
             body: Body = None, headers: Mapping[str, str] | None = None) -> Any:
        """One call whose answer is a JSON document, as a shape or plain; None when the answer is empty."""
        with self.call(method, path, query=query, body=body, headers=headers) as answer:
            data = answer.read(MAX_DOCUMENT)
            try:
                value = json.loads(data) if data.strip() else None
                return value if shape is None else from_json(shape, value)
            except (ValueError, RecursionError):
                raise DaemonError(f"cannot understand {self.host}", why=f"{method} {path} was not answered with JSON",
                                  status=answer.status) from None
            except faults.BadRequest as fault:
                raise DaemonError(f"cannot understand {self.host}", why=f"{method} {path}: {fault.message}",
                                  status=answer.status) from None

    def lines(self, method: str, path: str, *, query: Query | None = None, body: Body = None,
              headers: Mapping[str, str] | None = None, content_type: str = "") -> Iterator[Any]:
        """One call whose answer is a stream of JSON documents: events, stats, progress (see ``jsonlines.message``).

        To stop early close the iterator.
        """
        with self.call(method, path, query=query, body=body, headers=headers, content_type=content_type) as answer:
            try:
                yield from jsonlines.documents(answer)
            except FormatError as error:
                raise DaemonError(f"cannot understand {self.host}", why=str(error), status=answer.status) from error

    def output(self, method: str, path: str, *, query: Query | None = None) -> Iterator[streams.Piece]:
        """One call whose answer is framed output (logs of a container without a tty)."""
        with self.call(method, path, query=query) as answer:
            yield from streams.separate(answer)

    def attach(self, path: str, *, query: Query | None = None, body: Body = None) -> Stream:
        """A POST that takes the connection over (attach, exec start). Faults as for a call."""
        answer = self._ask("POST", f"/v{self.version}{path}", query, body,
                           {"Connection": "Upgrade", "Upgrade": "tcp"}, keep=False)
        if answer.status not in (101, 200):
            answer.close()
            raise faults.of_status(answer.status, f"{path} did not become a stream")
        return answer.hijacked()

    def close(self) -> None:
        """Close the idle connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.duplex.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # --- one exchange

    def _ask(self, method: str, path: str, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, content_type: str = "", *, keep: bool = True) -> Answer:
        sent, framing = _body(body, content_type)
        head = [("Host", "docker"), ("User-Agent", "wcow"), *framing, *(headers or {}).items()]
        target = _target(path, query)
        while True:
            line = self._line()
            try:
                given = line.ask(method, target, head, sent)
                break
            except DaemonError:
                line.duplex.close()
                if not line.used or not isinstance(sent, bytes):
                    raise
                self.close()  # the engine ended what was idle; it did not see this request: once more, on a new line
            except BaseException:
                line.duplex.close()
                raise
        answer = Answer(line, given.status, given.headers, self._give_back)
        if answer.status >= 400:
            with answer:
                raise faults.of_status(answer.status, _message(answer))
        return answer

    def _line(self) -> Line:
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            return Line(self._connect())
        except OSError as error:
            raise unreachable(error, self.host) from error

    def _give_back(self, line: Line) -> None:
        with self._lock:
            if len(self._idle) < _PLACES and line.again():
                self._idle.append(line)
                return
        line.duplex.close()


class Answer:
    """Head of an answer, and its body as it comes. It is given back to the client when it is read to its end."""

    def __init__(self, line: Line, status: int, headers: dict[str, str], give_back: Callable[[Line], None]) -> None:
        self._line: Line | None = line
        self._parts = line.parts()
        self._give_back = give_back
        self.status = status
        self.headers = headers  #: names in lower case

    def header(self, name: str, default: str = "") -> str:
        """A header, whatever its case."""
        return self.headers.get(name.lower(), default)

    def __iter__(self) -> Iterator[bytes]:
        yield from self._parts
        line, self._line = self._line, None
        if line is not None:
            self._give_back(line)

    def read(self, limit: int = MAX_DOCUMENT) -> bytes:
        """The whole body. DaemonError when it is longer than ``limit`` bytes."""
        out = bytearray()
        for part in self:
            out += part
            if len(out) > limit:
                raise DaemonError("the engine's answer is too long", why=f"more than {limit} bytes", status=self.status)
        return bytes(out)

    def hijacked(self) -> Stream:
        """The connection itself, after a head that ended HTTP."""
        line, self._line = self._line, None
        assert line is not None
        return Stream(line.duplex, line.early(), self.header("content-type"))

    def close(self) -> None:
        """Done with it. A long body that was not read is not waited for: the connection goes."""
        if self._line is not None and (self.status in (204, 304) or 0 <= _length(self.headers) <= _SHORT):
            with contextlib.suppress(DaemonError):
                for _ in self:
                    pass
        line, self._line = self._line, None
        if line is not None:
            line.duplex.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()


def _length(headers: Mapping[str, str]) -> int:
    text = headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() else -1


def _message(answer: Answer) -> str:
    data = answer.read(1 << 20)
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return data.decode("utf-8", "replace").strip() or f"the engine answered {answer.status}"


def _body(body: Body, content_type: str) -> tuple[bytes | Iterable[bytes], list[tuple[str, str]]]:
    if body is None:
        return b"", [("Content-Length", "0")]
    if isinstance(body, Shape | Mapping):
        body, content_type = gojson.dumps(body if isinstance(body, Shape) else dict(body)), "application/json"
    framing = [("Content-Type", content_type or "application/x-tar")]
    if isinstance(body, bytes):
        return body, [*framing, ("Content-Length", str(len(body)))]
    return body, [*framing, ("Transfer-Encoding", "chunked")]


def _target(path: str, query: Query | None) -> str:
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
