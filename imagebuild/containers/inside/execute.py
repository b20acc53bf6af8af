# SPDX-License-Identifier: Apache-2.0
"""Run a program in a running container: its words, its input, its end.

``docker exec`` joins words to the one line that Windows has and puts ``\\`` before each quote, which ``cmd`` does not
understand (moby/buildkit#4723). :func:`cmd_words` says a line to ``cmd`` exactly, whatever is in it.
"""

from __future__ import annotations

import base64
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from ...dockerapi import Client, shapes, streams
from ...errors import DaemonError, UsageError, quoted
from ...windows import output
from ..deadline import Closable, Deadline, DeadlineError
from .outcome import CommandError, Decode, Outcome, line_of, outcome_of

RUN_SECONDS = 300.0
"""What a program has when nothing else is said."""

OUTPUT_MOST = 256 << 20
"""Bytes that a program may print; more would fill this process's memory."""

SHOWN, SHOWN_BYTES = 1000, 4096
"""What an error shows of a program's line and output."""

NOT_STARTED = (126, 127)
"""The codes that the engine gives an exec whose program could not be started; why stands in its output (moby
``daemon/exec.go``, ``daemon/errors.go``). A program may end with the same code, hence the text."""
_PLAIN_PATH = re.compile(r"[\w .:\\\-]+")
NOT_STARTED_TEXT = b"encountered an error during hcs::System::CreateProcess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """How a program is run: its environment beside the container's, its folder, account and input, and its time."""

    environ: Mapping[str, str] | None = None
    workdir: str = ""
    user: str = ""
    stdin: bytes = b""
    tty: bool = False
    timeout: float = RUN_SECONDS


def run_program(client: Client, container: str, argv: Sequence[str], ways: Ways | None = None, *,
                decode: Decode = output.decode, shown: Sequence[str] = ()) -> Outcome:
    """Run a program in a container to its end. ``shown`` are the words of its outcome and its errors, where they are
    others than those that it is started by.

    Raises DeadlineError, with what it had printed, when that takes longer than it may, CommandError when it cannot be
    started, and the engine's fault when the container does not run.
    """
    ways = ways or Ways()
    if isinstance(argv, str):
        raise UsageError(f"cannot run {quoted(argv[:SHOWN])}", why="a program is run by its words",
                         hint=f"run({argv.split()[:4]!r}), or cmd({argv[:SHOWN]!r}) for a line of cmd")
    words = tuple(map(str, argv))
    if not words:
        raise UsageError("cannot run a program without a name")
    shown = tuple(shown) or words
    deadline = Deadline(ways.timeout)
    asked = shapes.ExecCreate(
        user=ways.user, tty=ways.tty, attach_stdin=bool(ways.stdin), attach_stdout=True, attach_stderr=True,
        env=tuple(f"{name}={value}" for name, value in (ways.environ or {}).items()) or None,
        working_dir=ways.workdir, cmd=words)
    identifier = client.json("POST", f"/containers/{container}/exec", shape=shapes.Id, body=asked).id
    out: dict[int, list[bytes]] = {streams.STDOUT: [], streams.STDERR: []}
    with client.attach(f"/exec/{identifier}/start", body=shapes.ExecStart(tty=ways.tty), silence=math.inf) as stream, \
            _in_time(deadline, stream, shown, out, decode):
        if ways.stdin:
            with suppress(DaemonError):  # it has ended, or reads no more: what it said and its code tell which
                stream.write(ways.stdin)
                stream.end()
        pieces = ((streams.STDOUT, data) for data in stream) if ways.tty else stream.pieces()
        for number, data in no_more_than(OUTPUT_MOST, pieces, words[0]):
            out.get(number, out[streams.STDERR]).append(data)
    found = outcome_of(shown, exit_code_of(client, identifier, deadline), b"".join(out[streams.STDOUT]),
                       b"".join(out[streams.STDERR]), decode)
    if found.exit_code in NOT_STARTED and NOT_STARTED_TEXT in found.raw.stdout:
        raise CommandError(f"cannot start {words[0]}", why=found.stdout.strip(), program=words[0], outcome=found)
    return found


@contextmanager
def _in_time(deadline: Deadline, stream: Closable, shown: Sequence[str], out: Mapping[int, list[bytes]],
             decode: Decode) -> Iterator[None]:
    """Let a program's output end in time. Raises DeadlineError otherwise, with the end of what came."""
    try:
        with deadline.closing(stream, "it did not end"):
            yield
    except DeadlineError as error:
        said = decode(b"".join((*out[streams.STDERR], *out[streams.STDOUT]))[-SHOWN_BYTES:]).strip()[-SHOWN:]
        had = f"it had {deadline.seconds:g} s"
        raise DeadlineError(f"{line_of(shown)[:SHOWN]} did not end", deadline.seconds,
                            why=f"{had}, and printed until then:\n{said}" if said else had,
                            hint="timeout=SECONDS gives it longer") from error.__cause__


def no_more_than(most: int, pieces: Iterable[tuple[int, bytes]], what: str) -> Iterator[tuple[int, bytes]]:
    """Give pieces of output on. Raises DaemonError when they are more than ``most`` bytes together."""
    size = 0
    for piece in pieces:
        size += len(piece[1])
        if size > most:
            raise DaemonError(f"{what} printed too much", status=0, why=f"more than {most >> 20} MB",
                              hint="send it to a file in the container, and copy that out")
        yield piece


def cmd_words(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The words and the environment that make ``cmd`` run ``text`` as if it were typed after ``cmd /c``.

    A text with quotes travels in the environment: the first ``cmd`` makes of ``!wcow_line!`` the line of the second
    after it has looked for operators and quotes, so that none is seen twice. Raises UsageError for what is not a line.
    """
    if not isinstance(text, str):
        raise UsageError("cmd takes one line", why=f"{quoted(text)} is not a text",
                         hint="run([...]) takes a program's words")
    if not text.strip() or any(char in text for char in "\r\n\0"):
        raise UsageError("cmd takes one line",
                         why=f"{quoted(text[:60])} " + ("has more" if text.strip() else "is empty"),
                         hint="join commands with &, or copy a .cmd file into the container and run that")
    if '"' not in text and not text.endswith("\\"):
        return ("cmd", "/d", "/s", "/c", text), {}
    return ("cmd", "/d", "/v:on", "/c", "%wcow_shell%"), {"wcow_shell": 'cmd /d /v:off /s /c "!wcow_line!"',
                                                          "wcow_line": text}


def cmd_path_words(template: str, path: str, *, unicode: bool = False) -> tuple[tuple[str, ...], dict[str, str]]:
    """The words and the environment for a line of ``cmd`` with a path in it: ``if exist {} (exit 0) else (exit 1)``.

    With ``unicode`` cmd's own commands print UTF-16. A path without letters that cmd takes for more goes as it is.
    """
    if _PLAIN_PATH.fullmatch(path):
        return ("cmd", *(("/u",) if unicode else ()), "/d", "/c", *(word.format(path) for word in template.split())), {}
    line = template.replace("{}", f'"{path}"').replace('"\\*', '\\*"').replace('"\\ ', '\\" ')
    words, environ = cmd_words(line)
    if unicode:
        environ = {**environ, "wcow_shell": environ["wcow_shell"].replace("cmd ", "cmd /u ", 1)}
    return words, environ


def powershell_words(text: str, program: str = "powershell", *, input_format: str = "Text") -> tuple[str, ...]:
    """The words that make PowerShell run a script of any length up to some thousand characters, without quoting."""
    script = base64.b64encode(text.encode("utf-16-le")).decode("ascii")
    return (program, "-NoLogo", "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-InputFormat", input_format,
            "-EncodedCommand", script)


def exit_code_of(client: Client, identifier: str, deadline: Deadline) -> int:
    """The code of an exec whose output has ended. The engine may need a moment to hear of its end."""
    pause = 0.001
    while True:
        found = client.json("GET", f"/exec/{identifier}/json", shape=shapes.ExecInspect)
        if not found.running and found.exit_code is not None:
            return found.exit_code
        if deadline.over:
            raise DaemonError("the engine does not say how the program ended", status=0,
                              why="its output has ended, and it still counts as running")
        time.sleep(pause)
        pause = min(pause * 2, 0.2)
