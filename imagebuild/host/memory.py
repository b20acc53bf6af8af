# SPDX-License-Identifier: Apache-2.0
"""The fake: a machine whose facts and programs a test makes up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..errors import ToolError
from ..windows.machine import MachineFacts
from .port import Done


class MemoryHost:
    """A machine with these ``facts``; ``programs`` answers command lines (the words joined by blanks). What was run
    stands in ``commands``, with its standard input."""

    def __init__(self, facts: MachineFacts | None = None, programs: Mapping[str, Done] | None = None) -> None:
        self.commands: list[tuple[tuple[str, ...], bytes]] = []
        self._facts = facts or MachineFacts()
        self._programs = dict(programs or {})

    def facts(self) -> MachineFacts:
        """The facts it was made with."""
        return self._facts

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """The answer for that command line; ToolError when there is none."""
        self.commands.append((tuple(command), stdin))
        if (line := " ".join(command)) not in self._programs:
            raise ToolError(f"cannot run {command[0]}", why="this machine of a test knows no such command line",
                            program=command[0])
        return self._programs[line]

    def close(self) -> None:
        """Nothing to let go of."""
