# SPDX-License-Identifier: Apache-2.0
"""A machine for the WinRM service that needs no Windows: commands are a shell's, PowerShell is this machine's."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal

from imagebuild.hostd.program import NotFound, Start


class ShellProgram:
    """A process of this machine as :class:`imagebuild.hostd.program.Program`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._output: asyncio.Queue[tuple[str, bytes] | None] = asyncio.Queue()
        self._tasks = [asyncio.create_task(self._copy("stdout", process.stdout)),
                       asyncio.create_task(self._copy("stderr", process.stderr))]
        self._end = asyncio.create_task(self._finish())

    async def _copy(self, name: str, reader: asyncio.StreamReader | None) -> None:
        assert reader is not None
        while data := await reader.read(65_536):
            self._output.put_nowait((name, data))

    async def _finish(self) -> None:
        await asyncio.gather(*self._tasks)
        self._output.put_nowait(None)

    async def read(self) -> tuple[str, bytes] | None:
        """Return the next output."""
        if self._end.done() and self._output.empty():
            return None
        return await self._output.get()

    async def write(self, data: bytes) -> None:
        """Write to stdin."""
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.write(data)
            await self._process.stdin.drain()

    async def end_input(self) -> None:
        """Close stdin."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def code(self) -> int:
        """Return the exit code as Windows has it."""
        return await self._process.wait() & 0xFFFFFFFF

    async def interrupt(self) -> None:
        """Press Ctrl-C."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGINT)

    def close(self) -> None:
        """Close its pipes, which asyncio leaves to the garbage collector where a program was killed."""
        self._process._transport.close()  # type: ignore[attr-defined]

    async def kill(self) -> None:
        """End all of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)


class ShellMachine:
    """Runs ``cmd.exe /C "LINE"`` as ``sh -c LINE``; ``powershell`` is the command of a PowerShell for this machine."""

    name = "STANDIN"
    version = "10.0.20348"

    def __init__(self, powershell: tuple[str, ...] = ()) -> None:
        self.powershell = powershell
        self.started: list[Start] = []
        self.environment: dict[str, str] = {}  #: variables of all that is started
        self._programs: list[ShellProgram] = []

    async def close(self) -> None:
        """End all that still runs, and wait until it has."""
        for program in self._programs:
            await program.kill()
            await program.code()
            program.close()
        await asyncio.sleep(0)  # the pipes are closed then

    async def start(self, start: Start) -> ShellProgram:
        """Start a line."""
        self.started.append(start)
        line = start.line.removesuffix('"')
        for shell in ('cmd.exe /C "', 'cmd.exe /c "', '"C:\\windows\\system32\\cmd.exe" /c "'):
            line = line.removeprefix(shell)
        return await self._run("sh", "-c", line, environment={**self.environment, **dict(start.environment)})

    async def start_terminal(self, start: Start, columns: int, rows: int) -> ShellProgram:
        """Start a line; its console is a pipe here."""
        return await self.start(start)

    async def start_powershell(self) -> ShellProgram:
        """Start PowerShell's server."""
        if not self.powershell:
            raise NotFound
        return await self._run(*self.powershell, "-NoLogo", "-NoProfile", "-s", environment={})

    async def _run(self, *words: str, environment: dict[str, str]) -> ShellProgram:
        pipe = asyncio.subprocess.PIPE
        self._programs.append(ShellProgram(await asyncio.create_subprocess_exec(
            *words, stdin=pipe, stdout=pipe, stderr=pipe, env={**os.environ, **environment}, start_new_session=True)))
        return self._programs[-1]
