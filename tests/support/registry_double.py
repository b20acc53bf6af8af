# SPDX-License-Identifier: Apache-2.0
"""A registry in this process that can be told to misbehave: cut, lie, refuse, redirect, want tokens.

::

    with RegistryDouble() as double:
        double.blobs[digest] = data
        double.next("GET", "/blobs/", answer(429, {"Retry-After": "2"}))   # once
        double.next("GET", "/blobs/", cut(after=100), times=3)
        ...
        assert double.lines() == ["GET /v2/app/blobs/sha256:…", …]

It speaks as much of distribution-spec 1.1 as clients need. Nothing it does is random.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any

from .registry_acts import (
    Seen,
    answer,
    corrupt,
    cut,
    done_then_cut,
    forget,
    meanwhile,
    partly,
    promise,
    rotate,
    stall,
)
from .registry_wire import Handler

__all__ = ["Auth", "RegistryDouble", "Seen", "answer", "corrupt", "cut", "done_then_cut", "forget", "meanwhile",
           "partly", "promise", "rotate", "stall"]


@dataclass(slots=True)
class Rule:
    """What to do instead, for the next ``times`` requests of a method whose path has ``pattern``."""

    method: str
    pattern: str
    act: Callable[[Handler, Seen], bool]
    times: int = 1


@dataclass(slots=True)
class Auth:
    """What the double wants: ``basic``, or ``bearer`` tokens which it gives out itself at ``/token``."""

    kind: str = ""
    user: str = "user"
    password: str = "a secret word"
    realm: str = ""
    service: str = "double"
    anonymous_pull: bool = True
    token_seconds: int = 300
    tokens: dict[str, tuple[str, ...]] = field(default_factory=dict)
    given: list[dict[str, list[str]]] = field(default_factory=list)

    @property
    def basic(self) -> str:
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class RegistryDouble:
    """The registry. ``blobs`` and ``manifests`` may be filled and looked at; ``seen`` is every request.

    ``owners`` says which repositories have a blob where ``separate`` is set; else all have all. ``script`` is asked for
    something to do with every request for which there is no rule; it gets the request's number.
    """

    def __init__(self, *, auth: Auth | None = None, tls: tuple[str, str] | None = None) -> None:
        self.auth = auth or Auth()
        self.blobs: dict[str, bytes] = {}
        self.mounted: dict[str, set[str]] = {}
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.uploads: dict[str, bytearray] = {}
        self.seen: list[Seen] = []
        self.absolute_locations = True
        self.page_size = 1000
        self.separate = False
        self.owners: dict[str, set[str]] = {}
        self.referrers_api = True
        self.script: Callable[[int, Seen], Any] | None = None
        self.closing = threading.Event()
        self._numbers = itertools.count(1)
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._tls = tls

    def __enter__(self) -> RegistryDouble:
        double = self

        class Bound(Handler):
            registry = double

        self._server = _Server(("127.0.0.1", 0), Bound)
        if self._tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._tls)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True,
                                                      do_handshake_on_connect=False)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None,
                 ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        """Address and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Scheme, address and port."""
        return f"{'https' if self._tls else 'http'}://{self.host}"

    def next(self, method: str, pattern: str, act: Any, *, times: int = 1) -> None:
        """Do ``act`` with the next ``times`` requests that fit."""
        self._rules.append(Rule(method, pattern, act, times))

    def put_blob(self, data: bytes, repository: str = "app") -> str:
        """Have a blob; its digest."""
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        self.own(digest, repository)
        return digest

    def own(self, digest: str, repository: str) -> None:
        """Let a repository have a blob."""
        with self._lock:
            self.owners.setdefault(digest, set()).add(repository)

    def has(self, digest: str | None, repository: str) -> bool:
        """Whether a repository has a blob."""
        return digest in self.blobs and (not self.separate or repository in self.owners.get(digest, ()))

    def lines(self, *, skip_ping: bool = True) -> list[str]:
        """Every request as ``METHOD path``, without queries."""
        return [f"{seen.method} {seen.path.partition('?')[0]}" for seen in self.seen
                if not (skip_ping and seen.path == "/v2/")]

    def rotate_tokens(self) -> None:
        """Forget every token given out."""
        self.auth.tokens.clear()

    def act_for(self, seen: Seen) -> Any:
        """What to do with a request instead; takes the rule."""
        with self._lock:
            for rule in self._rules:
                if rule.times > 0 and rule.method == seen.method and re.search(rule.pattern, seen.path):
                    rule.times -= 1
                    return rule.act
            return self.script(next(self._numbers), seen) if self.script is not None else None

    def new_session(self) -> str:
        """The name of an upload; none is given out twice."""
        return f"u{next(self._numbers)}-{len(self.seen)}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away in the middle is what some tests are about."""
