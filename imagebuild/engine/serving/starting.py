# SPDX-License-Identifier: Apache-2.0
"""See that an engine runs in a folder, whoever starts it, and end it.

Any number of processes may call :func:`ensure` at once: one of them starts the engine, the others wait for it. A kernel
lock decides which, so a starter that is killed keeps none waiting.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from ...errors import DaemonError, NotFoundError, StoreError, ToolError
from ...files import locked
from ..files import read_document, write_document
from ..settings import EngineSettings
from .lock import Running, running
from .place import engine_place
from .starter import told

Say = Callable[[str], None]

START_SECONDS = 300
"""The first start on a machine makes Wine's prefix, which takes some ten seconds on a fast one."""
ANSWER_SECONDS = 10
"""What an engine that runs gets to answer a ping."""
STOP_SECONDS = 30
PAUSE = 0.02

_FAILED = "failed.json"
"""In the engine's folder: when the last start failed, and why."""


def _quiet(_unused: str) -> None:
    """Say nothing."""


def ensure(settings: EngineSettings | None = None, socket: Path | None = None, *, idle: float = 0,
           options: Sequence[str] = (), say: Say = _quiet, seconds: float = START_SECONDS) -> Running:
    """Return the engine of a folder when it answers: the one that runs, the one that is starting, else a new one in a
    process of its own that outlives this one.

    ``settings`` and ``socket`` are by default the user's own place (:func:`~.place.engine_place`). An engine that runs
    is taken as it is: they and ``idle`` are for a new one, which ends after so many seconds in which nothing ran in it
    and no client was connected (0: never). ``options`` are global ones of ``wcow`` (``--config FILE``). ``say`` gets
    lines of progress. ToolError when the engine does not start, or not within ``seconds``; StoreError where the folder
    is not ours.
    """
    place = engine_place(settings.root if settings else None, socket)
    settings = settings or EngineSettings(place.root)
    begun, end = _uptime(), time.monotonic() + seconds
    while True:
        found = answering(settings.root, end)
        if found is not None:
            return found
        with starting_alone(settings.root, end - time.monotonic()):
            if running(settings.root) is None:  # another may have started it while we waited
                _raise_failure_since(settings.root, begun)
                _start_noted(_command(settings, place.socket, idle, options), settings.root, say, end)


def start_engine(settings: EngineSettings, socket: Path, *, idle: float = 0, options: Sequence[str] = (),
                 say: Say = _quiet, seconds: float = START_SECONDS) -> Running:
    """Start an engine in a process of its own, as :func:`ensure` does. StoreError when one runs there already."""
    found = running(settings.root)
    if found is not None and found.pid:
        raise StoreError("an engine runs there already", why=f"process {found.pid} on {found.socket}",
                         hint="'wcow engine stop' ends it")
    return ensure(settings, socket, idle=idle, options=options, say=say, seconds=seconds)


def stop_engine(root: Path, *, seconds: float = STOP_SECONDS) -> None:
    """End the engine of a folder and wait until it is gone; its containers are killed, as a Windows engine's are.
    NotFoundError when none runs there; ToolError when it lives after ``seconds``."""
    end = time.monotonic() + seconds
    while (found := running(root)) is not None and not found.pid and time.monotonic() < end:
        time.sleep(PAUSE)  # one that starts has not said yet which process it is
    if found is None or not found.pid:
        raise NotFoundError("no engine runs", why=f"no process holds {root}")
    with suppress(ProcessLookupError):
        os.kill(found.pid, signal.SIGTERM)
    while running(root) is not None:
        if time.monotonic() > end:
            raise ToolError("the engine does not stop", program="wcow engine", why=f"it had {seconds:g} s",
                            hint=f"kill -9 {found.pid}: no container and no state is lost by that")
        time.sleep(PAUSE)


# --- the engine that runs, or starts

def answering(root: Path, end: float) -> Running | None:
    """Wait for the engine that runs or starts in a folder until it answers; ``None`` when none is there any more. The
    ping counts as a client's, so an engine that was about to end of idleness stays for its seconds."""
    from ...dockerapi import Client

    silent, why = 0.0, ""
    while (found := running(root)) is not None:
        if found.pid:
            try:
                with Client.at(found.host, timeout=ANSWER_SECONDS) as client:
                    client.ping()
                return found
            except DaemonError as error:  # it is ending, or its socket was removed
                silent, why = silent or time.monotonic(), str(error)
                if time.monotonic() - silent > ANSWER_SECONDS:
                    raise ToolError("the engine does not answer", program="wcow engine",
                                    why=f"process {found.pid} runs in {root}; {why}",
                                    hint="'wcow engine stop' ends it") from None
        if time.monotonic() > end:
            raise _late("another process is starting it, and it does not answer")
        time.sleep(PAUSE)
    return None


# --- a new one

def _command(settings: EngineSettings, socket: Path, idle: float, options: Sequence[str]) -> list[str]:
    """The command line of such an engine."""
    command = [sys.executable, "-m", "imagebuild", *options, "engine", "start", "--foreground",
               "--windows-build", str(settings.build), "--publish-address", settings.publish_address,
               "--build-memory", str(settings.build_memory), "--root", str(settings.root), "--socket", str(socket)]
    for letter, folder in settings.drives.items():
        command += ["--host-drive", f"{letter}={folder}"]
    if settings.ca is not None:
        command += ["--ca", str(settings.ca)]
    if settings.log_level != "info":
        command += ["--log-level", settings.log_level]
    if settings.log_format != "text":
        command += ["--log-format", settings.log_format]
    if idle:
        command += ["--idle", f"{idle:g}"]
    return command


@contextmanager
def starting_alone(root: Path, seconds: float) -> Iterator[None]:
    """Hold the lock that processes take to start an engine in a folder. StoreError where the folder is not ours;
    ToolError when others still start it after ``seconds``."""
    path = root / "start.lock"
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise StoreError(f"cannot use {root} as an engine's folder", why=f"{error.filename}: {error.strerror}",
                         hint="choose a folder of your own: --root, or WCOW_ENGINE_ROOT") from error
    with ExitStack() as stack:
        try:
            stack.enter_context(locked(path, max(0.0, seconds)))
        except TimeoutError:
            raise _late("other processes are still starting it") from None
        yield


def _start_noted(command: list[str], root: Path, say: Say, end: float) -> None:
    """Start it; a failure is written down for those who wait for the same start."""
    try:
        _start(command, root, say, end)
    except ToolError as error:
        with suppress(StoreError):
            write_document(root / _FAILED, {"at": _uptime(), "why": error.why, "hint": error.hint}, sync=False)
        raise


def _start(command: list[str], root: Path, say: Say, end: float) -> None:
    child, reader = _spawn(command, root)
    pid = child.pid
    try:
        for line in told(reader, end - time.monotonic()):
            if "pid" in line:  # it has left its first process, and us
                pid = line["pid"]
            elif "say" in line:
                say(line["say"])
            else:
                pid = 0
                if "error" in line:
                    raise _failure(line["error"])
                return
        pid = 0
        raise ToolError("the engine did not start", program="wcow engine", why="its process ended without a reason",
                        hint="'wcow engine logs' may say more")
    except TimeoutError:
        raise _late("it took too long") from None
    finally:
        os.close(reader)
        if pid:  # we were stopped, or it is late: a process that starts is not left behind
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        child.wait()


def _spawn(command: list[str], root: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start the process, and return it with the end of the pipe through which the engine tells us how it starts."""
    reader, writer = os.pipe()
    try:
        with open(root / "engine.log", "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            return subprocess.Popen([*command, "--starter", str(writer)], stdin=subprocess.DEVNULL, stdout=log,
                                    stderr=log, start_new_session=True, pass_fds=(writer,)), reader
    except OSError as error:
        os.close(reader)
        raise ToolError("the engine did not start", program="wcow engine",
                        why=f"{error.filename}: {error.strerror}") from error
    finally:
        os.close(writer)


def _failure(told: dict[str, Any]) -> ToolError:
    why = str(told.get("what", ""))
    if told.get("why"):
        why = f"{why}: {told['why']}"
    return ToolError("the engine did not start", program="wcow engine", why=why,
                     hint=str(told.get("hint") or "'wcow engine logs' may say more"))


def _late(why: str) -> ToolError:
    return ToolError("the engine did not start", program="wcow engine", why=why,
                     hint="'wcow engine logs' may say more")


def _raise_failure_since(root: Path, begun: float) -> None:
    """Raise what kept the engine from starting while we waited: trying it once for each who waits takes long, and ends
    alike."""
    failed = read_document(root / _FAILED)
    if isinstance(failed, dict) and isinstance(failed.get("at"), float) and begun < failed["at"] <= _uptime():
        raise ToolError("the engine did not start", program="wcow engine", why=str(failed.get("why", "")),
                        hint=str(failed.get("hint", "")))


def _uptime() -> float:
    """Seconds since the machine was begun: one clock for all processes, which no one sets."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
