# SPDX-License-Identifier: Apache-2.0
"""Requests of programs, sent on to where their content really is: the download map's place, or the server itself.

A request goes to no address that means this machine or its cloud's metadata (loopback, link-local) unless the download
map sends it there: the program that asks is in a container, which reaches none of them by itself.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ...errors import FetchError
from ..downloadmap import DownloadMap
from ..redact import redact
from ..url import Response

Send = Callable[[str, str, Mapping[str, str], bytes | None, float], Response]
"""Sends one request (method, URL, headers, body, seconds without a byte) and returns the answer, whatever its status;
follows no redirect."""


class Refused(OSError):
    """The address is one of this machine's own."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where contents come from. With ``offline`` only from folders of the map. ``timeout`` is in seconds without a
    byte; ``free`` and ``guarded`` send requests, the second to no address of this machine."""

    downloads: DownloadMap = field(default_factory=DownloadMap)
    offline: bool = False
    timeout: float = 60
    free: Send = field(default_factory=lambda: sender(guarded=False))
    guarded: Send = field(default_factory=lambda: sender(guarded=True))

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Response | Path:
        """The answer of a server, or the file of a mapped folder (which may not be there). FetchError where there is
        neither."""
        place = self.downloads.resolve(url)
        if isinstance(place, Path):
            return place
        if self.offline:
            raise FetchError(f"cannot download {redact(url)}", url=redact(url), why="--offline was given",
                             hint="map it to a folder with [download] in wcow.toml")
        send = self.guarded if place == url else self.free
        try:
            return send(method, place, headers, body, self.timeout)
        except (OSError, http.client.HTTPException, ValueError) as error:
            inner = getattr(error, "reason", error)
            why = getattr(inner, "strerror", None) or str(inner) or type(error).__name__
            raise FetchError(f"cannot download {redact(url)}", url=redact(url), why=str(why),
                             hint="check the name, the network and the proxy") from error


def sender(*, guarded: bool) -> Send:
    """The usual sender: urllib's, which knows the environment's proxies and the system's certificates."""
    from urllib.request import HTTPErrorProcessor, HTTPHandler, HTTPSHandler, Request, build_opener

    class AsItIs(HTTPErrorProcessor):
        def http_response(self, request, response):  # type: ignore[no-untyped-def]
            return response

        https_response = http_response

    class Plain(HTTPHandler):
        def http_open(self, req: Any) -> Any:
            return self.do_open(_Plain if guarded and not _by_proxy(req) else http.client.HTTPConnection, req)

    class Secure(HTTPSHandler):
        def https_open(self, req: Any) -> Any:
            kind = _Secure if guarded and not _by_proxy(req) else http.client.HTTPSConnection
            return self.do_open(kind, req, context=self._context)  # type: ignore[attr-defined]

    director = build_opener(AsItIs(), Plain(), Secure())
    director.addheaders = []

    def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None, timeout: float) -> Response:
        response: Response = director.open(Request(url, body, dict(headers), method=method), timeout=timeout)
        return response

    return send


def _by_proxy(request: Any) -> bool:
    """Whether a request goes to a proxy of the environment, which resolves the name and connects."""
    return bool(request._tunnel_host) or request.host != urlsplit(request.full_url).netloc.rpartition("@")[2]


def _outside(address: tuple[str, int], *rest: Any) -> socket.socket:
    """A connection to a host, none of whose address is this machine's own."""
    made = socket.create_connection(address, *rest)
    there = ipaddress.ip_address(made.getpeername()[0].partition("%")[0])
    there = getattr(there, "ipv4_mapped", None) or there
    if there.is_loopback or there.is_link_local or there.is_unspecified:
        made.close()
        raise Refused(f"{address[0]} is an address of this machine ({there}), which no container reaches: "
                      "the download map can send it there")
    return made


class _Plain(http.client.HTTPConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = _outside


class _Secure(http.client.HTTPSConnection):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._create_connection = _outside


__all__ = ["Origin", "Refused", "sender"]
