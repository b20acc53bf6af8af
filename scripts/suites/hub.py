# SPDX-License-Identifier: Apache-2.0
"""Docker Hub, as an engine sees it: a registry of the distribution behind a server that answers `denied`, as the Hub
does, for a repository that does not exist."""

from __future__ import annotations

import contextlib
import http.server
import json
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

DENIED = {"errors": [{"code": "DENIED", "message": "requested access to the resource is denied", "detail": None}]}


@contextlib.contextmanager
def serving(registry: str, repositories: set[str]) -> Iterator[str]:
    """Serve what the registry at ``registry`` (host and port) has; yields host and port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found = re.match(r"/v2/(.+)/(manifests|blobs|tags)/", self.path)
            if found and found[1] not in repositories:
                self._say(403, {"Content-Type": "application/json"}, json.dumps(DENIED).encode())
                return
            kept = {name: value for name, value in self.headers.items() if name.lower() in ("accept", "range")}
            asked = urllib.request.Request(f"http://{registry}{self.path}", headers=kept, method=self.command)
            try:
                with urllib.request.urlopen(asked, timeout=60) as answer:
                    self._say(answer.status, dict(answer.headers), answer.read())
            except urllib.error.HTTPError as error:
                self._say(error.code, dict(error.headers), error.read())

        do_HEAD = do_GET

        def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            if self.command != "HEAD":
                headers = {**headers, "Content-Length": str(len(body))}
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
