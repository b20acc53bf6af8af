# SPDX-License-Identifier: Apache-2.0
"""Make a folder that is whole or not there: filled under another name, then renamed into place."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from .liveness import abandoned, hold

_HELD = ".held"
_YOUNG_SECONDS = 60
"""A draft without its held file is between two steps of a process that lives, or was left: after this long it was."""
_NAME = re.compile(r"\.(?P<name>.{1,80})\.(?:new|old)-[0-9a-f]{16}", re.DOTALL)


class DraftDirectory:
    """A folder being filled at :attr:`path`, beside the place where it will stand.

    Use it as a context manager: a folder that was not kept is removed when it is left. While it is filled, its process
    holds a file in it, so :func:`abandoned_directories` finds the folders of processes that were killed. Errors come
    out as OSError.
    """

    def __init__(self, place: Path, *, mode: int = 0o777) -> None:
        place.parent.mkdir(parents=True, exist_ok=True)
        self._place = place
        self.path = place.with_name(f".{place.name[:80]}.new-{secrets.token_hex(8)}")
        self.path.mkdir(mode)
        self._held = os.open(self.path / _HELD, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        hold(self._held)
        self._kept = False

    def keep(self, place: Path | None = None) -> None:
        """Give the folder its name (``place``, beside it, where that is known only now). A folder that had it is moved
        aside first and removed afterwards, so the name is missing only between two renames."""
        self._place = place or self._place
        if os.name != "posix":  # Windows renames no folder in which a file is open
            self._let_go()
        old = self._place.with_name(f".{self._place.name[:80]}.old-{secrets.token_hex(8)}")
        with suppress(FileNotFoundError):
            self._place.rename(old)
        try:
            self.path.rename(self._place)
        except OSError:
            with suppress(OSError):
                old.rename(self._place)
            raise
        self._kept = True
        self._let_go()
        shutil.rmtree(old, ignore_errors=True)

    def discard(self) -> None:
        """Remove the folder unless it was kept. Safe to call twice, never raises."""
        self._let_go()
        if not self._kept:
            shutil.rmtree(self.path, ignore_errors=True)

    def _let_go(self) -> None:
        held, self._held = self._held, -1
        if held >= 0:
            os.close(held)
            with suppress(OSError):  # a mark that stays is of a closed file: the next sweep takes it
                ((self._place if self._kept else self.path) / _HELD).unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.discard()


def abandoned_directories(parent: Path, name: str = "") -> list[Path]:
    """List the drafts below ``parent`` (of the folder called ``name``, when given) whose process is gone: what was
    being filled, and what was moved aside."""
    out: list[Path] = []
    with suppress(OSError):
        for path in sorted(parent.iterdir()):
            found = _NAME.fullmatch(path.name)
            if not found or (name and found["name"] != name[:80]) or not path.is_dir() or path.is_symlink():
                continue
            held = path / _HELD
            if abandoned(held) if held.exists() else time.time() - path.stat().st_ctime > _YOUNG_SECONDS:
                out.append(path)
    return out
