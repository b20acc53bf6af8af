# SPDX-License-Identifier: Apache-2.0
"""What a request to the proxy of downloads brings, and which part of a content it asks for."""

from __future__ import annotations

import re
from email.message import Message
from http.server import BaseHTTPRequestHandler

from ..recordings import Recorded

MOST = 16 << 20
"""Bytes of a request's body."""
_MOST_LINE = 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})")


def read_body(request: BaseHTTPRequestHandler) -> bytes | None:
    """The body of a request; ``None`` when it cannot be taken, which has been answered then."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return _chunks(request)
    length = request.headers.get("Content-Length", "0")
    if not (length.isascii() and length.isdigit()):
        request.close_connection = True
        request.send_error(400)
        return None
    if int(length) > MOST:
        _too_large(request)
        return None
    data = request.rfile.read(int(length))
    if len(data) < int(length):
        request.close_connection = True
        return None
    return data


def _chunks(request: BaseHTTPRequestHandler) -> bytes | None:
    out = bytearray()
    while True:
        size = request.rfile.readline(_MOST_LINE).split(b";")[0].strip()
        if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size):
            request.close_connection = True
            request.send_error(400)
            return None
        if len(out) + int(size, 16) > MOST:
            _too_large(request)
            return None
        if not int(size, 16):
            break
        out += request.rfile.read(int(size, 16))
        request.rfile.readline(_MOST_LINE)
    while request.rfile.readline(_MOST_LINE).strip():
        pass
    return bytes(out)


def _too_large(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True
    request.send_error(413)


def sent_range(headers: Message, recorded: Recorded, size: int) -> tuple[int, int, int]:
    """The status and the part (first byte, byte after the last) that a GET gets of a content: 206 with one range, 416
    for one that is not there, 200 and all of it for everything else (RFC 9110, 14.2)."""
    found = _RANGE.fullmatch((headers.get("Range") or "").replace(" ", ""))
    unless = headers.get("If-Range") or ""
    versions = recorded.header("ETag"), recorded.header("Last-Modified")
    if not found or not any(found.groups()) or (unless and unless not in versions):
        return 200, 0, size
    if not found[1]:
        first, last = max(0, size - int(found[2])), size
    else:
        first, last = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < first:
            return 200, 0, size
    return (206, first, last) if first < last else (416, 0, 0)


__all__ = ["read_body", "sent_range"]
