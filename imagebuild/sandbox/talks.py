# SPDX-License-Identifier: Apache-2.0
"""What the host and launcher.exe tell each other about a program: the file ``run/N`` of the box's folder.

It begins with what the host asks for; launcher.exe writes its answer behind that. Programs of the box can write there
too, so the host keeps its descriptor and trusts no name: a file that was replaced is not looked at, one that was
written tells of nothing but the box itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from .account import Account
from .bwrap import PREFIX
from .folder import FOLDER

_NUMBER = re.compile("[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Talk:
    """One program's file below ``run``: its name, its path inside (a Windows one), an open descriptor, and where the
    answer begins."""

    name: str
    descriptor: int
    start: int

    @property
    def inside(self) -> str:
        """The file as launcher.exe finds it."""
        return rf"\\?\unix\run\{self.name}"

    def read_status(self) -> str:
        """What launcher.exe has said so far; at most a few lines are looked at."""
        return os.pread(self.descriptor, 400, self.start).decode("ascii", "replace")

    def read_list(self) -> str:
        """The processes that ``launcher list`` wrote."""
        return os.pread(self.descriptor, 1 << 20, self.start).decode("utf-8", "replace")


class Talks:
    """All talks of one box. Not for two threads at a time, but :meth:`end`."""

    def __init__(self, run: Path, account: Account) -> None:
        """OSError. Numbers go on where those of an engine before us stopped, if any of its files cannot be removed."""
        self._account = account
        self._run = os.open(run, FOLDER)
        try:
            self._ended = self._names()
            self._remove()
            self._number = max(map(int, self._names()), default=0)
        except OSError:
            self.close()
            raise

    def begin(self, request: bytes) -> Talk:
        """Make ``run/N`` with this request. OSError when the box is in the way, or after :meth:`close`."""
        self._remove()
        self._number += 1
        name = str(self._number)
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644,
                             dir_fd=self._run)
        with ExitStack() as failed:
            failed.callback(os.close, descriptor)
            if self._account.drop:
                os.fchown(descriptor, self._account.uid, self._account.gid)
            with open(descriptor, "wb", closefd=False) as out:  # os.write may stop at a full disk and say nothing
                out.write(request)
            failed.pop_all()
        return Talk(name, descriptor, len(request))

    def end(self, talk: Talk) -> None:
        """Close its file, which goes with the next that begins. From any thread."""
        os.close(talk.descriptor)
        self._ended.append(talk.name)

    def close(self) -> None:
        """Begin no more. Safe to call twice."""
        if self._run >= 0:
            os.close(self._run)
            self._run = -1

    def _names(self) -> list[str]:
        """The files that may be ours; a program can put anything there."""
        return [name for name in os.listdir(self._run) if _NUMBER.fullmatch(name)]  # noqa: PTH208

    def _remove(self) -> None:
        """Take away the files of what has ended, but for folders, which are a program's."""
        while self._ended and self._run >= 0:
            with suppress(OSError):
                os.unlink(self._ended.pop(), dir_fd=self._run)


def request(job: str, flags: str, memory: int | None, cpus: float | None, cwd: str, line: str,
            environment: Iterable[tuple[str, str]]) -> bytes:
    """The request that launcher.exe reads; its form stands at the top of ``launcher.c``. UsageError for a NUL in it."""
    fields = [job, flags, str(memory or 0), str(round((cpus or 0) * 100)), rf"\\?\unix{PREFIX}".replace("/", "\\"),
              cwd or "C:\\", line, *(f"{name}={value}" for name, value in environment)]
    if any("\0" in field for field in fields):
        raise UsageError("cannot start a program", why="there is a NUL character in its command line or environment")
    return b"".join(field.encode("utf-8", "surrogatepass") + b"\0" for field in fields)
