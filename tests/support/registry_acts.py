# SPDX-License-Identifier: Apache-2.0
"""What a registry's double does instead of answering as usual: lie, cut, stall, forget."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .registry_wire import Handler


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it arrived (header names in lower case)."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def answer(status: int, headers: dict[str, str] | None = None, body: bytes | dict[str, Any] = b"") -> Any:
    """Answer so."""
    data = json.dumps(body).encode() if isinstance(body, dict) else body

    def act(handler: Handler, seen: Seen) -> bool:
        handler.reply(status, data, headers)
        return True
    return act


def cut(after: int = 0) -> Any:
    """Answer as usual, but break the connection after so many bytes of the body (0: before any answer)."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.cut_after = after
        if after == 0:
            handler.break_off()
            return True
        return False
    return act


def done_then_cut() -> Any:
    """Do the work, and break the connection before saying so."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.cut_after = -1
        return False
    return act


def corrupt(change: Callable[[bytes], bytes]) -> Any:
    """Answer as usual with another body."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.change = change
        return False
    return act


def partly(taken: int) -> Any:
    """Take so many bytes of the request's body (an upload keeps them), and break the connection."""
    def act(handler: Handler, seen: Seen) -> bool:
        found = re.fullmatch(r"/v2/.+/blobs/uploads/([^/]+)", seen.path.partition("?")[0])
        session = handler.registry.uploads.get(found[1]) if found else None
        if session is not None and seen.method in ("PATCH", "PUT"):
            session += seen.body
        handler.break_off()
        return True
    act.taken = taken  # type: ignore[attr-defined]
    return act


def stall(after: int | None = None) -> Any:
    """Say nothing (more, after so many bytes of the body) until the client goes away."""
    def act(handler: Handler, seen: Seen) -> bool:
        if after is None:
            handler.stand_still()
            return True
        handler.stall_after = after
        return False
    return act


def meanwhile(*, wait: threading.Event | None = None, tell: threading.Event | None = None) -> Any:
    """Answer as usual, but only after ``wait`` happened; then say so by ``tell``. Two of them turn an order round."""
    def act(handler: Handler, seen: Seen) -> bool:
        if wait is not None:
            wait.wait(10)
        handler.tell = tell
        return False
    return act


def promise(difference: int) -> Any:
    """Answer as usual under a Content-Length that is wrong by so many bytes, and break the connection after it."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.promised = difference
        return False
    return act


def forget() -> Any:
    """Forget the upload that is asked about, then answer as usual."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.registry.uploads.pop(seen.path.partition("?")[0].rpartition("/")[2], None)
        return False
    return act


def rotate() -> Any:
    """Forget every token, then answer as usual."""
    def act(handler: Handler, seen: Seen) -> bool:
        handler.registry.rotate_tokens()
        return False
    return act
