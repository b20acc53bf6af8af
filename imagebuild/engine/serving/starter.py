# SPDX-License-Identifier: Apache-2.0
"""What an engine that starts tells the process that started it: JSON lines through a pipe, until it listens.

The lines are ``{"pid": 1}`` first, then any number of ``{"say": "text"}``, and at the end ``{"ready": true}`` or
``{"error": {"what", "why", "hint"}}``. A pipe that ends without either is an engine that died.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from ...errors import WcowError


class Starter:
    """The end of the engine. A starter that is gone, or that reads no more, does not disturb it."""

    def __init__(self, fd: int) -> None:
        os.set_inheritable(fd, False)  # the pipe ends when the engine does, whatever the engine has started
        self._fd = fd

    @classmethod
    def detached(cls, fd: int) -> Starter:
        """Go on in a child of this process, which ends: the engine belongs to init, and leaves its starter nothing to
        wait for. For a process that has no threads yet."""
        if os.fork():
            os._exit(0)
        made = cls(fd)
        made._tell({"pid": os.getpid()})
        return made

    def say(self, line: str) -> None:
        """Tell a line of progress."""
        self._tell({"say": line})

    def fail(self, error: WcowError) -> None:
        """Tell why the engine does not start."""
        self._tell({"error": {"what": error.what, "why": error.why, "hint": error.hint}})
        self._close()

    def ready(self) -> None:
        """Tell that the engine listens. The pipe ends."""
        self._tell({"ready": True})
        self._close()

    def _tell(self, document: dict[str, Any]) -> None:
        data = json.dumps(document).encode() + b"\n"
        with suppress(OSError):  # whoever started us has gone: the engine serves on
            while data and self._fd >= 0:
                data = data[os.write(self._fd, data):]

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def told(fd: int, seconds: float) -> Iterator[dict[str, Any]]:
    """Yield what an engine tells through the pipe ``fd``, until it ends. TimeoutError after ``seconds``."""
    import select
    import time

    end = time.monotonic() + seconds
    rest = b""
    while True:
        if not select.select([fd], [], [], max(0.0, end - time.monotonic()))[0]:
            raise TimeoutError
        data = os.read(fd, 65536)
        if not data:
            return
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            document = json.loads(line)
            if isinstance(document, dict):
                yield document
