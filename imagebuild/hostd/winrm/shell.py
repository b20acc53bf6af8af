# SPDX-License-Identifier: Apache-2.0
"""Windows' remote shell (WinRS): commands that run by ``cmd /c``, in an environment and a folder of their shell's."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field

from ..program import STDERR, STDOUT, Machine, NotFound, Program, Start
from .envelope import fault, names
from .envelope.answer import ShellState
from .envelope.fault import Fault
from .envelope.request import CommandWanted, Piece, Request, ShellWanted, identifier
from .output import Output
from .quotas import PROCESSES

GRACE = 5.0
"""Seconds that a program has to end after it was killed, before nothing is waited for any more."""
_NOT_FOUND = 9009


@dataclass(slots=True, eq=False)
class Command:
    """A command of a shell: its program and what that has said."""

    id: str
    output: Output
    program: Program
    line: str = ""
    pump: asyncio.Task[None] | None = None
    interactive: bool = True
    input_ended: bool = False
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class CommandShell:
    """A shell of cmd. Every command is a ``cmd.exe /C`` of its own: what one sets, the next does not see."""

    def __init__(self, machine: Machine, wanted: ShellWanted, request: Request, state: ShellState) -> None:
        self.state = state
        self._machine = machine
        self._wanted = wanted
        self._code_page = _code_page(request)
        self._commands: dict[str, Command] = {}

    @property
    def commands(self) -> dict[str, str]:
        """Its commands that have not ended: identifier and command line."""
        return {key: command.line for key, command in self._commands.items() if not command.output.over}

    async def command(self, request: Request, wanted: CommandWanted) -> str:
        """Start a command; return its identifier."""
        if len(self.commands) >= PROCESSES:
            raise Fault(fault.PROCESS_QUOTA)
        identity = wanted.id or str(uuid.uuid4()).upper()
        if identity in self._commands:
            raise Fault(fault.EXISTS)
        if not wanted.command.strip():
            raise Fault(fault.BAD_PARAMETER)
        # WINRS_SKIP_CMD_SHELL is heeded by no Windows since Server 2012 R2 (MS-WSMV, product note 117).
        start = Start(f'cmd.exe /C "{wanted.line}"', self._wanted.environment, self._wanted.folder, self._code_page)
        try:
            program = await self._machine.start(start)
        except NotFound:
            raise Fault(fault.NOT_FOUND) from None
        interactive = request.option("WINRS_CONSOLEMODE_STDIN").lower() not in ("false", "0")
        # Who gave its input as a pipe speaks with the program: each answer would come so much later.
        output = Output(identity, self.state.outputs, gathers=interactive)
        command = Command(identity, output, program, wanted.line, interactive=interactive)
        command.pump = asyncio.create_task(_pump(command, self.state.outputs))
        self._commands[identity] = command
        return identity

    async def send(self, request: Request, pieces: tuple[Piece, ...]) -> None:
        """Write to commands; input for one that has ended is no error."""
        for piece in pieces:
            command = self._find(piece.command)
            if piece.stream != "stdin":
                raise Fault(fault.BAD_PARAMETER)
            async with command.sending:
                if piece.data and not command.output.over and not command.input_ended:
                    await command.program.write(piece.data)
                if piece.end and not command.input_ended:
                    command.input_ended = True
                    await command.program.end_input()

    def output(self, command: str, streams: frozenset[str]) -> Output:
        """Return what a Receive takes from."""
        if not command:
            raise Fault(fault.BAD_PARAMETER)
        return self._find(command).output

    async def signal(self, command: str, word: str) -> None:
        """Let a command know. ``terminate`` ends it and forgets it, Ctrl-C and Ctrl-Break reach its console."""
        found = self._commands.get(command)
        if found is None:
            return  # Windows answers a signal for a command that is over without a fault (see fault.NO_COMMAND's tests)
        if word == "terminate":
            del self._commands[command]
            await _end(found)
        elif word in ("ctrl_c", "ctrl_break"):
            if found.output.over and found.output.empty:
                del self._commands[command]
            else:
                await found.program.interrupt()
        else:
            raise Fault(fault.BAD_PARAMETER)

    async def close(self) -> None:
        """End all commands."""
        commands, self._commands = list(self._commands.values()), {}
        await asyncio.gather(*(_end(command) for command in commands))

    def _find(self, command: str) -> Command:
        found = self._commands.get(identifier(command))
        if found is None:
            raise Fault(fault.NO_COMMAND)
        return found


async def _pump(command: Command, streams: tuple[str, ...]) -> None:
    """Move what a program writes into its output, and then its exit code."""
    try:
        while (got := await command.program.read()) is not None:
            if got[0] in streams:
                await command.output.put(*got)
        command.output.end(await command.program.code())
    except asyncio.CancelledError:
        raise
    except Exception as error:  # the machine has gone: whoever asks is told so
        command.output.fail(Fault(fault.INTERNAL, f"The command was lost: {error} "))


async def _end(command: Command) -> None:
    if not command.output.over:
        await command.program.kill()
    if command.pump is not None:
        command.output.over = True  # nothing waits for room any more
        command.output._room.set()
        command.output._changed.set()  # a Receive that waits has its answer
        await asyncio.wait((command.pump,), timeout=GRACE)
        command.pump.cancel()


def _code_page(request: Request) -> int:
    wanted = request.option("WINRS_CODEPAGE")
    if not wanted:
        return 437
    if not (wanted.isascii() and wanted.isdigit()) or len(wanted) > 5:
        raise Fault(fault.BAD_PARAMETER)
    return int(wanted)


assert (STDOUT, STDERR) == ("stdout", "stderr")
RESOURCE = names.CMD_RESOURCE
