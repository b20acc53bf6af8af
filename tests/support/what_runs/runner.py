# SPDX-License-Identifier: Apache-2.0
"""Runs a row of the table: mounts the program's files, does the steps of a build one by one in one container, then
starts the program in every way."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..engine import IMAGE, Engine
from . import relay, ways
from .outcome import Outcome, told
from .sources import FILES
from .table import Program

WORK = "C:\\work"
"""Where a row's own files are in its containers, writable: a copy of its folder in ``files``."""


def run(program: Program, engine: Engine) -> list[Outcome]:
    """Every step and start of a row; :class:`~.programs.Unavailable` when its files cannot be had here."""
    folder = engine.fresh()
    try:
        return [*_run(program, engine, folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(program: Program, engine: Engine, folder: Path) -> Iterator[Outcome]:
    if program.files:
        shutil.copytree(FILES / program.files, folder, dirs_exist_ok=True)
    options = ["-v", f"{folder}:{WORK}", "-w", WORK]
    for target, source in program.sources.items():
        options += ["-v", f"{source.folder()}:{target}:ro"]
    for name, value in program.environment.items():
        options += ["-e", f"{name}={value}"]
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
        engine.user.own(path)
    with _reaching(engine) if program.asks_engine else contextlib.nullcontext(()) as more:
        options += more
        steps = [*_steps(program, engine, tuple(options))] if program.steps else []
        yield from steps
        if all(step.ran for step in steps):
            for way in program.ways:
                yield ways.run(way, engine, tuple(options), IMAGE)


@contextlib.contextmanager
def _reaching(engine: Engine) -> Iterator[tuple[str, ...]]:
    """Options of a container that reaches the engine it runs in."""
    made = engine.docker("run", "-d", IMAGE, "ping", "-n", "36000", "127.0.0.1").stdout.strip()
    try:
        pid = int(engine.docker("inspect", "-f", "{{.State.Pid}}", made).stdout)
        with relay.relaying(pid, engine.socket):
            yield ("--network", f"container:{made}", "-e", f"DOCKER_HOST=tcp://127.0.0.1:{relay.PORT}")
    finally:
        engine.docker("rm", "-f", made)


def _steps(program: Program, engine: Engine, options: tuple[str, ...]) -> Iterator[Outcome]:
    """What builds a program, one command after the other in one container; the first that fails is the last."""
    made = engine.docker("run", "-d", *options, IMAGE, "ping", "-n", "36000", "127.0.0.1").stdout.strip()
    try:
        for step in program.steps:
            done = engine.docker("exec", made, *step.line, ok=False, timeout=step.seconds)
            said = told(step.shows, 0, done.stdout + done.stderr, done.returncode)
            yield Outcome(step.name, " ".join(step.line), said)
            if said:
                return
    finally:
        with contextlib.suppress(Exception):
            engine.docker("rm", "-f", made)
