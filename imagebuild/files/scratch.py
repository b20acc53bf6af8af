# SPDX-License-Identifier: Apache-2.0
"""A temporary folder that does not stay when its process is killed: the next one that needs one frees it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .liveness import abandoned, hold, still_there

_HELD = ".held"


@contextmanager
def scratch(prefix: str) -> Iterator[Path]:
    """Give a new folder for the block, in the folder of temporary files. Folders of the same prefix and user whose
    process has ended are removed first. OSError."""
    _sweep(prefix)
    folder, fd = _made(prefix)
    try:
        yield folder
    finally:
        os.close(fd)  # first: Windows removes no folder in which a file is open
        shutil.rmtree(folder, ignore_errors=True)


def _made(prefix: str) -> tuple[Path, int]:
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        fd = os.open(folder / _HELD, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        hold(fd)
        if still_there(folder / _HELD, fd):
            return folder, fd
        os.close(fd)  # another process took it for abandoned, in the moment before it was held


def _sweep(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # another process sweeps it, or will
            found = folder.lstat()
            mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
            if mine and stat.S_ISDIR(found.st_mode) and abandoned(folder / _HELD):
                shutil.rmtree(folder, ignore_errors=True)
