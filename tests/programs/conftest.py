# SPDX-License-Identifier: Apache-2.0
"""The command as a user runs it: ``python -m imagebuild`` with a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import images

from imagebuild.stores import LayoutStore


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

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store_path = folder / "data" / "wcow" / "store"

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of the command."""
        kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        home = str(self.folder)
        return {**kept, "HOME": home, "XDG_DATA_HOME": f"{home}/data", "XDG_CACHE_HOME": f"{home}/cache",
                "DOCKER_CONFIG": f"{home}/docker", "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "NO_PROXY": "127.0.0.1,localhost", **more}

    def wcow(self, *args: str | Path, stdin: bytes = b"", code: int = 0, **environment: str) -> Done:
        """Run ``wcow ARGS`` to its end; the test fails unless it ends with ``code``."""
        done = subprocess.run([sys.executable, "-W", "error", "-m", "imagebuild", *map(str, args)], input=stdin,
                              capture_output=True, env=self.environment(**environment), cwd=self.folder, timeout=120,
                              check=False)
        out = Done(done.returncode, done.stdout, done.stderr.decode("utf-8"))
        assert out.code == code, f"wcow {' '.join(map(str, args))}: exit code {out.code}\n{done.stdout!r}\n{out.err}"
        assert "Traceback" not in out.err
        return out

    def store(self) -> LayoutStore:
        """The local store of this home."""
        return LayoutStore(self.store_path, create=True)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home whose local store is empty."""
    folder = tmp_path / "home"
    folder.mkdir()
    return Home(folder)


@pytest.fixture
def app(home: Home) -> str:
    """The sample image as ``app:1`` in the local store; its digest."""
    return str(images.sample(home.store())[1].digest)


@pytest.fixture
def many(home: Home) -> str:
    """An index of two Windows versions as ``many:1`` in the local store; its digest."""
    _, descriptor = images.windows_versions(home.store(), "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
    return str(descriptor.digest)
