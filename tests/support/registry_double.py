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
import contextlib
import hashlib
import itertools
import json
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived (header names in lower case)."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Rule:
    """What to do instead, for the next ``times`` requests of a method whose path has ``pattern``."""

    method: str
    pattern: str
    act: Callable[[Handler, Seen], bool]
    times: int = 1


def answer(status: int, headers: dict[str, str] | None = None, body: bytes | dict[str, Any] = b"") -> Any:
    """Answer so."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body

    def act(handler: Handler, seen: Seen) -> bool:
        handler.reply(status, data, headers)
        return True
    return act


def cut(after: int = 0) -> Any:
    """Answer as usual, but break the connection after so many bytes of the body (0: before any answer)."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.cut_after = after
        if after == 0:
            handler.break_off()
            return True
        return False
    return act


def done_then_cut() -> Any:
    """Do the work, and break the connection before saying so."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.cut_after = -1
        return False
    return act


def corrupt(change: Callable[[bytes], bytes]) -> Any:
    """Answer as usual with another body."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.change = change
        return False
    return act


def partly(taken: int) -> Any:
    """Take so many bytes of the request's body (an upload keeps them), and break the connection."""
    def act(handler: Handler, seen: Seen) -> bool:
        found = re.fullmatch(r"/v2/.+/blobs/uploads/([^/]+)", seen.path.partition("?")[0])
        session = handler.registry.uploads.get(found[1]) if found else None
        if session is not None and seen.method in ("PATCH", "PUT"):
            session += seen.body
        handler.break_off()
        return True
    act.taken = taken  # type: ignore[attr-defined]
    return act


def stall(after: int | None = None) -> Any:
    """Say nothing (more, after so many bytes of the body) until the client goes away."""
    def act(handler: Handler, seen: Seen) -> bool:
        if after is None:
            handler.stand_still()
            return True
        handler.stall_after = after
        return False
    return act


def meanwhile(*, wait: threading.Event | None = None, tell: threading.Event | None = None) -> Any:
    """Answer as usual, but only after ``wait`` happened; then say so by ``tell``. Two of them turn an order round."""
    def act(handler: Handler, seen: Seen) -> bool:
        if wait is not None:
            wait.wait(10)
        handler.tell = tell
        return False
    return act


def promise(difference: int) -> Any:
    """Answer as usual under a Content-Length that is wrong by so many bytes, and break the connection after it."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.promised = difference
        return False
    return act


def forget() -> Any:
    """Forget the upload that is asked about, then answer as usual."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.registry.uploads.pop(seen.path.partition("?")[0].rpartition("/")[2], None)
        return False
    return act


def rotate() -> Any:
    """Forget every token, then answer as usual."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.registry.rotate_tokens()
        return False
    return act


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


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    registry: RegistryDouble
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or an answer in two pieces waits for the client's delayed acknowledgement
    timeout = 10
    cut_after: int | None = None
    stall_after: int | None = None
    promised = 0
    tell: threading.Event | None = None
    change: Callable[[bytes], bytes] | None = None

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do(self) -> None:
        """Every method."""
        self.cut_after, self.change, self.stall_after, self.promised, self.tell = None, None, None, 0, None
        headers = {name.lower(): value for name, value in self.headers.items()}
        act = self.registry.act_for(Seen(self.command, self.path, headers, b""))
        length = int(headers.get("content-length") or 0)
        seen = Seen(self.command, self.path, headers, self.rfile.read(min(length, getattr(act, "taken", length))))
        self.registry.seen.append(seen)
        if act is not None and act(self, seen):
            return
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/token":
            self._token(seen, parse_qs(parts.query) if seen.method == "GET" else parse_qs(seen.body.decode()))
        elif not self._allowed(seen, parts.path, query):
            self._challenge(parts.path)
        else:
            self._serve(seen, parts.path, query)

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = do

    # --- answers --------------------------------------------------------------------------------------------------

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send an answer; what was asked for happens to it on the way."""
        if self.change is not None:
            body = self.change(body)
        if self.cut_after == -1:
            self.break_off()
            return
        self.send_response(status)
        given = {name.lower() for name in headers or {}}
        if "content-length" not in given and status != 204:
            self.send_header("Content-Length", str(max(0, len(body) + self.promised)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        if self.cut_after is not None and self.cut_after < len(body):
            self.wfile.write(body[:self.cut_after])
            self.wfile.flush()
            self.break_off()
            return
        if self.stall_after is not None and self.stall_after < len(body):
            self.wfile.write(body[:self.stall_after])
            self.wfile.flush()
            self.stand_still()
            return
        self.wfile.write(body)
        if self.promised:
            self.wfile.flush()
            self.break_off()
        if self.tell is not None:
            self.wfile.flush()
            self.tell.set()

    def stand_still(self) -> None:
        """Wait for the client to go, or for the end of the double."""
        self.connection.settimeout(0.05)
        while not self.registry.closing.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.break_off()

    def break_off(self) -> None:
        """Break the connection."""
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def error(self, status: int, code: str, message: str = "", headers: dict[str, str] | None = None) -> None:
        """An error as registries write one."""
        body = {"errors": [{"code": code, "message": message or code.lower().replace("_", " ")}]}
        self.reply(status, json.dumps(body).encode(), {"Content-Type": "application/json", **(headers or {})})

    # --- who are you ----------------------------------------------------------------------------------------------

    def _allowed(self, seen: Seen, path: str, query: dict[str, str]) -> bool:
        auth, given = self.registry.auth, seen.headers.get("authorization", "")
        if auth.kind == "basic":
            return given == auth.basic
        if auth.kind == "bearer":
            scopes = auth.tokens.get(given.removeprefix("Bearer "))
            if scopes is None:
                return False
            repository = _repository(path)
            if not repository:
                return True
            wanted = "pull" if seen.method in ("GET", "HEAD") and "/uploads/" not in path else "push"
            needed = [(repository, wanted)] + ([(query["from"], "pull")] if "from" in query else [])
            return all(any(scope.split(":")[1] == name and action in scope.split(":")[2].split(",")
                           for scope in scopes) for name, action in needed)
        return True

    def _challenge(self, path: str) -> None:
        auth = self.registry.auth
        if auth.kind == "basic":
            self.error(401, "UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="double"'})
            return
        realm = auth.realm or f"{self.registry.url}/token"
        scope = f'repository:{_repository(path)}:pull'
        self.error(401, "UNAUTHORIZED", headers={
            "WWW-Authenticate": f'Bearer realm="{realm}",service="{auth.service}",scope="{scope}"'})

    def _token(self, seen: Seen, query: dict[str, list[str]]) -> None:
        auth = self.registry.auth
        auth.given.append(query)
        given = seen.headers.get("authorization", "")
        known = given == auth.basic or query.get("refresh_token") == [auth.password]
        scopes = tuple(scope for text in query.get("scope", []) for scope in text.split(" "))
        if given and not known:
            self.error(401, "UNAUTHORIZED", "incorrect username or password")
            return
        if not known:
            scopes = tuple(scope.rpartition(":")[0] + ":pull" for scope in scopes) if auth.anonymous_pull else ()
        token = f"token-{len(auth.given)}-{hashlib.sha256(str(scopes).encode()).hexdigest()[:16]}"
        auth.tokens[token] = scopes
        self.reply(200, json.dumps({"token": token, "expires_in": auth.token_seconds}).encode())

    # --- the registry ---------------------------------------------------------------------------------------------

    def _serve(self, seen: Seen, path: str, query: dict[str, str]) -> None:
        if path == "/v2/":
            self.reply(200, b"{}")
        elif found := re.fullmatch(r"/v2/(.+)/manifests/([^/]+)", path):
            self._manifest(seen, found[1], found[2])
        elif found := re.fullmatch(r"/v2/(.+)/blobs/uploads/([^/]*)", path):
            self._upload(seen, found[1], found[2], query)
        elif found := re.fullmatch(r"/v2/(.+)/blobs/([^/]+)", path):
            self._blob(seen, found[1], found[2])
        elif (found := re.fullmatch(r"/v2/(.+)/referrers/([^/]+)", path)) and self.registry.referrers_api:
            self._referrers(found[1], found[2])
        elif found := re.fullmatch(r"/v2/(.+)/tags/list", path):
            self._tags(found[1], query)
        else:
            self.error(404, "UNKNOWN")

    def _manifest(self, seen: Seen, repository: str, reference: str) -> None:
        manifests = self.registry.manifests
        if seen.method == "PUT":
            digest = "sha256:" + hashlib.sha256(seen.body).hexdigest()
            for name in {reference, digest}:
                manifests[(repository, name)] = (seen.headers.get("content-type", ""), seen.body)
            subject = json.loads(seen.body).get("subject") if self.registry.referrers_api else None
            self.reply(201, b"", {"Docker-Content-Digest": digest, "Location": f"/v2/{repository}/manifests/{digest}",
                                  **({"OCI-Subject": subject["digest"]} if subject else {})})
        elif (repository, reference) not in manifests:
            self.error(404, "MANIFEST_UNKNOWN")
        elif seen.method == "DELETE":
            del manifests[(repository, reference)]
            self.reply(202)
        else:
            kind, data = manifests[(repository, reference)]
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            self.reply(200, data, {"Content-Type": kind, "Docker-Content-Digest": digest})

    def _referrers(self, repository: str, subject: str) -> None:
        found = {}
        for (owner, name), (kind, data) in self.registry.manifests.items():
            document = json.loads(data)
            if owner == repository and ":" in name and document.get("subject", {}).get("digest") == subject:
                found[name] = {"mediaType": kind, "digest": name, "size": len(data),
                               "artifactType": document.get("artifactType") or document["config"]["mediaType"]}
        kind = "application/vnd.oci.image.index.v1+json"
        body = {"schemaVersion": 2, "mediaType": kind, "manifests": list(found.values())}
        self.reply(200, json.dumps(body).encode(), {"Content-Type": kind})

    def _blob(self, seen: Seen, repository: str, digest: str) -> None:
        data = self.registry.blobs.get(digest) if self.registry.has(digest, repository) else None
        if data is None:
            self.error(404, "BLOB_UNKNOWN")
            return
        found = re.fullmatch(r"bytes=(\d+)-", seen.headers.get("range", ""))
        if found:
            begin = int(found[1])
            self.reply(206, data[begin:], {"Content-Range": f"bytes {begin}-{len(data) - 1}/{len(data)}"})
        else:
            self.reply(200, data, {"Docker-Content-Digest": digest})

    def _upload(self, seen: Seen, repository: str, session: str, query: dict[str, str]) -> None:
        uploads = self.registry.uploads
        if seen.method == "POST":
            if self.registry.has(query.get("mount"), query.get("from", "")) and query.get("from"):
                self.registry.own(query["mount"], repository)
                self.reply(201, b"", {"Location": f"/v2/{repository}/blobs/{query['mount']}"})
                return
            session = self.registry.new_session()
            uploads[session] = bytearray()
            self.reply(202, b"", self._where(repository, session))
        elif session not in uploads:
            self.error(404, "BLOB_UPLOAD_UNKNOWN")
        elif seen.method == "GET":
            self.reply(204, b"", self._where(repository, session))
        elif seen.method == "PATCH":
            begin = int((seen.headers.get("content-range") or "0").partition("-")[0])
            if begin != len(uploads[session]):
                self.reply(416, b"", self._where(repository, session))
                return
            end = int((seen.headers.get("content-range") or "0-0").partition("-")[2])
            if end + 1 != begin + len(seen.body):
                self.error(400, "SIZE_INVALID")
                return
            uploads[session] += seen.body
            self.reply(202, b"", self._where(repository, session))
        elif seen.method == "PUT":
            data = bytes(uploads.pop(session, bytearray()) + seen.body)
            digest = "sha256:" + hashlib.sha256(data).hexdigest()
            if digest != query.get("digest"):
                self.error(400, "DIGEST_INVALID")
                return
            self.registry.blobs[digest] = data
            self.registry.own(digest, repository)
            self.reply(201, b"", {"Docker-Content-Digest": digest})
        else:
            uploads.pop(session, None)
            self.reply(204)

    def _where(self, repository: str, session: str) -> dict[str, str]:
        path = f"/v2/{repository}/blobs/uploads/{session}?_state=secret-state"
        received = len(self.registry.uploads.get(session, b""))
        return {"Location": f"{self.registry.url}{path}" if self.registry.absolute_locations else path,
                "Range": f"0-{max(received - 1, 0)}"}

    def _tags(self, repository: str, query: dict[str, str]) -> None:
        tags = sorted(name for owner, name in self.registry.manifests if owner == repository and ":" not in name)
        rest = [tag for tag in tags if tag > query.get("last", "")]
        page = rest[:self.registry.page_size]
        headers = {}
        if len(rest) > len(page):
            headers["Link"] = f'</v2/{repository}/tags/list?last={page[-1]}&n={len(page)}>; rel="next"'
        self.reply(200, json.dumps({"name": repository, "tags": page or None}).encode(), headers)


def _repository(path: str) -> str:
    found = re.match(r"/v2/(.+?)/(?:manifests|blobs|tags|referrers)/", path)
    return cast(str, found[1]) if found else ""
