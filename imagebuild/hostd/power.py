# SPDX-License-Identifier: Apache-2.0
"""The other end of ``shutdown.exe`` on a host: a restart or the end of the machine, now or later.

A program on the host sends a line over Windows' own pipe for that, ``InitShutdown``: ``r`` (restart), ``s`` (shut
down) or ``a`` (abort), and how many seconds to wait. The answer is a line with an error of Windows, 0 for none.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

PIPE = "InitShutdown"
SCHEDULED = 1190
"""ERROR_SHUTDOWN_IS_SCHEDULED."""
NONE_IN_PROGRESS = 1116
"""ERROR_NO_SHUTDOWN_IN_PROGRESS."""
INVALID = 87
"""ERROR_INVALID_PARAMETER."""
GRACE = 0.2
"""Seconds more, in which whoever asked for a shutdown at once hears that it comes."""
_LONGEST = 315_360_000
_LINE = 32
_PATIENCE = 5.0


class Power:
    """What is asked of a machine's power, on an event loop."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due: asyncio.Queue[str] = asyncio.Queue()
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self, socket: Path) -> None:
        """Hear programs on a socket, to which the host's pipe leads."""
        socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._hear, socket, limit=_LINE)
        socket.chmod(0o600)

    async def wait(self) -> str:
        """Return ``r`` or ``s`` when the time for it has come."""
        return await self._due.get()

    def ask(self, line: str) -> int:
        """Do what a line says; return an error of Windows, or 0."""
        action, _unused, text = line.strip().partition(" ")
        if action == "a":
            if self._timer is None:
                return NONE_IN_PROGRESS
            self._timer.cancel()
            self._timer = None
            return 0
        if action not in ("r", "s") or not (text.isascii() and text.isdigit()) or int(text) > _LONGEST:
            return INVALID
        if self._timer is not None:
            return SCHEDULED
        self._timer = asyncio.get_running_loop().call_later(int(text) + GRACE, self._come, action)
        return 0

    async def close(self) -> None:
        """Hear nothing any more, and forget what was to come."""
        if self._timer is not None:
            self._timer.cancel()
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _come(self, action: str) -> None:
        self._timer = None
        self._due.put_nowait(action)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            async with asyncio.timeout(_PATIENCE):
                line = (await reader.readline()).decode("ascii", "replace")
                writer.write(b"%d\n" % self.ask(line))
                await writer.drain()
                await reader.read(1)  # it has read the answer and closes
        except (OSError, ValueError, TimeoutError):
            pass  # the program was ended, or what it said is no line
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):  # the asker has gone
                await writer.wait_closed()
