# SPDX-License-Identifier: Apache-2.0
"""pytest with our plugin, as a user starts it: in a folder with his tests, over an embedded engine of its own.

The engine is started by the plugin itself. It is stopped with the place, and nothing of it may be left.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.engine import running

from . import engine, programs, tunnels, users
from .users import User

HERE = Path(__file__).resolve().parents[2]
_COUNTS = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|warnings?|deselected)")


HELLO = r'''
def test_hello(nanoserver):
    assert nanoserver.cmd("echo hello").check().stdout == "hello\n"
'''
MOUNT = r'''
def test_mount(container_factory, tmp_path):
    (tmp_path / "win2016_me.txt").write_text("This file was created by user 'me' on windows host")
    box = container_factory(mounts={r"C:\example": tmp_path})
    assert "user 'me'" in box.cmd(r"type C:\example\win2016_me.txt").check().stdout
'''
"""The two tests that the plugin was made for."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run of pytest came to: ``counts`` as its last line has them, and all that it printed."""

    code: int
    counts: Mapping[str, int]
    text: str

    def passed(self, number: int) -> Run:
        """Itself, when as many tests passed and none did anything else."""
        assert self.counts == {"passed": number}, self.text
        assert self.code == 0, self.text
        return self


@dataclass(frozen=True, slots=True)
class Place:
    """A user's folder of tests, and the place of the embedded engine that these use. ``python`` is that of an
    environment in which the plugin is installed; where it is empty, the plugin is the one of this tree."""

    folder: Path
    root: Path
    user: User
    env: Mapping[str, str] = field(default_factory=dict)
    python: str = ""

    def pytest(self, tests: str | Mapping[str, str], *args: str, timeout: float = 600, **env: str) -> Run:
        """Write the tests into an empty folder (a text is ``test_it.py``), and run pytest there."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        self.user.own(folder)
        for name, text in ({"test_it.py": tests} if isinstance(tests, str) else tests).items():
            if not (folder / name).parent.exists():
                self.user.own(_folder((folder / name).parent))
            (folder / name).write_text(text, encoding="utf-8")
            self.user.own(folder / name)
        done = self.start(folder, *args, **env)
        try:
            out = done.communicate(timeout=timeout)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            done.kill()
            raise AssertionError(f"pytest did not end in {timeout:g} s: {done.communicate()[0].decode()}") from None
        lines = [line for line in out.splitlines() if " in " in line and _COUNTS.search(line)]
        counts = {word.removesuffix("s") if word.startswith(("error", "warning")) else word: int(number)
                  for number, word in _COUNTS.findall(lines[-1])} if lines else {}
        return Run(done.returncode, counts, out)

    def start(self, folder: Path, *args: str, **env: str) -> subprocess.Popen[bytes]:
        """Start pytest in a folder, and do not wait for it."""
        mine = {**self.user.environment(), "WCOW_ENGINE_ROOT": str(self.root), **self.env}
        if self.python:
            program = [self.python, "-m", "pytest"]
            mine.pop("PYTHONPATH", None)
        else:
            program = [self.user.python, "-m", "pytest", "-p", "pytest_wcow"]
            mine["PYTHONPATH"] = os.pathsep.join((str(HERE / "plugins"), str(HERE), mine.get("PYTHONPATH", "")))
        return subprocess.Popen(
            [*program, "-p", "no:cacheprovider", "-q", *args], cwd=folder, env={**mine, **env},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **self.user.popen())

    def client(self) -> Client:
        """A client of the engine, which has to run."""
        found = running(self.root)
        assert found is not None and found.pid
        return Client.at(f"unix://{found.socket}")

    def containers(self) -> list[str]:
        """The names of all containers of the engine."""
        with self.client() as client:
            return sorted(one["Names"][0] for one in client.json("GET", "/containers/json", query={"all": True}))


def environment(more: Mapping[str, str]) -> dict[str, str]:
    """Variables with which a Python of ours finds the library and the plugin of this tree."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(HERE / "plugins"), str(HERE))), **more}


@contextlib.contextmanager
def place(user: User | None = None, python: str = "") -> Iterator[Place]:
    """A place for an account. Unavailable where the engine cannot run."""
    user = user or users.ourselves()
    top = Path(tempfile.mkdtemp(prefix="wcow-plugin-test-", dir="/var/tmp"))
    try:
        top.chmod(0o711)
        root, folder = user.own(_folder(top / "engine")), user.own(_folder(top / "tests"))
        engine.template(root / "sandbox", user)
        made = Place(folder, root, user, python=python)
        try:
            if not tunnels.wanted() or user != users.ourselves():
                yield made
            else:
                with tunnels.through(_start(made), top) as address:
                    yield replace(made, env={"WCOW_ENGINE": address})
        finally:
            _stop(made)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _folder(path: Path) -> Path:
    path.mkdir()
    return path


def _start(made: Place) -> str:
    """Start the engine before the plugin does; its address."""
    programs.run(made.user.python, "-m", "imagebuild", "engine", "start", "--root", made.root, cwd=HERE, timeout=200,
                 user=made.user)
    found = running(made.root)
    assert found is not None
    return f"unix://{found.socket}"


def _stop(made: Place) -> None:
    found = running(made.root)
    if found is None:
        return
    family = engine.descendants(found.pid)
    programs.run(made.user.python, "-m", "imagebuild", "engine", "stop", "--root", made.root, cwd=HERE, timeout=200,
                 user=made.user)
    engine.nothing_left(made.root, family, set())
