# SPDX-License-Identifier: Apache-2.0
"""A client of any Docker engine: calls, streams, attach."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ...errors import DaemonError, FormatError
from .. import faults, jsonlines, streams
from ..shape import from_json
from ..versions import VersionRange, api_version
from . import request
from .answer import MAX_DOCUMENT, Answer
from .connection import BodyFailed, Connection, Patience, Pool
from .duplex import Duplex
from .request import Body, Query
from .stream import Stream
from .trouble import broken, refused, unreachable
from .wire import NotHttp

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from .environment import Endpoint

T = TypeVar("T")

#: What this client knows how to speak.
SPEAKS = VersionRange("1.24", "1.45")

_REPEATABLE = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Ping:
    """What an engine says of itself to everyone who reaches it."""

    api_version: str
    os_type: str
    builder_version: str = ""
    experimental: bool = False


class Client:
    """Speaks to the engine that ``connect`` connects to. It blocks, and may be used by several threads at once.

    ``version`` fixes the API version; else it is negotiated. ``deadline`` is how many seconds each call may take until
    its answer begins (a ``json`` call: until it is whole), ``silence`` how long the engine may take or say nothing
    meanwhile; None is for ever. A single call can be given its own (``math.inf`` is for ever there). The first
    question to an engine, which version it speaks, has ``timeout`` seconds, so that one that never answers is noticed.
    """

    def __init__(self, connect: Callable[[], Duplex], *, host: str = "the engine", version: str = "",
                 prefix: str = "", timeout: float | None = 30, deadline: float | None = None,
                 silence: float | None = None) -> None:
        self._connect = connect
        self._version = version
        self._prefix = prefix
        self._idle = Pool()
        self.host = host
        self.timeout = timeout
        self.deadline = deadline
        self.silence = silence
        self.on_close: Callable[[], None] | None = None  #: called at the end of each close: lets go of the way there

    @classmethod
    def at(cls, host: str, *, version: str = "", timeout: float | None = 30, tls: ssl.SSLContext | None = None,
           deadline: float | None = None, silence: float | None = None) -> Client:
        """A client of ``unix:///path``, ``tcp://name:port``, ``npipe:////./pipe/name`` or ``ssh://user@name``.

        ``timeout`` is for connecting. UsageError for what is not an address.
        """
        from . import address, connect

        found = address.parse(host)
        return cls(connect.connector(found, timeout=timeout, tls=tls), host=str(found), version=version,
                   prefix=found.prefix, timeout=timeout, deadline=deadline, silence=silence)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, *, host: str = "",
                         config: Path | None = None, version: str = "", timeout: float | None = 30,
                         deadline: float | None = None, silence: float | None = None) -> Client:
        """A client of the engine that the ``docker`` command would use: by ``DOCKER_HOST``, ``DOCKER_CONTEXT``, the
        current context, ``DOCKER_TLS_VERIFY``, ``DOCKER_CERT_PATH`` and ``DOCKER_API_VERSION``, else the usual socket.

        ``host`` stands for ``DOCKER_HOST`` and ``config`` for the folder ``DOCKER_CONFIG``. UsageError and
        NotFoundError for settings that name nothing usable.
        """
        from .environment import endpoint

        return cls.to(endpoint(environment, host=host, config=config), version=version, timeout=timeout,
                      deadline=deadline, silence=silence)

    @classmethod
    def to(cls, endpoint: Endpoint, *, version: str = "", timeout: float | None = 30, deadline: float | None = None,
           silence: float | None = None) -> Client:
        """A client of an endpoint that was found before."""
        from . import connect

        place = endpoint.address
        return cls(connect.connector(place, timeout=timeout, tls=endpoint.tls()), host=str(place),
                   version=version or endpoint.version, prefix=place.prefix, timeout=timeout, deadline=deadline,
                   silence=silence)

    def __repr__(self) -> str:
        return f"Client({self.host!r})"

    # --- the engine

    def ping(self) -> Ping:
        """Whether the engine is there, and what it is."""
        with self._ask("GET", "/_ping", patience=Patience(self._soon(), None)) as answer:
            answer.read(1 << 16)
            return Ping(answer.header("api-version", "1.24"), answer.header("ostype"),
                        answer.header("builder-version"), answer.header("docker-experimental") == "true")

    @property
    def version(self) -> str:
        """The API version that is spoken: the newest that both sides know. DaemonError when there is none."""
        if not self._version:
            theirs = self.ping().api_version
            if api_version(theirs) < api_version(SPEAKS.oldest):
                raise DaemonError(f"cannot speak with {self.host}", status=0, hint="update the engine",
                                  why=f"its API is {theirs[:40]}, and the oldest spoken here is {SPEAKS.oldest}",
                                  cause="client-too-new")
            self._version = min(theirs, SPEAKS.newest, key=api_version)
        return self._version

    # --- calls

    def call(self, method: str, path: str, *, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, content_type: str = "", deadline: float | None = None,
             silence: float | None = None) -> Answer:
        """One call; the answer is the caller's to close, and its body not read yet. Faults for status 400 and above.

        ``body`` is JSON (a shape or a mapping), bytes, a binary file, or an iterable of bytes (sent in chunks). In
        ``query`` what is None or False is left out, True is ``1``, a mapping or Filters is JSON, a list is repeated.
        An engine may begin its answer before it has a whole body: the rest goes out while the answer is read.
        """
        patience = self._patience(deadline, silence)
        answer = self._ask(method, f"/v{self.version}{path}", query, body, headers, content_type, patience=patience)
        patience.answered()
        return answer

    @overload
    def json(self, method: str, path: str, *, shape: type[T], query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, deadline: float | None = None) -> T: ...

    @overload
    def json(self, method: str, path: str, *, shape: None = None, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, deadline: float | None = None) -> Any: ...

    def json(self, method: str, path: str, *, shape: type[Any] | None = None, query: Query | None = None,
             body: Body = None, headers: Mapping[str, str] | None = None, deadline: float | None = None) -> Any:
        """One call whose answer is a JSON document, as a shape or plain; None when the answer is empty."""
        patience = self._patience(deadline, None)
        with self._ask(method, f"/v{self.version}{path}", query, body, headers, patience=patience) as answer:
            data = answer.read(MAX_DOCUMENT)
            try:
                value = json.loads(data) if data.strip() else None
                return value if shape is None else from_json(shape, value)
            except (ValueError, RecursionError):
                raise DaemonError(f"cannot understand {self.host}", why=f"{method} {path} was not answered with JSON",
                                  status=answer.status, cause="engine-not-http") from None
            except faults.BadRequest as fault:
                raise DaemonError(f"cannot understand {self.host}", why=f"{method} {path}: {fault.message}",
                                  status=answer.status, cause="engine-not-http") from None

    def lines(self, method: str, path: str, *, query: Query | None = None, body: Body = None,
              headers: Mapping[str, str] | None = None, content_type: str = "", deadline: float | None = None,
              silence: float | None = None) -> Generator[Any, None, None]:
        """One call whose answer is a stream of JSON documents: events, stats, progress (see ``jsonlines.message``).

        To stop early close the iterator.
        """
        with self.call(method, path, query=query, body=body, headers=headers, content_type=content_type,
                       deadline=deadline, silence=silence) as answer:
            try:
                yield from jsonlines.documents(answer)
            except FormatError as error:
                raise DaemonError(f"cannot understand {self.host}", why=str(error), status=answer.status,
                                  cause="engine-not-http") from error

    def output(self, method: str, path: str, *, query: Query | None = None, deadline: float | None = None,
               silence: float | None = None) -> Generator[streams.Piece, None, None]:
        """One call whose answer is framed output (logs of a container without a tty)."""
        with self.call(method, path, query=query, deadline=deadline, silence=silence) as answer:
            yield from streams.separate(answer)

    def attach(self, path: str, *, query: Query | None = None, body: Body = None, deadline: float | None = None,
               silence: float | None = None) -> Stream:
        """A POST that takes the connection over (attach, exec start). Faults as for a call."""
        answer = self._ask("POST", f"/v{self.version}{path}", query, body,
                           {"Connection": "Upgrade", "Upgrade": "tcp"}, patience=self._patience(deadline, silence))
        if answer.status not in (101, 200):
            answer.close()
            raise faults.of_status(answer.status, f"{path} did not become a stream")
        return answer.hijacked()

    def close(self) -> None:
        """Close the idle connections. The client can be used again, unless ``on_close`` let go of the way there."""
        self._idle.close()
        if self.on_close is not None:
            self.on_close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    # --- one exchange

    def _ask(self, method: str, path: str, query: Query | None = None, body: Body = None,
             headers: Mapping[str, str] | None = None, content_type: str = "", *,
             patience: Patience | None = None) -> Answer:
        patience = patience or self._patience(None, None)
        prepared = request.Prepared(body, content_type)
        head = request.head(method, self._prefix + request.target_of(path, query), [
            ("Host", "docker"), ("User-Agent", "wcow"), *prepared.headers(), *(headers or {}).items()])
        while True:
            connection = self._idle.take() or self._connected()
            try:
                given = connection.ask(method, head, prepared, patience)
                break
            except (OSError, NotHttp) as error:
                connection.duplex.close()
                # The engine ended what was idle, and the request met that end on its way. It may have been read all
                # the same, so only what changes nothing is asked again (as Go's net/http does).
                if not (connection.used and isinstance(error, ConnectionError) and not connection.heard
                        and method in _REPEATABLE and prepared.again):
                    raise broken(error, self.host, silence=patience.silence, deadline=patience.passed()) from error
            except BodyFailed as failed:
                connection.duplex.close()
                raise failed.error from None
            except BaseException:
                connection.duplex.close()
                raise
        answer = Answer(connection, given, patience, self.host, self._idle.give)
        if answer.status >= 400:
            with answer:
                raise refused(answer)
        return answer

    def _connected(self) -> Connection:
        try:
            return Connection(self._connect())
        except OSError as error:
            raise unreachable(error, self.host) from error

    def _patience(self, deadline: float | None, silence: float | None) -> Patience:
        return Patience(self.deadline if deadline is None else deadline, self.silence if silence is None else silence)

    def _soon(self) -> float | None:
        return self.timeout if self.deadline is None else self.deadline
