# SPDX-License-Identifier: Apache-2.0
"""The port: what every way to a machine can do.

Adapters: ``WinrmHost``, ``SshHost``, ``EngineHost`` (an engine's address alone), ``LocalHost`` (this machine),
``MemoryHost`` (the fake). Many threads may use one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from ..windows.facts.machine import MachineFacts
from .command import Command

if TYPE_CHECKING:
    from ..dockerapi import Client

Progress = Callable[[int, int], None]
"""Hears of bytes that were carried, and how many there are in all."""


@dataclass(frozen=True, slots=True)
class Done:
    """A program that ended: its exit ``code`` and all it wrote."""

    code: int
    out: bytes = b""
    err: bytes = b""


class Host(Protocol):
    """A machine. Every method raises HostError when the machine cannot be reached or is lost, and ToolError when a
    program cannot be started. UnsupportedError for what the way there cannot do (an engine's address runs nothing)."""

    def facts(self) -> MachineFacts:
        """All that can be found out about the machine, anew with each call. What cannot be read is not known, and
        ``notes`` say why; it is no error. Nothing on the machine is changed."""

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """Run a program to its end, by argument vector. Its exit code is no error. ToolError after ``timeout`` seconds;
        the program is ended then. UsageError for arguments that a shell on the way would change."""

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """Start a program whose input and output are the caller's, as a connection's are. It is ended after
        ``deadline`` seconds, and when the caller closes it."""

    def powershell(self, text: str, *, timeout: float | None = None) -> Done:
        """Run a script in Windows PowerShell; the text goes by standard input, so it may hold anything. Output is
        UTF-8."""

    def engine(self) -> Client:
        """A client of the machine's container engine; the caller's to close."""

    def put(self, source: Path, target: str, *, progress: Progress | None = None) -> int:
        """Bring a file there, and return how many bytes were sent: what a broken transfer left is gone on with when
        its hash is right, and a file that is there already is not sent. IntegrityError when it arrives changed."""

    def get(self, source: str, target: Path, *, progress: Progress | None = None) -> int:
        """Bring a file from there, as :meth:`put` does. NotFoundError when it is not there."""

    def close(self) -> None:
        """Let go of connections, and end what was opened. Safe to call twice."""
