# SPDX-License-Identifier: Apache-2.0
"""A web server on loopback that answers what a test tells it to."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

Answer = tuple[int, dict[str, str], bytes]


class Web:
    """``pages`` maps a path (with query) to an answer or to a function of the number of times it was asked."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.port = port
        self.pages: dict[str, Answer | Callable[[int], Answer]] = {}
        self.seen: list[tuple[str, dict[str, str]]] = []


@pytest.fixture
def web() -> Iterator[Web]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
            page = state.pages.get(self.path, (404, {}, b"no"))
            if callable(page):
                page = page(sum(path == self.path for path, _ in state.seen))
            status, headers, body = page
            self.send_response_only(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Web(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
