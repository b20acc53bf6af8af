# SPDX-License-Identifier: Apache-2.0
"""The Windows machine of a host: a container of the embedded engine, whose programs are execs."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ..dockerapi import Client, faults
from ..dockerapi.streams import STDERR
from ..errors import WcowError
from .program import Start

POWERSHELL_SERVER = "powershell.exe -NoLogo -NoProfile -s"
QUEUED = 64
"""Pieces of output that wait between the thread that reads and the loop."""
USUAL = 437
"""The code page of consoles here, and of shells whose client names none."""
_CMD = 'cmd.exe /C "'
_STREAMS = {STDERR: "stderr"}


class Box:
    """A running container as :class:`.program.Machine`."""

    def __init__(self, client: Client, container: str, *, name: str, version: str, user: str = "") -> None:
        self._client, self._container, self._user = client, container, user
        self.name, self.version = name, version
        self._threads = ThreadPoolExecutor(max_workers=64, thread_name_prefix="wcow-exec")

    async def start(self, start: Start) -> BoxProgram:
        """See :meth:`.program.Machine.start`."""
        loop = asyncio.get_running_loop()
        identity, stream = await loop.run_in_executor(self._threads, self._begin, self._body(start))
        return BoxProgram(self._client, identity, stream, self._threads)

    async def start_terminal(self, start: Start, columns: int, rows: int) -> BoxTerminal:
        """See :meth:`.program.Machine.start_terminal`."""
        loop = asyncio.get_running_loop()
        body = {**self._body(start), "Tty": True, "ConsoleSize": [rows, columns]}
        identity, stream = await loop.run_in_executor(self._threads, self._begin, body)
        return BoxTerminal(self._client, identity, stream, self._threads)

    async def start_powershell(self) -> BoxProgram:
        """See :meth:`.program.Machine.start_powershell`."""
        return await self.start(Start(POWERSHELL_SERVER))

    async def run(self, line: str) -> tuple[int, bytes]:
        """Run a program to its end, without input; return its exit code and what it wrote to both streams."""
        program = await self.start(Start(line))
        await program.end_input()
        said = bytearray()
        while (got := await program.read()) is not None:
            said += got[1]
        return await program.code(), bytes(said)

    def _body(self, start: Start) -> dict[str, Any]:
        return {"CommandLine": _with_code_page(start), "AttachStdin": True, "AttachStdout": True, "AttachStderr": True,
                "Env": [f"{key}={value}" for key, value in start.environment], "WorkingDir": start.folder,
                "User": self._user}

    def _begin(self, body: dict[str, Any]) -> tuple[str, Any]:
        made = self._client.json("POST", f"/wcow/containers/{self._container}/exec", body=body)["Id"]
        return made, self._client.attach(f"/exec/{made}/start", body={
            "Detach": False, "Tty": body.get("Tty", False)})

    def close(self) -> None:
        """Let the threads go when their programs have ended."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _with_code_page(start: Start) -> str:
    """Return the command line of a program whose console has its code page: a console of Wine begins with that of the
    machine, 437, and cmd changes it."""
    if start.code_page == USUAL or not start.line.startswith(_CMD):
        return start.line
    return f"{_CMD}chcp {start.code_page} >nul 2>&1 & {start.line.removeprefix(_CMD)}"


class BoxProgram:
    """An exec as :class:`.program.Program`. A thread of its own reads what it says."""

    def __init__(self, client: Client, identity: str, stream: Any, threads: ThreadPoolExecutor) -> None:
        self._client, self._identity, self._stream, self._threads = client, identity, stream, threads
        self._loop = asyncio.get_running_loop()
        self._output: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._room = threading.Semaphore(QUEUED)
        self._over = asyncio.Event()
        threading.Thread(target=self._read, name=f"wcow-exec-{identity[:12]}", daemon=True).start()

    async def read(self) -> tuple[str, bytes] | None:
        """See :meth:`.program.Program.read`."""
        if self._over.is_set() and self._output.empty():
            return None
        got = await self._output.get()
        self._room.release()
        if got is None:
            self._over.set()
        return got

    async def write(self, data: bytes) -> None:
        """See :meth:`.program.Program.write`."""
        with contextlib.suppress(WcowError):  # it reads no more: what is sent to it is dropped, as on Windows
            await self._in_thread(self._stream.write, data)

    async def end_input(self) -> None:
        """See :meth:`.program.Program.end_input`."""
        with contextlib.suppress(WcowError, OSError):
            await self._in_thread(self._stream.end)

    async def code(self) -> int:
        """See :meth:`.program.Program.code`."""
        while True:
            found = await self._in_thread(self._client.json, "GET", f"/exec/{self._identity}/json")
            if not found["Running"]:
                return int(found["ExitCode"] or 0) & 0xFFFFFFFF
            await asyncio.sleep(0.02)

    async def interrupt(self) -> None:
        """See :meth:`.program.Program.interrupt`."""
        await self._signal("INT")

    async def kill(self) -> None:
        """See :meth:`.program.Program.kill`."""
        await self._signal("KILL")
        await self._in_thread(self._stream.close)

    async def _signal(self, signal: str) -> None:
        def ask() -> None:
            with contextlib.suppress(faults.NotFound, faults.Conflict, WcowError):  # the program has ended
                self._client.json("POST", f"/wcow/exec/{self._identity}/kill", query={"signal": signal})

        await self._in_thread(ask)

    async def _in_thread(self, work: Any, *arguments: Any) -> Any:
        return await self._loop.run_in_executor(self._threads, work, *arguments)

    def _pieces(self) -> Iterator[tuple[str, bytes]]:
        for piece in self._stream.pieces():
            yield _STREAMS.get(piece.stream, "stdout"), bytes(piece.data)

    def _read(self) -> None:
        try:
            for got in self._pieces():
                self._put(got)
        except (WcowError, OSError, ValueError):
            pass  # the stream was closed or broke: what is there is all there is
        finally:
            self._put(None)
            with contextlib.suppress(OSError):  # it is closed already
                self._stream.close()

    def _put(self, got: tuple[str, bytes] | None) -> None:
        self._room.acquire()
        with contextlib.suppress(RuntimeError):  # the loop has been closed
            self._loop.call_soon_threadsafe(self._output.put_nowait, got)


class BoxTerminal(BoxProgram):
    """An exec on a terminal as :class:`.program.Terminal`."""

    async def resize(self, columns: int, rows: int) -> None:
        """See :meth:`.program.Terminal.resize`."""
        def ask() -> None:
            # the program has ended
            with contextlib.suppress(faults.NotFound, faults.Conflict, WcowError), self._client.call(
                    "POST", f"/exec/{self._identity}/resize", query={"h": rows, "w": columns}):
                pass

        await self._in_thread(ask)

    def _pieces(self) -> Iterator[tuple[str, bytes]]:
        return (("stdout", data) for data in self._stream)
