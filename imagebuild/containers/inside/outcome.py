# SPDX-License-Identifier: Apache-2.0
"""What a program in a container left: its exit code and what it printed, as bytes and as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ...errors import ToolError
from ...windows import cmdline, output, status

Decode = Callable[[bytes], str]
"""Makes a text of what a program printed."""

SHOWN = 2000
REPR = 200
CMD = ("cmd", "/d", "/s", "/c")
"""What stands before a line of cmd."""


class CommandError(ToolError):
    """A program ended with another code than 0; ``outcome`` has everything it left."""

    outcome: Outcome


@dataclass(frozen=True)
class Raw:
    """The bytes as they came: those of a terminal are all ``stdout``."""

    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(frozen=True, repr=False)
class Outcome:
    """A program that ended. ``exit_code`` has no sign, as Windows has it: 3221225786, not -1073741510."""

    argv: tuple[str, ...]
    exit_code: int
    raw: Raw
    decode: Decode = field(default=output.decode, compare=False)

    def __repr__(self) -> str:
        """What an assertion that fails shows: the code and the output first."""
        said = "".join(f", {name}={_short(text)!r}" for name, text in (("stderr", self.stderr), ("stdout", self.stdout))
                       if text)
        return f"{type(self).__name__}(exit_code={self.exit_code}{said}, argv={_short(line_of(self.argv))!r})"

    @cached_property
    def stdout(self) -> str:
        """What it printed, with ``\\n`` at each line's end."""
        return self.decode(self.raw.stdout)

    @cached_property
    def stderr(self) -> str:
        """What it printed as errors, with ``\\n`` at each line's end."""
        return self.decode(self.raw.stderr)

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.exit_code == 0

    @property
    def status(self) -> str:
        """The name of the NTSTATUS that the exit code is: ``STATUS_CONTROL_C_EXIT``; empty for an ordinary code."""
        return exit_name(self.exit_code)

    def check(self) -> Outcome:
        """Return itself. Raises CommandError, which shows the output, when the exit code is not 0."""
        if self.ok:
            return self
        said = [text.strip() for text in (self.stderr, self.stdout) if text.strip()]
        raise CommandError(f"the command ended with {exit_words(self.exit_code)}: {line_of(self.argv)[:SHOWN]}",
                           why="\n".join(text[-SHOWN:] for text in said) or "it printed nothing",
                           program=self.argv[0] if self.argv else "", outcome=self)


def line_of(argv: Sequence[str]) -> str:
    """A program's words as the line that Windows has; of ``cmd`` its own, in which quotes are not escaped."""
    if tuple(argv[:4]) == CMD and len(argv) == 5:
        return f'{" ".join(CMD)} "{argv[4]}"'
    return cmdline.quote(argv) if argv and '"' not in argv[0] else " ".join(argv)


def _short(text: str) -> str:
    return text if len(text) <= REPR else f"{text[:REPR // 2]} ... {text[-REPR // 2:]}"


def unsigned(code: int) -> int:
    """An exit code as 32 bits without sign."""
    return code & 0xFFFF_FFFF


def exit_name(code: int) -> str:
    """The NTSTATUS name of an exit code; empty where Windows has none for it, and for codes of the program's own."""
    found = status.find(code) if code >= 0x4000_0000 else None
    return found.name if found is not None else ""


def exit_words(code: int) -> str:
    """An exit code for people: ``3``, or ``3221225786 (0xc000013a STATUS_CONTROL_C_EXIT: the process was ended …)``."""
    if code < 0x4000_0000:
        return str(code)
    found = status.find(code)
    return f"{code} ({found if found is not None else status.hexadecimal(code)})"


def outcome_of(argv: Sequence[str], code: int, stdout: bytes, stderr: bytes = b"",
               decode: Decode = output.decode) -> Outcome:
    """Put the parts together."""
    return Outcome(tuple(argv), unsigned(code), Raw(stdout, stderr), decode)
