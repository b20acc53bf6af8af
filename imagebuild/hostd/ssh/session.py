# SPDX-License-Identifier: Apache-2.0
"""One session of ssh: a program of the host behind a channel."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import asyncssh

from ...errors import WcowError
from ..program import STDERR, Machine, NotFound, Program, Start, Terminal
from .shell import SUBSYSTEMS, Shell

Channel: TypeAlias = "asyncssh.SSHServerChannel[bytes]"

log = logging.getLogger("wcow.hostd.ssh")

HELD = 1 << 20
"""Bytes of input that wait for the program before the client is told to wait."""
COLUMNS, ROWS = 80, 25
_SIGNALS = {"KILL", "TERM", "HUP", "QUIT"}
_NO_PROGRAM = 9009
"""What cmd ends with when it does not find a command."""
_END = object()


class Session(asyncssh.SSHServerSession[bytes]):
    """A channel with its program, from the client's request to the exit code."""

    def __init__(self, machine: Machine, shell: Callable[[], Awaitable[Shell]],
                 environment: tuple[tuple[str, str], ...]) -> None:
        self._machine, self._shell, self._environment = machine, shell, environment
        self._channel: Channel | None = None
        self._command = self._subsystem = ""
        self._terminal = False
        self._size = (COLUMNS, ROWS)
        self._program: Program | None = None
        self._input: asyncio.Queue[Any] = asyncio.Queue()
        self._held = 0
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._task: asyncio.Task[None] | None = None
        self._acts: set[asyncio.Task[None]] = set()

    # --- what the client asks for

    def connection_made(self, chan: Channel) -> None:
        """Keep the channel."""
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: Any) -> bool:
        """Take a terminal of any type: Windows' console speaks one language."""
        self._terminal = True
        self._size = (term_size[0] or COLUMNS, term_size[1] or ROWS)
        return True

    def shell_requested(self) -> bool:
        """Take a session without a command."""
        return True

    def exec_requested(self, command: str) -> bool:
        """Take a command."""
        self._command = command
        return "\0" not in command

    def subsystem_requested(self, subsystem: str) -> bool:
        """Take a subsystem that is known."""
        self._subsystem = subsystem
        return subsystem in SUBSYSTEMS

    def session_started(self) -> None:
        """Start the program."""
        self._task = asyncio.get_running_loop().create_task(self._serve())

    # --- what comes from the client

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Keep input for the program."""
        self._input.put_nowait(data)
        self._held += len(data)
        if self._held > HELD and self._channel is not None:
            self._channel.pause_reading()

    def eof_received(self) -> bool:
        """End the input; the channel stays open for what the program says."""
        self._input.put_nowait(_END)
        return True

    def break_received(self, msec: int) -> bool:
        """Press Ctrl-C."""
        self._act(lambda program: program.interrupt())
        return True

    def signal_received(self, signal: str) -> None:
        """Press Ctrl-C for INT, end the program for what ends programs."""
        if signal == "INT":
            self._act(lambda program: program.interrupt())
        elif signal in _SIGNALS:
            self._act(lambda program: program.kill())

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        """Give the console the client's size."""
        self._size = (width or COLUMNS, height or ROWS)
        self._act(self._resize)

    def pause_writing(self) -> None:
        """Wait with output."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Go on with output."""
        self._may_write.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the program: nothing hears it any more."""
        self._may_write.set()
        if self._task is not None:
            self._task.cancel()

    # --- the program

    async def _serve(self) -> None:
        channel = self._channel
        assert channel is not None
        try:
            self._program = await self._start()
        except NotFound:  # told to the client by words or exit code; a session that is left ends its program
            channel.write_stderr(b"The system cannot find the file specified.\r\n")
            _exit(channel, _NO_PROGRAM)
            return
        except Exception as error:  # whatever it is, the client is told, and the channel ends
            log.exception("ssh: cannot start %s", self._subsystem or self._command or "a shell")
            channel.write_stderr(f"{error}\r\n".encode())
            _exit(channel, 255)
            return
        feeding = asyncio.create_task(self._feed(self._program))
        try:
            while (got := await self._program.read()) is not None:
                await self._may_write.wait()
                write = channel.write_stderr if got[0] == STDERR else channel.write
                write(got[1])
            _exit(channel, await self._program.code())
        except asyncio.CancelledError:
            # told to the client by words or exit code; a session that is left ends its program
            await asyncio.shield(self._program.kill())
        except Exception:  # the channel would stay open
            log.exception("ssh: a program was lost")
            _exit(channel, 255)
        finally:
            feeding.cancel()

    async def _start(self) -> Program:
        line = SUBSYSTEMS[self._subsystem] if self._subsystem else ""
        if not line:
            shell = await self._shell()
            line = shell.line(self._command) if self._command else shell.interactive
        start = Start(line, self._environment)
        if self._terminal and not self._subsystem:
            return await self._machine.start_terminal(start, *self._size)
        return await self._machine.start(start)

    async def _feed(self, program: Program) -> None:
        while (data := await self._input.get()) is not _END:
            await program.write(data)
            self._held -= len(data)
            if self._held <= HELD // 2 and self._channel is not None:
                self._channel.resume_reading()
        await program.end_input()

    async def _resize(self, program: Program) -> None:
        if isinstance(program, Terminal):
            await program.resize(*self._size)

    def _act(self, act: Callable[[Program], Awaitable[None]]) -> None:
        async def run(program: Program) -> None:
            with contextlib.suppress(WcowError, OSError):  # it has ended meanwhile
                await act(program)

        if self._program is not None:
            task = asyncio.get_running_loop().create_task(run(self._program))
            self._acts.add(task)
            task.add_done_callback(self._acts.discard)


def _exit(channel: Channel, code: int) -> None:
    """Tell the exit code, all 32 bits of it as OpenSSH for Windows does; asyncssh's ``exit`` keeps eight."""
    if code > 0xFF and not channel.is_closing():
        channel._send_request(b"exit-status", code.to_bytes(4, "big"))
        channel.close()
    else:
        channel.exit(code)
