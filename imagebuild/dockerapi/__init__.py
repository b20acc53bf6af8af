# SPDX-License-Identifier: Apache-2.0
"""The Docker Engine API on the wire, both ends.

A server is a table of routes (:class:`Route`) and an object of the caller's; :class:`Client` speaks to any engine.
What they say to each other is in ``shapes``, how containers' output is framed in ``streams``, progress in
``jsonlines``, and refusals in ``faults``: the server's handler raises what the client's caller catches.

Each name is loaded when it is first asked for: a client needs neither the server nor asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from . import faults, jsonlines, respond, shapes
    from .client import Answer, Client, Duplex, Ping, Stream, endpoint
    from .filters import Filters
    from .http.hijack import Hijacked
    from .http.request import Request
    from .http.routing import Route, Router
    from .http.server import Identity, Limits, Server, tls_context
    from .respond import Response
    from .versions import ApiVersion, VersionRange, api_version

_HOME = {
    "Answer": "client", "ApiVersion": "versions", "Client": "client", "Duplex": "client", "Filters": "filters",
    "Hijacked": "http.hijack", "Identity": "http.server", "Limits": "http.server", "Ping": "client",
    "Request": "http.request", "Response": "respond", "Route": "http.routing", "Router": "http.routing",
    "Server": "http.server", "Stream": "client",
    "VersionRange": "versions", "api_version": "versions", "endpoint": "client", "tls_context": "http.server",
}
_MODULES = ("faults", "jsonlines", "respond", "shapes")

__all__ = [
    "Answer",
    "ApiVersion",
    "Client",
    "Duplex",
    "Filters",
    "Hijacked",
    "Identity",
    "Limits",
    "Ping",
    "Request",
    "Response",
    "Route",
    "Router",
    "Server",
    "Stream",
    "VersionRange",
    "api_version",
    "endpoint",
    "faults",
    "jsonlines",
    "respond",
    "shapes",
    "tls_context",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f".{_HOME[name]}", __name__), name)
    globals()[name] = value
    return value
