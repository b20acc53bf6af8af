# SPDX-License-Identifier: Apache-2.0
"""One connection to a registry's double: who is asking, and what of distribution-spec 1.1 clients need."""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

from .registry_acts import Seen

if TYPE_CHECKING:
    from .registry_double import RegistryDouble


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
