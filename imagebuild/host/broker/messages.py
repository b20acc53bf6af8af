# SPDX-License-Identifier: Apache-2.0
"""What a broker is asked and what it answers: a line of JSON each way on a connection of its own."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ... import errors
from ...errors import HostError, WcowError
from ..address import HostAddress

LONGEST = 1 << 20
"""Bytes of a message."""
_FACTS = ("address", "status", "code", "temporary", "cause", "package", "program")
"""What of an error's facts goes over: plain values that our callers decide on."""


def send(sock: socket.socket, message: Mapping[str, Any]) -> None:
    """Send a message."""
    sock.sendall(json.dumps(message).encode() + b"\n")


def receive(sock: socket.socket) -> dict[str, Any]:
    """Return the other side's message. ConnectionError when it ends without one."""
    data = bytearray()
    while not data.endswith(b"\n"):
        piece = sock.recv(65536)
        if not piece or len(data) > LONGEST:
            raise ConnectionAbortedError("the broker ended without an answer")
        data += piece
    try:
        message = json.loads(data)
    except ValueError as error:
        raise ConnectionAbortedError(f"the broker's message is not JSON: {error}") from None
    if not isinstance(message, dict):
        raise ConnectionAbortedError("the broker's message is not an object")
    return message


def question(address: HostAddress, password: str, options: tuple[str, ...]) -> dict[str, Any]:
    """What names a host, and a login there."""
    return {"address": asdict(address), "password": password, "options": list(options)}


def host_of(message: Mapping[str, Any]) -> tuple[HostAddress, str, tuple[str, ...]]:
    """The host and the login that a question names."""
    return HostAddress(**message["address"]), str(message["password"]), tuple(message["options"])


def error_document(error: Exception) -> dict[str, Any]:
    """An error as a message holds it."""
    if not isinstance(error, WcowError):
        return {"kind": "HostError", "what": "the broker failed", "why": f"{type(error).__name__}: {error}"}
    facts = {name: error.facts[name] for name in _FACTS if name in error.facts}
    return {"kind": type(error).__name__, "what": error.what, "why": error.why, "hint": error.hint, "facts": facts}


def raised(document: Mapping[str, Any]) -> WcowError:
    """The error of a message."""
    found = getattr(errors, str(document.get("kind")), HostError)
    kind = found if isinstance(found, type) and issubclass(found, WcowError) else HostError
    facts: dict[str, Any] = dict(document.get("facts") or {})
    return kind(str(document.get("what")), why=str(document.get("why") or ""), hint=str(document.get("hint") or ""),
                **facts)
