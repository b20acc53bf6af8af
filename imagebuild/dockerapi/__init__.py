# SPDX-License-Identifier: Apache-2.0
"""The Docker Engine API on the wire, both ends.

A server is a table of routes (:class:`Route`) and an object of the caller's; :class:`Client` speaks to any engine.
What they say to each other is in ``shapes``, how containers' output is framed in ``streams``, progress in
``jsonlines``, and refusals in ``faults``: the server's handler raises what the client's caller catches.
"""

from __future__ import annotations

from . import faults, jsonlines, respond, shapes
from .client import Answer, Client, Duplex, Ping, Stream, endpoint
from .filters import Filters
from .hijack import Hijacked
from .request import Request
from .respond import Response
from .routing import Route, Router
from .server import Identity, Limits, Server, tls_context
from .versions import ApiVersion, VersionRange, api_version

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
