# SPDX-License-Identifier: Apache-2.0
"""``wcow build`` as a user has it: a store, caches and an embedded engine of the tests' own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from imagebuild.engine import EngineSettings, stop_engine
from imagebuild.errors import NotFoundError

from . import engine, programs, users

BASE = "base.example/windows/servercore:ltsc2022"


@dataclass(frozen=True, slots=True)
class Home:
    """A store and an engine's folder of the tests' own, and the environment of ``wcow`` there."""

    folder: Path
    environment: dict[str, str]
    user: users.User

    def wcow(self, *words: str, code: int = 0) -> tuple[str, str]:
        """Run a verb to its end; what it wrote to standard output and error."""
        done = subprocess.run([self.user.python, "-m", "imagebuild", *words], env=self.environment, text=True, cwd="/",
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=280, **self.user.popen())
        assert done.returncode == code, done.stderr
        return done.stdout, done.stderr

    def context(self, dockerfile: str, **files: str) -> str:
        """A folder with a Dockerfile and other files."""
        folder = self.folder / f"context{len(list(self.folder.glob('context*')))}"
        folder.mkdir()
        for name, text in {"Dockerfile": dockerfile, **files}.items():
            (folder / name).write_text(text)
        return str(folder)


@contextmanager
def opened(kind: str = "") -> Iterator[Home]:
    """A home with the base :data:`BASE`, of the account that the tests run as, or of a ``kind`` of :mod:`.users`; its
    engine is stopped in the end."""
    with programs.skipping():
        user = users.find(kind) if kind else users.ourselves()
    with user.folder() as folder:
        (folder / "engine").mkdir()
        user.own(folder / "engine")
        with programs.skipping():
            engine.template(folder / "engine" / "sandbox", user)
        own = {"WCOW_STORE": "store", "WCOW_CACHE": "cache", "WCOW_ENGINE_ROOT": "engine",
               "WCOW_ENGINE_SOCKET": "engine.sock"}
        made = Home(folder, {**user.environment(), "PYTHONPATH": user.python_path(),
                             **{name: str(folder / place) for name, place in own.items()}}, user)
        try:
            made.wcow("base", "create", "--like", "servercore", "--os-version", "10.0.20348.1", "-t", BASE)
            yield made
        finally:
            with suppress(NotFoundError):  # no RUN came so far
                stop_engine(EngineSettings(folder / "engine").root)
