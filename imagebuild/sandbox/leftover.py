# SPDX-License-Identifier: Apache-2.0
"""Processes of boxes whose holder is gone.

``--die-with-parent`` of bubblewrap is a signal that each of its two processes asks for itself. A holder that is killed
before the inner one has asked leaves a whole box behind, which its folder's mounts betray.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

SECONDS = 2.0
"""How long killed processes may take to go."""


def end(folders: Iterable[Path], proc: Path = Path("/proc")) -> None:
    """Kill every process that sees a box of one of these folders, and wait until they are gone."""
    marks = [f"{_escaped(folder.absolute())}/".encode() for folder in folders]
    deadline = time.monotonic() + SECONDS
    while marks and (found := _seeing(marks, proc)):
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
