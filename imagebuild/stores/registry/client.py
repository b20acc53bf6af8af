# SPDX-License-Identifier: Apache-2.0
"""What all repositories of one run share: connections, tokens, mirrors, trust."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ...errors import RegistryError, UnsupportedError
from ...oci import Reference
from ..credentials import Credentials, DockerConfig
from .mirrors import Mirrors
from .registry import RegistryStore
from .upload import CHUNK
from .wire.endpoint import Endpoint, Retries
from .wire.transport import Answer, Timeouts, Tls, Transport

LEFT_ALONE = 60.0
"""Seconds for which a mirror that does not answer is not asked again."""


class RegistryClient:
    """What all repositories of one run share: connections, tokens, mirrors, trust. Safe from many threads.

    ``sleep`` waits between tries; ``clock`` counts seconds, for how long a mirror that is down is left alone.
    """

    def __init__(self, *, credentials: Credentials | None = None, mirrors: Mirrors | None = None,
                 tls: Tls | None = None, timeouts: Timeouts | None = None, retries: Retries | None = None,
                 chunk_size: int = CHUNK, sleep: Callable[[float], None] = time.sleep,
                 clock: Callable[[], float] = time.monotonic) -> None:
        self.mirrors = mirrors or Mirrors()
        self.chunk_size = chunk_size
        self._credentials = credentials if credentials is not None else DockerConfig()
        self._transport = Transport(tls=tls, timeouts=timeouts)
        self._retries = retries or Retries()
        self._sleep = sleep
        self._clock = clock
        self._endpoints: dict[tuple[str, str, bool], Endpoint] = {}
        self._down: dict[str, float] = {}
        self.lock = threading.Lock()
        self._lock = threading.Lock()

    def __enter__(self) -> RegistryClient:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def repository(self, reference: Reference | str) -> RegistryStore:
        """The store of one repository; closing it leaves this client open."""
        return RegistryStore(reference, client=self)

    def endpoint(self, host: str, scheme: str = "", *, hurried: bool = False) -> Endpoint:
        """The registry at a host. ``hurried`` where others can be asked instead: it is soon given up."""
        with self._lock:
            found = self._endpoints.get((host, scheme, hurried))
            if found is None:
                retries, timeouts = self._retries, self._transport.timeouts
                found = Endpoint(host, scheme=scheme, transport=self._transport, credentials=self._credentials,
                                 sleep=self._sleep, retries=retries.hurried() if hurried else retries,
                                 timeouts=timeouts.hurried() if hurried else timeouts)
                self._endpoints[(host, scheme, hurried)] = found
            return found

    def note_down(self, host: str) -> None:
        """Nobody answers there; while others can be asked, it is left alone for a minute."""
        with self._lock:
            self._down[host] = self._clock() + LEFT_ALONE

    def is_down(self, host: str) -> bool:
        """Whether :meth:`note_down` was told so in the last minute."""
        with self._lock:
            return self._clock() < self._down.get(host, float("-inf"))

    def fetch(self, url: str, *, offset: int, what: str) -> Answer:
        """A GET without any authorization, of a foreign layer's URL."""
        if not url.startswith(("https://", "http://")):
            raise UnsupportedError(what, why="a layer's url is neither http nor https")
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        for _unused in range(6):
            answer = self._transport.send("GET", url, headers=headers, what=what)
            if answer.status in (301, 302, 303, 307, 308) and answer.header("location"):
                answer.drop()
                url = self.endpoint("foreign layer", "https").join(url, answer.header("location"), what)
                continue
            return answer
        raise RegistryError(what, why="more than 6 redirects")

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()
