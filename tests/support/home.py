# SPDX-License-Identifier: Apache-2.0
"""The command as a user runs it: ``python -m imagebuild`` with a home of its own."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from imagebuild.stores import LayoutStore

from . import users
from .users import User


@dataclass(frozen=True, slots=True)
class Done:
    """How a run ended. ``out`` and ``err`` are text, ``raw`` the bytes on standard output."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode("utf-8")


class Home:
    """A user's home with nothing in it, and the command run from there."""

    def __init__(self, folder: Path, user: User | None = None) -> None:
        self.folder = folder
        self.user = user or users.ourselves()
        self.store_path = folder / "data" / "wcow" / "store"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of the command."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        home = str(self.folder)
        return {**kept, "HOME": home, "XDG_DATA_HOME": f"{home}/data", "XDG_CACHE_HOME": f"{home}/cache",
                "DOCKER_CONFIG": f"{home}/docker", "PYTHONPATH": self.user.python_path(),
                "NO_PROXY": "127.0.0.1,localhost", **more}

    def command(self, *args: str | Path) -> list[str]:
        """The argument vector of ``wcow ARGS``."""
        return [self.user.python, "-W", "error", "-m", "imagebuild", *map(str, args)]

    def wcow(self, *args: str | Path, stdin: bytes = b"", code: int = 0, **environment: str) -> Done:
        """Run ``wcow ARGS`` to its end; the test fails unless it ends with ``code``."""
        done = subprocess.run(self.command(*args), input=stdin, capture_output=True, timeout=120, check=False,
                              env=self.environment(**environment), cwd=self.folder, **self.user.popen())
        out = Done(done.returncode, done.stdout, done.stderr.decode("utf-8"))
        assert out.code == code, f"wcow {' '.join(map(str, args))}: exit code {out.code}\n{done.stdout!r}\n{out.err}"
        assert "Traceback" not in out.err
        return out

    def store(self) -> LayoutStore:
        """The local store of this home."""
        return LayoutStore(self.store_path, create=True)
