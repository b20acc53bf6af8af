# SPDX-License-Identifier: Apache-2.0
"""The standard streams of one program: pipes, or a pseudo-terminal, read as it writes and written as a client types."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
import tty
from collections.abc import Callable
from contextlib import suppress

from ...runtime.port import Stdio
from .output import PIECE, STDERR, STDOUT

Sink = Callable[[int, bytes], None]
"""Gets what the program writes: the stream (1 stdout, 2 stderr) and the bytes."""

CELLS = 0xFFFF
"""Of the rows and columns that clients send, so many bits count (hcsshim ``Process.ResizeConsole``)."""
DRAIN = 0.2
"""Seconds to wait, when a program has ended, for what its console still draws on the terminal."""
LINGER = 0.02
"""The same for pipes. What the program wrote is in them when it has ended; the wait is for children that end with it.
Longer would be for nothing: a process that stays (Wine's desktop has the error output of the program that it was
started for) holds a pipe open, and every exec of PowerShell would wait for all of it."""


class Streams:
    """Ours are the other ends of what the program has. Used on the engine's loop only."""

    def __init__(self, sink: Sink, *, tty: bool, stdin: bool, stderr: bool = True) -> None:
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._theirs: list[int] = []
        self._readers: dict[int, int] = {}
        self._writer = -1
        self._master = -1
        self._done = asyncio.Event()
        self._room = asyncio.Event()
        if tty:
            self._terminal()
        else:
            self._pipes(stdin, stderr)
        self._done_when_empty()

    @property
    def stdio(self) -> Stdio:
        """What the program gets."""
        return Stdio(*self._theirs)

    def started(self) -> None:
        """The program has its ends: ours of them are closed."""
        for descriptor in set(self._theirs):
            os.close(descriptor)
        self._theirs = []

    def resize(self, rows: int, columns: int) -> None:
        """Set the size of the terminal, of which Windows takes 16 bits; nothing without one."""
        if self._master >= 0:
            with suppress(OSError):
                fcntl.ioctl(self._master, termios.TIOCSWINSZ,
                            struct.pack("HHHH", rows & CELLS, columns & CELLS, 0, 0))

    def pause(self) -> None:
        """Read no more from the program, which waits when its pipe is full."""
        for descriptor in self._readers:
            self._loop.remove_reader(descriptor)

    def resume(self) -> None:
        """Read on."""
        for descriptor in self._readers:
            self._loop.add_reader(descriptor, self._read, descriptor)

    async def write(self, data: bytes) -> bool:
        """Give the program input, waiting while it does not read; false when it will read no more."""
        view = memoryview(data)
        while view:
            if self._writer < 0:
                return False
            try:
                view = view[os.write(self._writer, view):]
            except BlockingIOError:
                await self._writable()
            except OSError:
                self.close_input()
                return False
        return True

    def close_input(self) -> None:
        """The program's input ends (a terminal's does not)."""
        if self._writer >= 0 and self._writer != self._master:
            self._loop.remove_writer(self._writer)
            os.close(self._writer)
            self._writer = -1
            self._room.set()

    async def ended(self) -> None:
        """The program is gone: read what is left, then let go of everything."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._done.wait(), DRAIN if self._master >= 0 else LINGER)
        for descriptor in tuple(self._readers):
            self._read(descriptor)
        self.close()

    def close(self) -> None:
        """Let go of every descriptor."""
        self.started()
        self.close_input()
        for descriptor in tuple(self._readers):
            self._stop(descriptor)
        self._master = self._writer = -1
        self._room.set()

    def _terminal(self) -> None:
        self._master, slave = os.openpty()
        # Wine's console makes it raw only after its first output: what is typed at that prompt would be echoed twice,
        # and Enter would arrive as Ctrl-J.
        tty.setraw(slave)
        os.set_blocking(self._master, False)
        self._theirs = [slave, slave, slave]
        self._writer = self._master
        self._watch(self._master, STDOUT)

    def _pipes(self, stdin: bool, stderr: bool) -> None:
        if stdin:
            read, self._writer = os.pipe2(os.O_CLOEXEC)
            os.set_blocking(self._writer, False)
        else:
            read = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._theirs = [read]
        for stream in (STDOUT, STDERR) if stderr else (STDOUT,):
            ours, theirs = os.pipe2(os.O_CLOEXEC)
            with suppress(OSError):  # a smaller pipe does as well: the user's limit is reached
                fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, PIECE)
            os.set_blocking(ours, False)
            self._theirs.append(theirs)
            self._watch(ours, stream)
        if not stderr:
            self._theirs.append(self._theirs[1])

    def _watch(self, descriptor: int, stream: int) -> None:
        self._readers[descriptor] = stream
        self._loop.add_reader(descriptor, self._read, descriptor)

    def _read(self, descriptor: int) -> None:
        for _unused in range(8):  # a program that writes without end must not keep the loop
            try:
                data = os.read(descriptor, PIECE)
            except BlockingIOError:  # nothing more waits
                return
            except OSError:  # a terminal whose other side is closed
                data = b""
            if not data:
                self._stop(descriptor)
                return
            self._sink(self._readers[descriptor], data)

    def _stop(self, descriptor: int) -> None:
        if descriptor in self._readers:
            self._loop.remove_reader(descriptor)
            if descriptor == self._master:
                self._loop.remove_writer(descriptor)  # the number may come again
            del self._readers[descriptor]
            os.close(descriptor)
            if descriptor == self._master:
                self._master = self._writer = -1
                self._room.set()
        self._done_when_empty()

    def _done_when_empty(self) -> None:
        if not self._readers:
            self._done.set()

    async def _writable(self) -> None:
        self._room.clear()
        self._loop.add_writer(self._writer, self._room.set)
        try:
            await self._room.wait()
        finally:
            if self._writer >= 0:
                self._loop.remove_writer(self._writer)
