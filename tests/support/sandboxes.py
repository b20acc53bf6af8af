# SPDX-License-Identifier: Apache-2.0
"""Boxes for tests: one sandbox a session over a template that stays from run to run, and small Windows programs."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from imagebuild.errors import ToolError
from imagebuild.runtime import Box, BoxSpec, Command, Process, Stdio, WineSandbox

from . import programs
from .users import User

COMPILER = "x86_64-w64-mingw32-gcc"
SECONDS = 60


def home(user: User | None = None) -> Path:
    """Where the template is kept: in the user's cache, for root where the account that boxes run as can go."""
    if user is not None and user.drop:
        return user.home / "sandbox"
    return Path("/var/tmp/wcow-tests-sandbox") if os.geteuid() == 0 else programs.user_cache() / "sandbox"


def prepare(user: User) -> None:
    """Make an account's template where it is missing; Unavailable with the reason where this machine cannot."""
    if not user.drop:
        open_sandbox().close()
        return
    said = user.run(_PREPARE, home(user), timeout=300).strip()
    if said:
        raise programs.Unavailable(said)


_PREPARE = """
import sys
from pathlib import Path
from imagebuild.errors import ToolError
from imagebuild.runtime import WineSandbox
sandbox = WineSandbox(Path(sys.argv[1]))
try:
    missing = sandbox.facts().missing
    if missing:
        print("not installed:", ", ".join(missing), "(Debian packages)")
    else:
        sandbox.prepare()
except ToolError as error:
    print(error)
finally:
    sandbox.close()
"""
"""For an account that we are not: it has a template of its own."""


def open_sandbox() -> WineSandbox:
    """A prepared sandbox; Unavailable with the reason where this machine cannot."""
    sandbox = WineSandbox(home())
    missing = sandbox.facts().missing
    if missing:
        sandbox.close()
        raise programs.Unavailable(f"not installed: {', '.join(missing)} (Debian packages)")
    try:
        sandbox.prepare()
    except ToolError as error:
        sandbox.close()
        raise programs.Unavailable(str(error)) from error
    return sandbox


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that the boxes' account can reach (pytest's own are closed to others)."""
    path = Path(tempfile.mkdtemp(prefix="wcow-test-box-", dir="/var/tmp"))
    path.chmod(0o755)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def compile_program(source: Path, *linked: str) -> Path:
    """A Windows program from one C file, kept by its source; Unavailable without mingw-w64."""
    compiler = programs.find(COMPILER)
    key = hashlib.sha256(source.read_bytes() + repr(linked).encode()).hexdigest()[:16]
    out = programs.user_cache() / "windows-programs" / f"{source.stem}-{key}.exe"
    if not out.exists():
        out.parent.mkdir(parents=True, exist_ok=True)
        new = out.with_suffix(f".{os.getpid()}")
        programs.run(compiler, "-Os", "-s", "-Wall", "-Werror", "-o", new, source, *linked)
        new.replace(out)
    return out


@dataclass(frozen=True, slots=True)
class Done:
    """A program that has ended: its code and what it wrote."""

    code: int
    out: str
    err: str


class Boxes:
    """Opens boxes below one folder, and closes them."""

    def __init__(self, sandbox: WineSandbox, root: Path) -> None:
        self.sandbox = sandbox
        self.root = root
        self._opened: list[Box] = []
        self.layer = root / "layer"
        self.layer.mkdir()

    def open(self, name: str = "box", **facts: object) -> Box:
        """A box of this name with the layer of the test's programs."""
        spec = BoxSpec(id=name, folder=self.root / name, hostname=name, layers=(self.layer,))
        box = self.sandbox.open(replace(spec, **facts))  # type: ignore[arg-type]
        self._opened.append(box)
        return box

    def add_program(self, program: Path, name: str) -> None:
        """Put a program into the layer, as ``C:\\NAME``."""
        shutil.copyfile(program, self.layer / name)
        (self.layer / name).chmod(0o644)

    def run(self, line: str, *, stdin: bytes = b"", **facts: object) -> Done:
        """A box for one command."""
        box = self.open(**facts)
        try:
            return run(box, line, stdin=stdin)
        finally:
            box.close(remove=True)

    def close(self) -> None:
        """Close what was opened."""
        for box in self._opened:
            box.close(remove=True)


def run(box: Box, line: str, *, stdin: bytes = b"", main: bool = True, **facts: object) -> Done:
    """Run a command in a box to its end; output goes to files, so that nothing waits for a reader."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        start = box.start if main else box.exec
        process = start(Command(line, **facts), Stdio(given.fileno(), out.fileno(), err.fileno()))  # type: ignore[arg-type]
        code = process.ended.result(SECONDS)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace").replace("\r\n", "\n"))
        return Done(code, *texts)


def start(box: Box, line: str, **facts: object) -> Process:
    """Start a main program that hears and says nothing."""
    null = os.open(os.devnull, os.O_RDWR)
    try:
        return box.start(Command(line, **facts), Stdio(null, null, null))  # type: ignore[arg-type]
    finally:
        os.close(null)


def wait_for(until: Callable[[], object], seconds: float = 10) -> bool:
    """Wait until a function says yes; whether it did in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if until():
            return True
        time.sleep(0.01)
    return False
