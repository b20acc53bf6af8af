# SPDX-License-Identifier: Apache-2.0
"""What the user asks of a host that runs: a line of JSON to a socket of its process, and a line back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import NotFoundError, StoreError, WcowError
from .record import HostPlace

log = logging.getLogger("wcow.hostd")

Do = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
_LINE = 1 << 20
_PATIENCE = 10.0
_SECONDS = 120.0


class Commands:
    """The host's end: a table of what can be asked, on an event loop."""

    def __init__(self, table: Mapping[str, Do]) -> None:
        self._table = table
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self, path: Path) -> None:
        """Answer on a socket, which its user alone can open."""
        path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._hear, path, limit=_LINE)
        path.chmod(0o600)

    async def close(self) -> None:
        """Answer no more."""
        if self._server is not None:
            self._server.close()
        for talk in tuple(self._talks):
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        try:
            async with asyncio.timeout(_PATIENCE):
                line = await reader.readline()
            writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
            await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # the other end was ended, or sent more than a line can have
        finally:
            self._talks.discard(task)
            writer.close()
            with contextlib.suppress(OSError):  # the asker has gone
                await writer.wait_closed()

    async def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            asked = json.loads(line)
            do = self._table[asked["do"]]
        except (ValueError, KeyError, TypeError):  # told to the asker
            return {"error": {"what": "the host does not know this command", "why": "", "hint": ""}}
        try:
            return await do(asked)
        except WcowError as error:
            return {"error": {"what": error.what, "why": error.why, "hint": error.hint}}
        except Exception as error:
            log.exception("a command failed")
            return {"error": {"what": "the host could not do this", "why": f"{type(error).__name__}: {error}",
                              "hint": "look into its log"}}


def ask(place: HostPlace, command: str, **facts: Any) -> dict[str, Any]:
    """Ask a host that runs; return its answer. NotFoundError when it does not run, StoreError with what it says."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as talk:
            talk.settimeout(_SECONDS)
            talk.connect(str(place.commands))
            talk.sendall(json.dumps({"do": command, **facts}).encode() + b"\n")
            with talk.makefile("rb") as answers:
                line = answers.readline(_LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotFoundError(f"the host {place.name} does not run", why=f"no process answers in {place.folder}",
                            hint=f"'wcow host start {place.name}' starts it") from None
    except OSError as error:
        raise StoreError(f"the host {place.name} does not answer", why=str(error) or type(error).__name__) from error
    try:
        answer = json.loads(line)
    except ValueError:
        raise StoreError(f"the host {place.name} does not answer", why="it ended meanwhile") from None
    if "error" in answer:
        said = answer["error"]
        raise StoreError(said["what"], why=said["why"], hint=said["hint"])
    return dict(answer)
