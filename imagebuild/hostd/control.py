# SPDX-License-Identifier: Apache-2.0
"""Hosts from outside: start one in a process of its own, stop it, remove it."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ..engine.serving.starter import told
from ..errors import NotFoundError, StoreError, ToolError
from . import record as records
from .record import HostPlace, RunningHost, running

Say = Callable[[str], None]
START_SECONDS = 300
STOP_SECONDS = 60
_PAUSE = 0.02


def start(place: HostPlace, *, options: Sequence[str] = (), say: Say, seconds: float = START_SECONDS) -> RunningHost:
    """Start the host of a place in a process of its own, and return how it is reached when it answers.

    StoreError when it runs already, ToolError when it does not start.
    """
    refuse_running(place)
    command = [sys.executable, "-m", "imagebuild", *options, "host", "serve", place.name]
    reader, writer = os.pipe()
    try:
        with open(place.log, "ab", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            child = subprocess.Popen([*command, "--starter", str(writer)], stdin=subprocess.DEVNULL, stdout=log,
                                     stderr=log, start_new_session=True, pass_fds=(writer,))
    finally:
        os.close(writer)
    pid = child.pid
    try:
        for line in told(reader, seconds):
            if "pid" in line:
                pid = line["pid"]
            elif "say" in line:
                say(line["say"])
            elif "error" in line:
                error = line["error"]
                pid = 0
                raise ToolError(f"the host {place.name} did not start", program="wcow host",
                                why=": ".join(filter(None, (str(error.get("what", "")), str(error.get("why", ""))))),
                                hint=str(error.get("hint") or f"look into {place.log}"))
            else:
                found, pid = running(place), 0
                if found is None:
                    break
                return found
        pid = 0
        raise ToolError(f"the host {place.name} did not start", program="wcow host",
                        why="its process ended without a reason", hint=f"look into {place.log}")
    except TimeoutError:
        raise ToolError(f"the host {place.name} did not start", program="wcow host", why=f"it had {seconds:g} s",
                        hint=f"look into {place.log}") from None
    finally:
        os.close(reader)
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        child.wait()


def refuse_running(place: HostPlace) -> None:
    """Raise StoreError when a host runs."""
    found = running(place)
    if found is not None:
        raise StoreError(f"the host {place.name} runs already", why=f"process {found.pid}",
                         hint=f"'wcow host stop {place.name}' ends it")


def stop(place: HostPlace, *, seconds: float = STOP_SECONDS) -> None:
    """Stop a host and wait until it is gone; what it holds stays. NotFoundError when it does not run."""
    found = running(place)
    if found is None:
        raise NotFoundError(f"the host {place.name} does not run", why=f"no process holds {place.folder}")
    end = time.monotonic() + seconds
    with suppress(ProcessLookupError):
        if found.pid:
            os.kill(found.pid, signal.SIGTERM)
    while running(place) is not None or _lives(found.pid):
        if time.monotonic() > end:
            raise ToolError(f"the host {place.name} does not stop", program="wcow host", why=f"it had {seconds:g} s",
                            hint=f"kill -9 {found.pid}: nothing on its disk is lost by that")
        time.sleep(_PAUSE)


def _lives(pid: int) -> bool:
    """Return whether a process has not ended yet; one that its parent has not asked about has."""
    try:
        return Path("/proc", str(pid), "stat").read_bytes().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except (OSError, IndexError):
        return False


def reset(place: HostPlace) -> None:
    """Make a host as it was when it was made: what it holds goes, its record and its certificate stay. StoreError when
    it runs, NotFoundError when there is none."""
    records.read(place)
    if running(place) is not None:
        raise StoreError(f"cannot reset the host {place.name}", why="it runs",
                         hint=f"'wcow host stop {place.name}', or reset -f, which starts it again")
    for folder in (place.box, place.engine, place.drive):
        if folder.is_dir():
            _remove_tree(folder)
    place.docker_installed.unlink(missing_ok=True)
    place.state_new.unlink(missing_ok=True)


def remove(place: HostPlace, *, force: bool = False) -> None:
    """Remove a host and all that it holds. StoreError when it runs, unless ``force`` stops it before."""
    if not place.folder.is_dir():
        records.read(place)  # says that there is none
    if running(place) is not None:
        if not force:
            raise StoreError(f"cannot remove the host {place.name}", why="it runs",
                             hint=f"'wcow host stop {place.name}', or remove -f")
        stop(place)
    _remove_tree(place.folder)


def _remove_tree(folder: Path) -> None:
    """Remove a folder with those that overlayfs has closed to everybody (``work/work`` has mode 000). No link is
    followed."""
    def open_up(function: object, path: str, error: object) -> None:
        found = os.lstat(path)
        if not stat.S_ISDIR(found.st_mode) or found.st_mode & 0o700 == 0o700:
            raise StoreError(f"cannot remove {path}", why=str(error[1] if isinstance(error, tuple) else error))
        Path(path).chmod(0o700)
        shutil.rmtree(path, onerror=open_up)

    shutil.rmtree(folder, onerror=open_up)
