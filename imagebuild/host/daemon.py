# SPDX-License-Identifier: Apache-2.0
"""Asks the engine on this machine what it is: ``/version`` and ``/info`` over its local socket.

Only a socket of this machine is asked. An engine elsewhere would answer for another machine; of that one
``docker info --format json`` can be handed to the doctor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ..dockerapi.plain import unix_connection

if TYPE_CHECKING:
    import http.client

DEFAULT = "unix:///var/run/docker.sock"
_LIMIT = 8 << 20


@dataclass(frozen=True, slots=True)
class Answers:
    """What an engine answered; ``error`` says why it did not."""

    info: dict[str, Any] | None = None
    version: dict[str, Any] | None = None
    error: str | None = None


def ask(address: str = "", *, timeout: float = 10.0) -> Answers:
    """The engine's answers. ``address`` is as in ``DOCKER_HOST``; empty: the usual socket. Nothing is raised."""
    import http.client

    try:
        connection = _connect(address or DEFAULT, timeout)
    except ValueError as error:
        return Answers(error=str(error))
    try:
        version, info = _get(connection, "/version"), _get(connection, "/info")
        return Answers(info, version)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
        return Answers(error=_words(error))
    finally:
        connection.close()


def _get(connection: http.client.HTTPConnection, path: str) -> dict[str, Any]:
    connection.request("GET", path, headers={"Host": "docker", "User-Agent": "wcow"})
    answer = connection.getresponse()
    data = answer.read(_LIMIT)
    if answer.status != 200:
        raise ValueError(f"the engine answered {answer.status} to {path}")
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError(f"the engine's answer to {path} is no JSON object")
    return document


def _words(error: Exception) -> str:
    if isinstance(error, FileNotFoundError | ConnectionRefusedError):
        return "no engine listens on its socket"
    if isinstance(error, PermissionError):
        return "this account may not use the engine's socket"
    if isinstance(error, json.JSONDecodeError | RecursionError):
        return "the engine's answer is not JSON"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _connect(address: str, timeout: float) -> http.client.HTTPConnection:
    """A connection that is made with its first request; ValueError for an address that is not of this machine."""
    import http.client

    parts = urlsplit(address)
    if parts.scheme == "unix":
        return unix_connection(parts.path, timeout)
    if parts.scheme in ("tcp", "http") and parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return http.client.HTTPConnection(parts.hostname, parts.port or 2375, timeout=timeout)
    raise ValueError(f"DOCKER_HOST is no plain socket of this machine ({parts.scheme or 'no'} address): not asked")
