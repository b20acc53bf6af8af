# SPDX-License-Identifier: Apache-2.0
"""The fake: a machine whose facts and programs a test makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import NotFoundError, ToolError, UnsupportedError
from ..windows.facts.machine import MachineFacts
from .command import Command
from .port import Done, Progress

if TYPE_CHECKING:
    from ..dockerapi import Client


class MemoryHost:
    """A machine with these ``facts``; ``programs`` answers command lines (the words joined by blanks). What was run
    stands in ``commands``, with its standard input; what was put in ``files``. ``engine`` is an address for
    :meth:`engine`."""

    def __init__(self, facts: MachineFacts | None = None, programs: Mapping[str, Done] | None = None, *,
                 engine: str = "") -> None:
        self.files: dict[str, bytes] = {}
        self._engine = engine
        self.commands: list[tuple[tuple[str, ...], bytes]] = []
        self._facts = facts or MachineFacts()
        self._programs = dict(programs or {})

    def facts(self) -> MachineFacts:
        """The facts it was made with."""
        return self._facts

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """The answer for that command line; ToolError when there is none."""
        self.commands.append((tuple(command), stdin))
        return self._answer(command)

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """A program that says its answer and ends when its input has ended; ToolError when there is none."""
        return MemoryCommand(command, self._answer(command), self.commands)

    def powershell(self, text: str, *, timeout: float | None = None) -> Done:
        """The answer for the command line ``powershell``; the script is its input."""
        return self.run(["powershell"], stdin=text.encode())

    def engine(self) -> Client:
        """A client over the engine that it was given; UnsupportedError without one."""
        from ..dockerapi import Client

        if not self._engine:
            raise UnsupportedError("this machine of a test has no engine")
        return Client.at(self._engine)

    def put(self, source: Path, target: str, *, progress: Progress | None = None) -> int:
        """Keep the file's content in ``files``."""
        data = source.read_bytes()
        if self.files.get(target) == data:
            return 0
        self.files[target] = data
        if progress is not None:
            progress(len(data), len(data))
        return len(data)

    def get(self, source: str, target: Path, *, progress: Progress | None = None) -> int:
        """Write what ``files`` has."""
        if source not in self.files:
            raise NotFoundError(f"there is no {source} on this machine of a test")
        target.write_bytes(self.files[source])
        return len(self.files[source])

    def close(self) -> None:
        """Nothing to let go of."""

    def _answer(self, command: Sequence[str]) -> Done:
        if (line := " ".join(command)) not in self._programs:
            raise ToolError(f"cannot run {command[0]}", why="this machine of a test knows no such command line",
                            program=command[0])
        return self._programs[line]


class MemoryCommand(Command):
    """A program of a :class:`MemoryHost`."""

    def __init__(self, command: Sequence[str], done: Done, commands: list[tuple[tuple[str, ...], bytes]]) -> None:
        super().__init__(command[0])
        self._line, self._done, self._commands = tuple(command), done, commands
        self._input = bytearray()

    def send(self, data: bytes | bytearray | memoryview, /) -> None:
        """Keep it."""
        if self.over:
            raise BrokenPipeError("the program has ended")
        self._input += data

    def end(self) -> None:
        """The program says what it says, and ends."""
        if not self.over:
            self._commands.append((self._line, bytes(self._input)))
            self.arrived("stdout", self._done.out)
            self.arrived("stderr", self._done.err)
            self.ended(self._done.code)

    def kill(self) -> None:
        """The program ends without a word."""
        self.ended(1)
