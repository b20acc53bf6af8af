# SPDX-License-Identifier: Apache-2.0
"""The fake: boxes that run a few scripted commands in threads, without Wine.

For tests of what stands on a sandbox, ours and yours. A command line is one or more of these, joined by ``&&`` (the
next runs when the one before gave 0); a leading ``cmd /c`` or ``cmd /d /s /c`` is passed
over, and the quotes around what follows it:

=================  =====================================================================================
``echo TEXT``      write TEXT and CRLF to stdout; ``%NAME%`` is replaced from the environment
``error TEXT``     the same to stderr
``cat``            copy stdin to stdout until it ends
``sleep SECONDS``  wait; a stop or kill ends it
``exit CODE``      end with this code (decimal or 0x…, 32 bits)
``size``           write ``ROWSxCOLUMNS`` as the last resize said
=================  =====================================================================================

Anything else cannot be started: ToolError with ``code`` 2, as for a program that is not there.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import select
import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as WaitTimeout
from pathlib import Path

from ..errors import NotFoundError, ToolError, UsageError, quoted
from .port import (
    KILLED,
    STOPPED,
    Box,
    BoxSpec,
    Command,
    Keys,
    MountedDrive,
    Process,
    ProcessRow,
    Progress,
    SandboxFacts,
    Stdio,
)
from .registry import identity

_COMMANDS = {"echo", "error", "cat", "sleep", "exit", "size"}


class MemoryProcess:
    """One scripted command line, on a thread of its own."""

    def __init__(self, pid: int, steps: list[tuple[str, str]], environment: dict[str, str], stdio: Stdio,
                 ended: Callable[[MemoryProcess], None]) -> None:
        self.host_pid = os.getpid()
        self.pid = pid
        self.name = f"{steps[0][0]}.exe"
        self.size = (0, 0)
        self.ended: Future[int] = Future()
        self.ended.set_running_or_notify_cancel()
        self._cause = KILLED
        self._steps, self._environment, self._over = steps, environment, ended
        self._descriptors = [os.dup(one) for one in (stdio.stdin, stdio.stdout, stdio.stderr)]
        self._stop_read, self._stop_write = os.pipe()
        threading.Thread(target=self._run, name=f"memory-{self.name}", daemon=True).start()

    def end(self, cause: int) -> None:
        """End it from outside with this code, if it still runs."""
        if not self.ended.done():
            self._cause = cause
            with contextlib.suppress(OSError):  # it may have ended meanwhile
                os.write(self._stop_write, b"x")

    def kill(self) -> None:
        """See :meth:`.port.Process.kill`."""
        self.end(KILLED)
        self.ended.result(2)

    def press(self, keys: Keys) -> None:
        """See :meth:`.port.Process.press`: no scripted command handles the event."""
        self.end(STOPPED)

    def _run(self) -> None:
        code = 1
        try:
            for name, text in self._steps:
                code = self._step(name, text)
                if code or name == "exit":
                    break
        except InterruptedError:  # stopped or killed: the cause is the code
            code = self._cause
        except OSError:
            code = 1  # a reader went away
        for descriptor in (*self._descriptors, self._stop_read, self._stop_write):
            os.close(descriptor)
        self._over(self)
        self.ended.set_result(code & 0xFFFFFFFF)

    def _step(self, name: str, text: str) -> int:
        stdin, stdout, stderr = self._descriptors
        if name in ("echo", "error"):
            shown = re.sub(r"%([^%\s]+)%", lambda found: self._environment.get(found[1].upper(), found[0]), text)
            self._write(stdout if name == "echo" else stderr, f"{shown}\r\n".encode())
        elif name == "size":
            self._write(stdout, f"{self.size[0]}x{self.size[1]}\r\n".encode())
        elif name == "sleep":
            self._wait(None, float(text))
        elif name == "cat":
            while True:
                self._wait(stdin, None)
                data = os.read(stdin, 65536)
                if not data:
                    break
                self._write(stdout, data)
        return int(text or "0", 0) if name == "exit" else 0

    def _write(self, descriptor: int, data: bytes) -> None:
        while data:
            self._wait_to_write(descriptor)
            data = data[os.write(descriptor, data[:4096]):]

    def _wait(self, descriptor: int | None, seconds: float | None) -> None:
        self._poll(descriptor, select.POLLIN, seconds)

    def _wait_to_write(self, descriptor: int) -> None:
        self._poll(descriptor, select.POLLOUT, None)

    def _poll(self, descriptor: int | None, event: int, seconds: float | None) -> None:
        poll = select.poll()  # select() cannot wait for descriptors past 1024, which a hundred programs have
        poll.register(self._stop_read, select.POLLIN)
        if descriptor is not None:
            poll.register(descriptor, event)
        ready = poll.poll(None if seconds is None else seconds * 1000)
        if any(number == self._stop_read for number, _unused in ready):
            raise InterruptedError


class MemoryBox:
    """See :class:`~.port.Box`."""

    def __init__(self, spec: BoxSpec) -> None:
        self._spec = spec
        self._pids = itertools.count(4, 4)
        self._lock = threading.Lock()
        self._main: MemoryProcess | None = None
        self._running: list[MemoryProcess] = []
        spec.folder.mkdir(parents=True, exist_ok=True)

    def start(self, command: Command, stdio: Stdio) -> Process:
        """See :meth:`.port.Box.start`."""
        if self._main is not None:
            raise UsageError("cannot start a box", why="it has been started before")
        self._main = self._new(command, stdio)
        self._let_go()
        return self._main

    def exec(self, command: Command, stdio: Stdio) -> Process:
        """See :meth:`.port.Box.exec`."""
        if self._main is None or self._main.ended.done():
            raise NotFoundError("cannot start a program in the box", why="the box does not run")
        return self._new(command, stdio)

    def _new(self, command: Command, stdio: Stdio) -> MemoryProcess:
        spec = self._spec
        identity.check(command.user or spec.user, spec.hostname, spec.accounts, command.line)
        steps = parse(command.line)
        environment = {name.upper(): value for name, value in (*self._spec.environment.items(),
                                                               *command.environment.items())}
        with self._lock:
            process = MemoryProcess(next(self._pids), steps, environment, stdio, self._over)
            self._running.append(process)
        return process

    def _over(self, process: MemoryProcess) -> None:
        with self._lock:
            self._running.remove(process)
            others = list(self._running)
        if process is self._main:
            for other in others:
                other.end(KILLED)

    def stop(self, timeout: float) -> None:
        """See :meth:`.port.Box.stop`."""
        self._end(STOPPED)

    def kill(self) -> None:
        """See :meth:`.port.Box.kill`."""
        self._end(KILLED)

    def _end(self, cause: int) -> None:
        with self._lock:
            running = list(self._running)
        for process in running:
            process.end(cause)
        for process in running:
            try:
                process.ended.result(2)
            except WaitTimeout:  # the others are ended, too
                continue

    def processes(self) -> tuple[ProcessRow, ...]:
        """See :meth:`.port.Box.processes`."""
        with self._lock:
            return tuple(ProcessRow(one.pid, one.host_pid, one.name, f"Container_{self._spec.id}")
                         for one in self._running)

    def resize(self, process: Process, rows: int, columns: int) -> None:
        """See :meth:`.port.Box.resize`."""
        if isinstance(process, MemoryProcess):
            process.size = (rows, columns)

    def flush(self) -> None:
        """See :meth:`.port.Box.flush`: there is no registry."""

    def drive(self) -> MountedDrive:
        """See :meth:`.port.Box.drive`: the upper folder alone, without what is mounted."""
        main = self._main
        if main is None or main.ended.done():
            raise NotFoundError("cannot open the drive of the box", why="the box does not run")
        upper = self._spec.folder / "upper"
        upper.mkdir(exist_ok=True)
        return MountedDrive(os.open(upper, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC), contextlib.nullcontext,
                            main.ended.done)

    def close(self, *, remove: bool = False) -> None:
        """See :meth:`.port.Box.close`."""
        self.kill()
        self._let_go()
        if remove:
            shutil.rmtree(self._spec.folder, ignore_errors=True)

    def _let_go(self) -> None:
        for mount in self._spec.mounts:
            if mount.folder:
                mount.folder.close()


class MemorySandbox:
    """See :class:`~.port.Sandbox`."""

    def __init__(self) -> None:
        self._boxes: list[MemoryBox] = []

    def facts(self) -> SandboxFacts:
        """See :meth:`.port.Sandbox.facts`."""
        return SandboxFacts("memory", "memory", "ready", "not at all", "not at all", os.getuid(),
                            ("nothing is limited: no program runs",))

    def prepare(self, progress: Progress | None = None) -> None:
        """See :meth:`.port.Sandbox.prepare`: there is nothing to do."""

    def open(self, spec: BoxSpec) -> Box:
        """See :meth:`.port.Sandbox.open`."""
        box = MemoryBox(spec)
        self._boxes.append(box)
        return box

    def forget(self, boxes: Mapping[str, Path]) -> None:
        """See :meth:`.port.Sandbox.forget`: there is nothing."""

    def guard(self, folder: Path) -> None:
        """See :meth:`.port.Sandbox.guard`: there is nothing that could be left."""

    def close(self) -> None:
        """See :meth:`.port.Sandbox.close`."""
        for box in self._boxes:
            box.close()


def parse(line: str) -> list[tuple[str, str]]:
    """A command line as (name, rest) for each part; ToolError with ``code`` 2 for one that the fake does not know."""
    said = re.fullmatch(r"\s*cmd(?:\.exe)?\s+(?:/[ds]\s+){0,2}/c\s+(\"?)(.*)\1", line, flags=re.IGNORECASE | re.DOTALL)
    line = said[2] if said else line
    steps = []
    for part in line.split("&&"):
        name, _unused, text = part.strip().partition(" ")
        if name.lower() not in _COMMANDS:
            raise ToolError(f"cannot start {quoted(line[:200])}", program=name, code=2, why="Windows error 2")
        if name.lower() == "sleep" and not re.fullmatch(r"\d+(\.\d+)?", text):
            raise UsageError(f"cannot start {quoted(line[:200])}", why="sleep wants seconds")
        if name.lower() == "exit" and not re.fullmatch(r"|\d+|0[xX][0-9a-fA-F]+", text):
            raise UsageError(f"cannot start {quoted(line[:200])}", why="exit wants a code")
        steps.append((name.lower(), text))
    return steps
