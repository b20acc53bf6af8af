# SPDX-License-Identifier: Apache-2.0
"""What the services of a host need of the machine that they serve: start a program, and speak with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

STDOUT, STDERR = "stdout", "stderr"


class Program(Protocol):
    """A program that was started. Its output comes in order, and no output is lost between two reads."""

    async def read(self) -> tuple[str, bytes] | None:
        """Return what it wrote next (``stdout`` or ``stderr``, never empty); none when both have ended."""

    async def write(self, data: bytes) -> None:
        """Write to its standard input; what it does not read any more is dropped. Waits while its pipe is full."""

    async def end_input(self) -> None:
        """Close its standard input."""

    async def code(self) -> int:
        """Wait for its end, and return its exit code (unsigned, 32 bits)."""

    async def interrupt(self) -> None:
        """Press Ctrl-C in its console."""

    async def kill(self) -> None:
        """End it and all that it started; nothing for one that has ended."""


@runtime_checkable
class Terminal(Program, Protocol):
    """A program on a console of its own: what it shows comes as ``stdout``."""

    async def resize(self, columns: int, rows: int) -> None:
        """Give its console another size."""


@dataclass(frozen=True, slots=True)
class Start:
    """What to start: a command line as Windows takes it, with environment and folder (empty: the user's), and the code
    page of its console."""

    line: str
    environment: tuple[tuple[str, str], ...] = ()
    folder: str = ""
    code_page: int = 437


class Machine(Protocol):
    """The Windows machine behind the service."""

    @property
    def name(self) -> str:
        """What it calls itself: ``COMPUTERNAME``."""

    @property
    def version(self) -> str:
        """Its Windows: ``10.0.20348``."""

    async def start(self, start: Start) -> Program:
        """Start a program. :class:`NotFound` if there is none of that name."""

    async def start_terminal(self, start: Start, columns: int, rows: int) -> Terminal:
        """Start a program on a console of that size. :class:`NotFound` when the machine does not have it."""

    async def start_powershell(self) -> Program:
        """Start a PowerShell that serves its remoting protocol on its standard streams (``-s``)."""


class NotFound(Exception):
    """Windows error 2: there is no such program."""
