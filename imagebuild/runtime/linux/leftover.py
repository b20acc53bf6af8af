# SPDX-License-Identifier: Apache-2.0
"""Processes of boxes whose holder is gone.

``--die-with-parent`` of bubblewrap is a signal that each of its two processes asks for itself. A holder that is killed
before the inner one has asked leaves a whole box behind. Its processes are known by what no other has: the prefix of
that box, mounted where boxes have it. One that was killed before it mounted anything waits for ever for a word of the
outer process, and is known by having none: bubblewrap as the first process of a box, with a parent that is not
bubblewrap. So beside each holder a shell waits for its end, and then looks for a second
whether a box is left.

    leftover.py UPTIME FOLDER     kill boxes below FOLDER that were begun before UPTIME (seconds since the machine was)
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SECONDS = 2.0
"""How long killed processes may take to go."""
LOOKS = 1.0
"""How long after its holder's end a box may still come to light: bubblewrap takes milliseconds to mount its folder."""

_PLACES = b"/prefix", b"/newroot/prefix"
"""Where a box has its Wine prefix mounted, and where bubblewrap has it while it makes the box."""

_SHELL = 'read never; read now rest < /proc/uptime; exec "$0" -I -S "$1" "$now" "$2"'


@dataclass(frozen=True, slots=True)
class Mark:
    """What the mounts of a box below a folder begin with: the device, and the path on it as the kernel writes it."""

    device: bytes
    root: bytes


def guard(folder: Path) -> subprocess.Popen[bytes]:
    """Start the shell that outlives this process: when it ends, however that happens, boxes below ``folder`` are ended.
    Closing its ``stdin`` lets it do so now. OSError."""
    return subprocess.Popen(["/bin/sh", "-c", _SHELL, sys.executable, __file__, str(folder.absolute())], env={},
                            cwd="/", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            start_new_session=True)


def end(folders: Iterable[Path], proc: Path = Path("/proc"), *, before: float = float("inf")) -> None:
    """Kill every process of a box of one of these folders that was begun before this time (seconds since the machine
    was), and wait until they are gone."""
    ours = _mounts(proc / "self")
    marks = [_mark(folder, ours) for folder in folders]
    deadline = time.monotonic() + SECONDS
    while marks:
        found = [pid for pid in _processes(proc) if _end(pid, proc, marks, ours, before)]
        if not found or time.monotonic() > deadline:
            return
        time.sleep(0.01)


def _processes(proc: Path) -> list[int]:
    return [int(entry.name) for entry in proc.iterdir() if entry.name.isdigit()]


def _end(pid: int, proc: Path, marks: list[Mark], ours: bytes, before: float) -> bool:
    """Kill a process if it is one of a box; whether it was."""
    def found() -> bool:
        return _is_boxed(_mounts(proc / str(pid)), marks, ours) or _is_abandoned(pid, proc)

    if not found():
        return False
    try:
        held = os.pidfd_open(pid)
    except OSError:
        return False
    try:  # asked again: now nobody else can come by this id
        if not found() or _begun(pid, proc) > before:
            return False
        with suppress(OSError):
            signal.pidfd_send_signal(held, signal.SIGKILL)
        return True
    finally:
        os.close(held)


def _is_boxed(table: bytes, marks: list[Mark], ours: bytes) -> bool:
    """Whether these are the mounts of a box. A process that sees the same folders, but not where boxes have them, is
    somebody's who looks at them: a shell, a backup, a container of another engine."""
    if not table or table == ours:
        return False
    for line in table.splitlines():
        _unused, _unused, device, root, place, *_rest = line.split(b" ")
        if place in _PLACES and root.endswith(b"/prefix"):
            return any(device == mark.device and root.startswith(mark.root) for mark in marks)
    return False


def _is_abandoned(pid: int, proc: Path) -> bool:
    """Whether this is the inner bubblewrap of a box of ours whose outer one is gone. It asks for its signal of that
    only after the outer one has told it to go on, so it would wait for ever; nobody can use it any more."""
    if not _is_bubblewrap(pid, proc):
        return False
    try:
        lines = (proc / str(pid) / "status").read_bytes().splitlines()
    except OSError:
        return False
    values = dict(line.split(b":", 1) for line in lines if b":" in line)
    inner = values.get(b"NSpid", b"").split()[1:]
    return inner == [b"1"] and not _is_bubblewrap(int(values.get(b"PPid", b"0")), proc)


def _is_bubblewrap(pid: int, proc: Path) -> bool:
    try:
        words = (proc / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:  # it has ended
        return False
    return words[0].rpartition(b"/")[2] == b"bwrap" and any(word.endswith(b"/launcher.exe") for word in words)


def _mark(folder: Path, ours: bytes) -> Mark:
    """Where a folder is on its file system: in the table of a box, that has no place of this machine's any more."""
    path = os.path.realpath(os.fsencode(folder))
    device, root, best = b"", b"", b""
    for line in ours.splitlines():
        fields = line.split(b" ")
        place = _plain(fields[4])
        if (path + b"/").startswith(place.rstrip(b"/") + b"/") and len(place) >= len(best):
            device, root, best = fields[2], _plain(fields[3]), place
    return Mark(device, _escaped(root.rstrip(b"/") + path[len(best.rstrip(b"/")):]) + b"/")


def _begun(pid: int, proc: Path) -> float:
    """When a process or its parent was begun, in seconds since the machine was; for one that is gone a moment that
    never comes. The parent counts because bubblewrap, begun in time and its holder's end not noticed, makes its child
    after it. A next holder starts a bubblewrap of its own."""
    first = float("inf")
    for _unused in range(2):
        try:
            fields = (proc / str(pid) / "stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            break
        pid, first = int(fields[1]), min(first, int(fields[19]) / os.sysconf("SC_CLK_TCK"))
    return first


def _mounts(process: Path) -> bytes:
    try:
        return (process / "mountinfo").read_bytes()
    except OSError:  # it is gone, or another user's
        return b""


def _escaped(path: bytes) -> bytes:
    """As the kernel writes a path in this table (``proc(5)``)."""
    return re.sub(rb"[\\ \t\n]", lambda found: b"\\%03o" % found[0][0], path)


def _plain(path: bytes) -> bytes:
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), path)


def main(now: str, folder: str) -> None:
    """What the shell goes on as. A holder that comes next has boxes of its own there: those were begun later."""
    deadline = time.monotonic() + LOOKS
    while time.monotonic() < deadline:
        end([Path(folder)], before=float(now))
        time.sleep(0.05)


if __name__ == "__main__":
    main(*sys.argv[1:])
