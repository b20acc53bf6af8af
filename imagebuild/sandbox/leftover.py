# SPDX-License-Identifier: Apache-2.0
"""Processes of boxes whose holder is gone.

``--die-with-parent`` of bubblewrap is a signal that each of its two processes asks for itself. A holder that is killed
before the inner one has asked leaves a whole box behind, which its folder's mounts betray. So beside each holder a
shell waits for its end, and then looks for a second whether a box is left.

    leftover.py UPTIME FOLDER     kill boxes below FOLDER that were begun before UPTIME (seconds since the machine was)
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SECONDS = 2.0
"""How long killed processes may take to go."""


LOOKS = 1.0
"""How long after its holder's end a box may still come to light: bubblewrap takes milliseconds to mount its folder."""

_SHELL = 'read never; read now rest < /proc/uptime; exec "$0" -I -S "$1" "$now" "$2"'


def guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start the shell that outlives this process: when it ends, however that happens, boxes below ``folder`` are ended.
    Closing its ``stdin`` lets it do so now. OSError."""
    return subprocess.Popen(["/bin/sh", "-c", _SHELL, sys.executable, __file__, str(folder.absolute())], env={},
                            cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def end(folders: Iterable[Path], proc: Path = Path("/proc"), *, before: float = float("inf")) -> None:
    """Kill every process that sees a box of one of these folders and was begun before this time (seconds since the
    machine was), and wait until they are gone."""
    marks = [f"{_escaped(folder.absolute())}/".encode() for folder in folders]
    deadline = time.monotonic() + SECONDS
    while marks and (found := [pid for pid in _seeing(marks, proc) if _begun(proc / str(pid)) <= before]):
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _seeing(marks: list[bytes], proc: Path) -> list[int]:
    ours = _mounts(proc / "self")
    found = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            table = _mounts(entry)
            if table and table != ours and any(mark in table for mark in marks):
                found.append(int(entry.name))
    return found


def _begun(process: Path) -> float:
    """When a process was begun, in seconds since the machine was; for one that is gone a moment that never comes."""
    try:
        fields = (process / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return float("inf")
    return int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _mounts(process: Path) -> bytes:
    try:
        return (process / "mountinfo").read_bytes()
    except OSError:  # it is gone, or another user's
        return b""


def _escaped(path: Path) -> str:
    """As the kernel writes a path in this table (``proc(5)``)."""
    text = str(path)
    for char in ("\\", " ", "\t", "\n"):
        text = text.replace(char, f"\\{ord(char):03o}")
    return text


def main(now: str, folder: str) -> None:
    """What the shell goes on as. A holder that comes next has boxes of its own there: those were begun later."""
    deadline = time.monotonic() + LOOKS
    while time.monotonic() < deadline:
        end([Path(folder)], before=float(now))
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
