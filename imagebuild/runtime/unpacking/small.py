# SPDX-License-Identifier: Apache-2.0
"""The small files of a layer, written in batches: by a process beside us once there are many, and by ourselves while
that one is busy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from ..snapshots.file import Facts, write_file
from ..snapshots.writer_process import Beside
from .tree import Folder

SMALL = 64 << 10
"""Bytes of the largest file that waits for others."""
BATCH_FILES, BATCH_BYTES = 64, 256 << 10
MANY = 256
"""After so many files a second process is worth its start."""


class SmallFiles:
    """Use it from one thread. ``descriptor`` gives an open folder, which exists, and keeps it open for a moment; every
    method raises OSError."""

    def __init__(self, top: Folder, descriptor: Callable[[Folder], int]) -> None:
        self._top = top
        self._descriptor = descriptor
        self._count = 0
        self._batch: list[tuple[Folder, str, bytes, Facts]] = []
        self._bytes = 0
        self._beside: Beside | None = None
        self._tried = False

    def add(self, folder: Folder, name: str, content: bytes, facts: Facts) -> None:
        """A file that is there at the latest when :meth:`drain` returns."""
        self._batch.append((folder, name, content, facts))
        self._bytes += len(content)
        if len(self._batch) >= BATCH_FILES or self._bytes >= BATCH_BYTES:
            self._end()

    def drain(self) -> None:
        """Until every file is there."""
        self._end()
        if self._beside is not None:
            self._beside.drain()

    def close(self) -> None:
        """What was not written yet is not any more. Safe to call twice."""
        if self._beside is not None:
            self._beside.close()

    def _end(self) -> None:
        batch, self._batch, self._bytes = self._batch, [], 0
        if not batch:
            return
        self._count += len(batch)
        if not self._tried and self._count >= MANY:
            self._tried = True
            with suppress(OSError):  # then we go on alone
                self._beside = Beside(self._descriptor(self._top))
        if self._beside is not None and self._beside.takes([(one[0].parts, *one[1:]) for one in batch]):
            return
        for folder, name, content, facts in batch:
            pieces = iter((content, b"") if content else (b"",))
            write_file(self._descriptor(folder), name, pieces.__next__, facts)
