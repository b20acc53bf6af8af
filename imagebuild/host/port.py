# SPDX-License-Identifier: Apache-2.0
"""The port: what every way to a machine can do.

Adapters: ``LocalHost`` (this machine), ``MemoryHost`` (the fake). Each is used by one thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..windows.machine import MachineFacts


@dataclass(frozen=True, slots=True)
class Done:
    """A program that ended: its exit ``code`` and all it wrote."""

    code: int
    out: bytes = b""
    err: bytes = b""


class Host(Protocol):
    """A machine. Every method raises ToolError when the machine cannot be reached or the program not be started."""

    def facts(self) -> MachineFacts:
        """All that can be found out about the machine, anew with each call. What cannot be read is not known, and
        ``notes`` say why; it is no error. Nothing on the machine is changed."""

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """Run a program to its end, by argument vector, never through a shell. Its exit code is no error. ToolError
        after ``timeout`` seconds; the program is ended then."""

    def close(self) -> None:
        """Let go of connections. Safe to call twice."""
