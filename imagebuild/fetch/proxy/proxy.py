# SPDX-License-Identifier: Apache-2.0
"""The proxy through which a RUN downloads: it applies the download map, records what comes, or replays it.

It speaks HTTP on a Unix socket. Of https it reads what is inside, with a certificate of its own
(:mod:`.authority`), which the container trusts. A content goes to the program while it comes, and to the disk, never
through memory as a whole.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer
from typing import Any, Literal

from ...files import scratch
from ..port import Fetched
from ..recordings import Recordings
from ..url import LIMIT
from .authority import Authority
from .origin import Origin

MOST_CONNECTIONS = 256
"""Of one RUN at once; the next one waits."""
MOST_PROBLEMS = 20

Mode = Literal["map", "record", "replay"]


@dataclass(slots=True)
class RunDownloads:
    """How commands of RUN download. ``recordings`` is where ``record`` writes and ``replay`` reads; ``limit`` is of one
    content, in bytes."""

    mode: Mode
    origin: Origin = field(default_factory=Origin)
    recordings: Recordings | None = None
    limit: int = LIMIT
    _authority: Authority | None = None

    @property
    def authority(self) -> Authority:
        """Who signs certificates of hosts; made when it is first asked for."""
        self._authority = self._authority or Authority()
        return self._authority

    def has(self, fetched: tuple[Fetched, ...] | None) -> bool:
        """Whether nothing new would be recorded of a command that downloaded this before (``None``: not known)."""
        if self.mode != "record" or self.recordings is None:
            return True
        return fetched is not None and self.recordings.has(tuple((one.url, one.digest) for one in fetched))

    @contextmanager
    def serve(self) -> Iterator[DownloadProxy]:
        """A proxy for one RUN. What was recorded is in the folder when it ends."""
        with scratch("wcow-proxy-") as folder:
            proxy = DownloadProxy(self, Path(folder) / "proxy.sock")
            thread = threading.Thread(target=proxy.server.serve_forever, args=(0.1,), daemon=True)
            thread.start()
            try:
                yield proxy
            finally:
                proxy.close()
                thread.join()
                if self.recordings is not None and self.mode == "record":
                    self.recordings.save()


class DownloadProxy:
    """A proxy that serves on ``path`` until it is closed."""

    def __init__(self, rules: RunDownloads, path: Path) -> None:
        from .request import Handler

        self.rules = rules
        self.path = path
        self.server = _Server(str(path), Handler, self)
        path.chmod(0o600)
        self._lock = threading.Lock()
        self._fetched: dict[Fetched, None] = {}
        self._problems: dict[str, None] = {}

    @property
    def certificate(self) -> bytes:
        """What programs have to trust, as PEM."""
        return self.rules.authority.pem

    def note(self, url: str, digest: str) -> None:
        """Something was downloaded."""
        with self._lock:
            self._fetched[Fetched(url, digest)] = None

    def complain(self, text: str) -> None:
        """Something could not be; told once."""
        with self._lock:
            if len(self._problems) < MOST_PROBLEMS:
                self._problems[text] = None

    @property
    def fetched(self) -> tuple[Fetched, ...]:
        """What was downloaded so far, by URL."""
        with self._lock:
            return tuple(sorted(self._fetched, key=lambda one: (one.url, one.digest)))

    @property
    def problems(self) -> tuple[str, ...]:
        """What could not be downloaded, and why, a sentence each."""
        with self._lock:
            return tuple(self._problems)

    def close(self) -> None:
        """Serve nothing any more, and cut what is connected."""
        self.server.shutdown()
        self.server.server_close()


class _Server(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, path: str, handler: Any, proxy: DownloadProxy) -> None:
        super().__init__(path, handler)
        self.proxy = proxy
        self._free = threading.Semaphore(MOST_CONNECTIONS)
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        while not self._free.acquire(timeout=0.2):
            if getattr(self, "_BaseServer__shutdown_request", False):
                self.shutdown_request(request)
                return
        self._open.add(request)
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._open.discard(request)
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A program that goes away in the middle of an answer is nothing to tell of."""

    def server_close(self) -> None:
        super().server_close()
        for one in tuple(self._open):
            with suppress(OSError):  # its other side was quicker
                one.shutdown(socket.SHUT_RDWR)


__all__ = ["DownloadProxy", "Mode", "RunDownloads"]
