# SPDX-License-Identifier: Apache-2.0
"""What all ways to a machine share: everything that can be done once a program can be started there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ..errors import FormatError, ToolError, UsageError, quoted
from ..windows.facts.machine import MachineFacts
from . import files
from .collector import collected, collector_script
from .command import Command, Lost
from .port import Done, Progress
from .ways import powershell

if TYPE_CHECKING:
    from ..dockerapi import Client

_CMD = frozenset("&|<>()^,;=@!'`~ ")
"""What cmd.exe leaves alone between quotes only."""
FACTS_SECONDS = 180.0
"""For the collector: CIM on a busy server takes its time."""


class ReachedHost:
    """A machine where :meth:`open` starts programs; the rest of the port stands on it."""

    name = "this machine"  #: for errors

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """See the port."""
        raise NotImplementedError

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """See the port."""
        running = self.open(command)
        try:
            running.silent(timeout)
            running.limit(timeout)
            try:
                if stdin:
                    running.send(stdin)
                running.end()
            except BrokenPipeError:
                pass  # it did not want its input
            out = bytearray()
            while data := running.receive(1 << 20):
                out += data
            return Done(running.wait(), bytes(out), running.errors)
        except (TimeoutError, ConnectionError) as error:
            if isinstance(error, Lost) and not (timeout and "did not end within" in error.error.why):
                raise error.error from error
            raise ToolError(f"cannot run {command[0]}", why=f"it did not end within {timeout or 0:g} seconds",
                            program=command[0]) from None
        finally:
            running.close()

    def powershell(self, text: str, *, timeout: float | None = None) -> Done:
        """See the port."""
        return self.run(self.script(powershell.FROM_STDIN), stdin=powershell.stdin(text), timeout=timeout)

    def script(self, text: str) -> list[str]:
        """The command line that runs a script of ours in PowerShell there."""
        return powershell.command(text)

    def facts(self) -> MachineFacts:
        """See the port."""
        done = self.powershell(collector_script(), timeout=FACTS_SECONDS)
        try:
            return collected(done.out)
        except FormatError as error:
            said = " ".join(done.err.decode("utf-8", "replace").split())[:200]
            raise ToolError(f"cannot collect the facts of {self.name}", program="powershell",
                            why=f"exit code {done.code}; {error.why}" + (f"; it says: {said}" if said else ""),
                            hint="run 'wcow doctor facts --script' there by hand to see where it stops") from error

    def engine(self) -> Client:
        """See the port."""
        raise NotImplementedError

    def put(self, source: Path, target: str, *, progress: Progress | None = None) -> int:
        """See the port."""

        return files.put(self, source, target, progress)

    def get(self, source: str, target: Path, *, progress: Progress | None = None) -> int:
        """See the port."""

        return files.get(self, source, target, progress)

    def close(self) -> None:
        """Nothing to let go of."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_unused: object) -> None:
        self.close()


def plain_line(command: Sequence[str]) -> str:
    """A command line that cmd.exe and the program's own runtime read alike, or UsageError."""
    from ..windows.cmdline import quote_argument

    if not command:
        raise UsageError("there is no program to run")
    for argument in command:
        bad = next((char for char in argument if char in '%"\r\n\0'), None)
        if bad is not None:
            raise UsageError(f"cannot run {command[0]} on a remote host",
                             why=f"the argument {quoted(argument[:60])} has {quoted(bad)} in it, which cmd.exe "
                             "there would read as its own",
                             hint="send the text by standard input, or run it by powershell")
    words = [quote_argument(argument) for argument in command]
    line = " ".join(word if word.startswith('"') or not set(word) & _CMD else
                    f'"{word}{chr(92) * (len(word) - len(word.rstrip(chr(92))))}"' for word in words)
    if len(line) > 8000:
        raise UsageError(f"cannot run {command[0]} on a remote host", why=f"its command line has {len(line)} "
                         "characters, and cmd.exe takes 8191", hint="send the data by standard input")
    return line
