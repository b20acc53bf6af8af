# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An engine whose every call is a run of ``engine_request`` on its host, for hosts that nothing else reaches."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ....imagebuild.dockerapi import Client
from ....imagebuild.errors import HostError, UsageError

Run = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Runs the module with arguments; returns its result."""
LARGEST = 32 << 20
"""Bytes of a request: it travels as an argument of a module."""
_STREAM = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
_OURS = ("host", "connection", "upgrade", "content-length", "transfer-encoding")


def client_through(run: Run, seconds: float) -> Client:
    """Return the client of the engine that the module asks."""
    return Client(lambda: Exchange(run, seconds), host="the pipe docker_engine of the host", timeout=None)


class Exchange:
    """A connection for one call: what is sent is kept until an answer is asked for, then the module makes the call.

    A call that becomes a stream is answered at once, so that its input can follow; the call is made when the stream is
    first read.
    """

    def __init__(self, run: Run, seconds: float) -> None:
        self._run = run
        self._seconds = seconds
        self._sent = bytearray()
        self._answer = b""
        self._asked: dict[str, Any] | None = None  # a call that waits for its input
        self._made = False

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """Keep it."""
        if len(self._sent) + len(data) > LARGEST:
            raise UsageError("cannot send this much to the engine", why="each call is a task of engine_request, which"
                             f" carries {LARGEST >> 20} MB", hint="reach the host by winrm, psrp or ssh, or let the"
                             " engine pull the image")
        self._sent += data

    def receive(self, size: int, /) -> bytes:
        """Give the answer, after the call was made."""
        if not self._answer and not self._made:
            self._call()
        data, self._answer = self._answer[:size], self._answer[size:]
        return data

    def end(self) -> None:
        """Nothing follows; what was sent is known to be whole when the answer is asked for."""

    def close(self) -> None:
        """Let go of what was kept."""
        self._sent, self._answer, self._made = bytearray(), b"", True

    def silent(self, seconds: float | None) -> None:
        """The module waits as long as the task says."""

    def readable(self) -> bool:
        """Whether an answer is there."""
        return bool(self._answer)

    def offer(self, data: memoryview, /) -> int:
        """Keep it all."""
        self.send(data)
        return len(data)

    def _call(self) -> None:
        if self._asked is None:
            asked = request_of(bytes(self._sent))
            self._sent.clear()
            if asked["upgrade"]:
                self._asked, self._answer = asked, _STREAM
                return
            self._made, self._answer = True, answer_of(self._ask(asked), asked["method"])
            return
        self._made = True
        result = self._ask({**self._asked, "input_base64": _encoded(bytes(self._sent))})
        content = base64.b64decode(result["content"])
        if result["status"] not in (101, 200):
            raise HostError("the engine does not start the program", why=content.decode("utf-8", "replace").strip())
        self._answer = content

    def _ask(self, asked: Mapping[str, Any]) -> Mapping[str, Any]:
        # read_only: a task of ours sends in check mode only what changes nothing
        result = self._run({**asked, "encoded": True, "read_only": True, "timeout": int(self._seconds)})
        if "content" not in result:
            raise HostError("the engine cannot be asked on its host", why=str(result.get("msg") or "no answer came"),
                            cause=str(result.get("cause") or ""))
        return result


def request_of(sent: bytes) -> dict[str, Any]:
    """The arguments of the module for a request as HTTP has it."""
    head, _end, rest = sent.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _version = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _colon, value in (line.partition(":") for line in lines)}
    chunked = headers.get("transfer-encoding", "").lower() == "chunked"
    return {"method": method, "path": path, "body_base64": _encoded(_whole(rest) if chunked else rest),
            "upgrade": headers.get("upgrade", "").lower() == "tcp",
            "headers": {name: value for name, value in headers.items() if name not in _OURS}}


def answer_of(result: Mapping[str, Any], method: str) -> bytes:
    """An answer as HTTP has it, of the module's result."""
    content = base64.b64decode(result["content"])
    headers = {str(name).lower(): str(value) for name, value in result["headers"].items()}
    lines = [f"HTTP/1.1 {int(result['status'])} answer",
             *(f"{name}: {value}" for name, value in headers.items() if name not in _OURS), "connection: close"]
    if method != "HEAD" and int(result["status"]) not in (204, 304):
        lines.append(f"content-length: {len(content)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + content


def _whole(chunks: bytes) -> bytes:
    """A body in chunks as one piece."""
    whole = bytearray()
    while chunks:
        size, _line, rest = chunks.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        whole += rest[:length]
        chunks = rest[length + 2:]
    return bytes(whole)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
