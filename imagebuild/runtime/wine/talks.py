# SPDX-License-Identifier: Apache-2.0
"""What the host and launcher.exe tell each other about a program: files in the folder ``run`` of a box.

``run/N`` is what the host asks for. ``run/N.answer`` is a FIFO, into which launcher.exe writes lines. The box has the
folder read-only: no program of it can make, remove, replace or close anything there, and a FIFO can be written through
a read-only mount all the same. None can read an answer in launcher.exe's place either, for the FIFO may only be
written. A program with a terminal has ``run/N.size`` too, a FIFO in which the host says how large the terminal is now.
The names go, and the FIFOs open to none, as soon as launcher.exe has them open.

A program can still write answers of its own, before that or with launcher.exe's descriptor. They tell of its own box
alone. An answer begins at a line's start, so that bytes before it do not hide it; the host takes out at once what is
written, so that launcher.exe never waits; and a box that writes more than :data:`MOST` is ended.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from pathlib import Path

from ...errors import UsageError
from ..linux.account import Account
from ..linux.bwrap import PREFIX
from ..linux.drives import FOLDER

MOST = 1 << 20
"""Bytes of answers about one program. launcher.exe writes some forty; a list of ten thousand processes fits."""

_BEGUN = re.compile(rb"^(started|failed) (\d{1,10})\n", re.MULTILINE)
_EXIT = re.compile(rb"^exit (\d{1,10})\n", re.MULTILINE)
_MAKE = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Talk:
    """One program's: its name in ``run``, the descriptor of its FIFO (:class:`Talks` closes it), that of the FIFO for
    sizes (-1: it has no terminal), and what came.

    Not for two threads at a time.
    """

    def __init__(self, name: str, descriptor: int, sizes: int = -1) -> None:
        self.name = name
        self.descriptor = descriptor
        self.sizes = sizes
        self._heard = bytearray()

    @property
    def inside(self) -> str:
        """The request as launcher.exe finds it; the FIFO is beside it."""
        return rf"\\?\unix\run\{self.name}"

    def hear(self) -> bool:
        """Take out what was written so far, without waiting. False for a program that writes too much."""
        while len(self._heard) <= MOST:
            try:
                part = os.read(self.descriptor, 1 << 16)
            except BlockingIOError:
                return True
            self._heard += part
        return False

    def begun(self) -> tuple[str, int] | None:
        """"started" and the program's Windows id, or "failed" and the error; ``None``: not known yet."""
        found = _BEGUN.search(self._heard)
        return (found[1].decode(), int(found[2])) if found else None

    def exit_code(self) -> int | None:
        """The program's exit code, the last one that came; ``None`` when launcher.exe was killed before."""
        codes = _EXIT.findall(self._heard)
        return int(codes[-1]) & 0xFFFFFFFF if codes else None

    def listed(self) -> str:
        """The processes that ``launcher list`` wrote."""
        return self._heard.decode("utf-8", "replace")


class Talks:
    """All talks of one box, in its folder ``run``, which must be empty."""

    def __init__(self, run: Path, account: Account) -> None:
        """OSError."""
        self._account = account
        self._lock = threading.Lock()
        self._run = os.open(run, FOLDER)
        self._number = 0

    def begin(self, request: bytes, *, terminal: bool = False) -> Talk:
        """Make ``run/N`` with this request, and the FIFOs. OSError, also after :meth:`close`."""
        with self._lock, ExitStack() as failed:
            self._number += 1
            name = str(self._number)
            asked = os.open(name, os.O_WRONLY | _MAKE, 0o400, dir_fd=self._run)
            failed.callback(self._remove, name)
            with os.fdopen(asked, "wb") as out:  # os.write may stop at a full disk and say nothing
                self._give(asked, 0o400)
                out.write(request)
            descriptor = self._fifo(f"{name}.answer", 0o200, failed)
            sizes = self._fifo(f"{name}.size", 0o400, failed) if terminal else -1
            failed.pop_all()
            return Talk(name, descriptor, sizes)

    def begun(self, talk: Talk) -> None:
        """launcher.exe has opened both files: no other program needs to."""
        for descriptor in (talk.descriptor, talk.sizes):
            with suppress(OSError):
                os.fchmod(descriptor, 0)
        with self._lock:
            self._remove(talk.name)

    def end(self, talk: Talk) -> None:
        """Let go of both files."""
        with self._lock:
            self._remove(talk.name)
        os.close(talk.descriptor)
        if talk.sizes >= 0:
            os.close(talk.sizes)

    def close(self) -> None:
        """Begin no more. Safe to call twice."""
        with self._lock:
            if self._run >= 0:
                os.close(self._run)
                self._run = -1

    def _fifo(self, name: str, mode: int, failed: ExitStack) -> int:
        """A new FIFO, open both ways, which the box's account opens by ``mode``."""
        os.mkfifo(name, 0o600, dir_fd=self._run)
        descriptor = os.open(name, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._run)
        failed.callback(os.close, descriptor)
        self._give(descriptor, mode)
        return descriptor

    def _give(self, descriptor: int, mode: int) -> None:
        if self._account.drop:
            os.fchown(descriptor, self._account.uid, self._account.gid)
        os.fchmod(descriptor, mode)

    def _remove(self, name: str) -> None:
        for one in (name, f"{name}.answer", f"{name}.size"):
            with suppress(OSError):  # gone is what was wanted
                os.unlink(one, dir_fd=self._run)


def request(job: str, flags: str, memory: int | None, cpus: float | None, cwd: str, line: str,
            environment: Iterable[tuple[str, str]]) -> bytes:
    """The request that launcher.exe reads; its form stands at the top of ``launcher.c``. UsageError for a NUL in it."""
    fields = [job, flags, str(memory or 0), str(round((cpus or 0) * 100)), rf"\\?\unix{PREFIX}".replace("/", "\\"),
              cwd or "C:\\", line, *(f"{name}={value}" for name, value in environment)]
    if any("\0" in field for field in fields):
        raise UsageError("cannot start a program", why="there is a NUL character in its command line or environment")
    return b"".join(field.encode("utf-8", "surrogatepass") + b"\0" for field in fields)
