# SPDX-License-Identifier: Apache-2.0
"""Processes that start the engine of scripts (:mod:`.engines`) and wait for it, for tests of ``ensure``.

    starters.py ensure ROOT COUNT IDLE    COUNT processes ensure an engine at once; each prints its process, or why not
    starters.py engine ROOT SOCKET IDLE --starter FD    the engine, as 'wcow engine start' would run it

``WCOW_TEST_ENGINE`` is how the engine behaves: ``dies`` is killed while it starts, ``fails`` says why it cannot.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from imagebuild.dockerapi import Client
from imagebuild.engine import EngineSettings, ensure
from imagebuild.engine.serving import starting
from imagebuild.errors import ToolError, WcowError

HERE = Path(__file__).parent


def command(settings: EngineSettings, socket: Path, idle: float, _options: object) -> list[str]:
    """What stands for ``wcow engine start --foreground``."""
    return [sys.executable, __file__, "engine", str(settings.root), str(socket), str(idle)]


def run(root: Path, count: int, idle: float = 0, **env: str) -> subprocess.CompletedProcess[str]:
    """Let so many processes ensure an engine at once; what they print, a line each."""
    path = os.pathsep.join([str(HERE.parent), str(HERE.parents[1])])
    return subprocess.run([sys.executable, __file__, "ensure", str(root), str(count), str(idle)], timeout=120,
                          capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": path, **env})


def _ensure(root: Path, count: int, idle: float) -> None:
    starting._command = command
    Client  # noqa: B018 - loaded before the forks
    children = []
    for _ in range(count):
        child = os.fork()
        if not child:
            try:
                line = str(ensure(EngineSettings(root), root / "engine.sock", idle=idle).pid)
            except WcowError as error:
                line = f"{type(error).__name__}: {error}"
            os.write(1, f"{line}\n".encode())
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def _engine(root: Path, socket: Path, idle: float, fd: int) -> None:
    from support.engines import Sandbox, make

    from imagebuild.engine.serving.serve import serve
    from imagebuild.engine.serving.starter import Starter

    how = os.environ.get("WCOW_TEST_ENGINE")

    class Prepared(Sandbox):
        def prepare(self, progress: object = None) -> None:
            with (root / "starts").open("a") as note:
                note.write("start\n")
            time.sleep(0.3)  # the others ask meanwhile
            if how == "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            if how == "fails":
                raise ToolError("cannot run Windows programs", why="Wine is not installed", hint="install it")

    def made() -> object:
        engine = make(root)
        engine.sandbox = Prepared()
        return engine

    told = Starter.detached(fd)
    told.say("starting")
    try:
        asyncio.run(serve(made, root, socket, idle=idle, ready=told.ready))  # type: ignore[arg-type]
    except WcowError as error:
        told.fail(error)


if __name__ == "__main__":
    if sys.argv[1] == "ensure":
        _ensure(Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
    else:
        _engine(Path(sys.argv[2]), Path(sys.argv[3]), float(sys.argv[4]), int(sys.argv[6]))
