# SPDX-License-Identifier: Apache-2.0
"""An HTTP server of made-up downloads, plain and by https, and a client of the proxy of downloads."""

from __future__ import annotations

import http.client
import io
import itertools
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from imagebuild.fetch.proxy.authority import Authority

CUT = 1 << 24
PIECE = 100_000


@dataclass
class Site:
    """What a server has: contents by path, and where it says that others are. ``asked`` are the requests, in order, as
    METHOD and path; ``port`` is where it listens on this machine."""

    files: dict[str, bytes] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    port: int = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        site = self.site
        site.asked.append(f"{self.command} {self.path}")
        site.headers.append(dict(self.headers.items()))
        site.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path in site.redirects:
            self.send_response(302)
            self.send_header("Location", site.redirects[self.path])
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if self.path.startswith(("/endless", "/cut")):
            self._broken()
            return
        content = site.files.get(self.path)
        self.send_response(site.statuses.get(self.path, 200 if content is not None else 404))
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(len(content or b"")))
        self.send_header("Content-Type", "application/zip")
        self.send_header("Set-Cookie", "login=secret")
        self.end_headers()
        if self.command == "HEAD" or content is None:
            return
        if self.path.startswith("/chunked"):
            for start in range(0, len(content), 1000):
                piece = content[start:start + 1000]
                self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")
            return
        self.wfile.write(content)

    do_HEAD = do_POST = do_GET

    def _broken(self) -> None:
        """An end that comes too early, or never."""
        self.close_connection = True
        cut = self.path.startswith("/cut")
        self.send_response(200)
        self.send_header(*("Content-Length", str(CUT)) if cut else ("Transfer-Encoding", "chunked"))
        self.end_headers()
        with suppress(OSError):
            for _unused in range(2) if cut else itertools.count():
                self.wfile.write(bytes(PIECE) if cut else b"%x\r\n%b\r\n" % (PIECE, bytes(PIECE)))

    def log_message(self, format: str, *args: Any) -> None:  # the name is the base class's
        pass


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def site(files: Mapping[str, bytes], *, authority: Authority | None = None, host: str = "localhost") -> Iterator[Site]:
    """A server on this machine; with an ``authority`` by https, with a certificate for ``host``."""
    found = Site(dict(files))
    server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"site": found}))
    if authority is not None:
        server.socket = authority.context(host).wrap_socket(server.socket, server_side=True)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Over(http.client.HTTPConnection):
    """A connection over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(str(self._path))


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


def ask(proxy: Path, url: str, *, trusted: bytes = b"", method: str = "GET", headers: Mapping[str, str] | None = None,
        body: bytes | None = None, target: str = "") -> Answer:
    """Send a request by the proxy, as a program does: by https in a tunnel, whose certificate ``trusted`` signed."""
    connection = _Over(proxy)
    try:
        if url.startswith("https://"):
            host, slash, path = url.removeprefix("https://").partition("/")
            target = target or slash + path
            name, _unused, port = host.partition(":")
            _tunnel(connection, name, int(port or 443), trusted)
        connection.request(method, target or url, body, {"Host": url.split("/")[2], **(headers or {})})
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.headers.items()), answer.read())
    finally:
        connection.close()


def _tunnel(connection: http.client.HTTPConnection, host: str, port: int, trusted: bytes) -> None:
    connection.connect()
    connection.sock.sendall(f"CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
    head = io.BytesIO()
    while not head.getvalue().endswith(b"\r\n\r\n"):
        head.write(connection.sock.recv(1))
    assert b" 200 " in head.getvalue().split(b"\r\n")[0], head.getvalue()
    context = ssl.create_default_context(cadata=trusted.decode() or None)
    connection.sock = context.wrap_socket(connection.sock, server_hostname=host)
