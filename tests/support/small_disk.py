# SPDX-License-Identifier: Apache-2.0
"""The embedded engine on a small disk of its own, which can be filled and emptied.

The disk is a tmpfs, which only root may mount: :class:`~.programs.Unavailable` for others.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import programs
from .engine import Engine, engine
from .users import User

_PIECE = b"x" * 65536


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """The engine, and the disk below its folder."""

    engine: Engine
    disk: Path

    @property
    def room(self) -> int:
        """Bytes that are left."""
        facts = os.statvfs(self.disk)
        return facts.f_bavail * facts.f_frsize

    @contextlib.contextmanager
    def full(self, *, but: int = 0) -> Iterator[None]:
        """Fill it for the time of a block, but for so many bytes."""
        filler = self.disk / "filler"
        try:
            with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while (left := self.room - but) > 0:
                    stream.write(_PIECE[:left])
            yield
        finally:
            filler.unlink()

    def files(self) -> set[str]:
        """What the engine has on the disk of images and containers."""
        return {str(path.relative_to(self.disk)) for name in ("images", "containers", "tmp", "volumes")
                for path in (self.engine.root / name).rglob("*")}


@contextlib.contextmanager
def small_disk(size: int, user: User) -> Iterator[SmallDisk]:
    """An account's engine whose folder is on a disk of so many bytes."""
    if os.geteuid() != 0:
        raise programs.Unavailable("only root may mount a small disk")
    with contextlib.ExitStack() as stack:
        def mounted(folder: Path) -> None:
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "tmpfs", folder], timeout=20,
                                  capture_output=True, text=True, check=False)
            if done.returncode:
                raise programs.Unavailable(f"no small disk can be mounted here: {done.stderr.strip()}")
            stack.callback(lambda: subprocess.run(["umount", "-l", folder], timeout=20, check=True))

        with engine(disk=mounted, user=user) as made:
            yield SmallDisk(made, made.root.parent)


@contextlib.contextmanager
def full_disk(*, holding: Path | None = None) -> Iterator[Path]:
    """A folder on a disk without a byte left, with a copy of what ``holding`` has in it."""
    if os.geteuid() != 0:
        raise programs.Unavailable("only root may mount a small disk")
    with tempfile.TemporaryDirectory(prefix="wcow-full-") as folder:
        programs.run("mount", "-t", "tmpfs", "-o", f"size={'64m' if holding else '64k'}", "wcow-full", folder)
        try:
            if holding:
                shutil.copytree(holding, folder, symlinks=True, dirs_exist_ok=True)
            with Path(folder, "filler").open("wb", buffering=0) as stream, contextlib.suppress(OSError):
                while True:
                    stream.write(_PIECE[:4096])
            yield Path(folder)
        finally:
            programs.run("umount", folder)
