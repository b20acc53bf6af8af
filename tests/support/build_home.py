# SPDX-License-Identifier: Apache-2.0
"""``wcow build`` as a user has it: a store, caches and an embedded engine of the tests' own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.engine import EngineSettings, running, stop_engine
from imagebuild.errors import NotFoundError

from . import engine, programs, users

BASE = "base.example/windows/servercore:ltsc2022"
NANOSERVER = "base.example/windows/nanoserver:ltsc2022"


@dataclass(frozen=True, slots=True)
class Home:
    """A store and an engine's folder of the tests' own, and the environment of ``wcow`` there."""

    folder: Path
    environment: dict[str, str]
    user: users.User

    def start(self, *words: str | Path) -> subprocess.Popen[str]:
        """Start a verb; both outputs are pipes."""
        return subprocess.Popen([self.user.python, "-m", "imagebuild", *map(str, words)], env=self.environment,
                                text=True, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **self.user.popen())

    def wcow(self, *words: str | Path, code: int = 0, seconds: float = 280) -> tuple[str, str]:
        """Run a verb to its end, which must be with ``code``; what it wrote to standard output and error."""
        with self.start(*words) as process:
            try:
                out, err = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        assert process.returncode == code, err[-4000:]
        return out, err

    def context(self, dockerfile: str, **files: str) -> str:
        """A folder with a Dockerfile and other files."""
        folder = self.folder / f"context{len(list(self.folder.glob('context*')))}"
        folder.mkdir()
        for name, text in {"Dockerfile": dockerfile, **files}.items():
            (folder / name).write_text(text)
        return str(folder)

    def engine(self) -> Client:
        """A client of the engine, which runs."""
        found = running(self.folder / "engine")
        assert found is not None
        return Client.at(found.host)

    def left(self) -> tuple[int, int]:
        """How many containers, and how many images and volumes, the engine has."""
        with self.engine() as client:
            return (len(client.json("GET", "/containers/json", query={"all": True})),
                    len(client.json("GET", "/images/json", query={"all": True}))
                    + len(client.json("GET", "/volumes")["Volumes"] or ()))


@contextmanager
def opened(kind: str = "") -> Iterator[Home]:
    """A home with the bases :data:`BASE` and :data:`NANOSERVER`, of the account that the tests run as, or of a ``kind``
    of :mod:`.users`; its engine is stopped in the end."""
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
            for like, tag in (("servercore", BASE), ("nanoserver", NANOSERVER)):
                made.wcow("base", "create", "--like", like, "--os-version", "10.0.20348.1", "-t", tag)
            yield made
        finally:
            with suppress(NotFoundError):  # no RUN came so far
                stop_engine(EngineSettings(folder / "engine").root)
