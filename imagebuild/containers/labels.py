# SPDX-License-Identifier: Apache-2.0
"""The labels on what we make: which machine, which boot, which process, which run. They are what a sweep goes by."""

from __future__ import annotations

import os
import socket
import time
import uuid
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PREFIX = "io.wcow."
SESSION, MACHINE, BOOT, PID, STARTED, CREATED, TEST, WORKER, KEEP = (
    PREFIX + name for name in ("session", "machine", "boot", "pid", "started", "created", "test", "worker", "keep"))


@dataclass(frozen=True, slots=True)
class Owner:
    """Who made something: a run (``session``) of a process (``pid``, begun at ``started``) of this machine and boot."""

    session: str
    machine: str
    boot: str
    pid: int
    started: str

    def labels(self, **more: str) -> tuple[tuple[str, str], ...]:
        """The labels of a thing that it makes now; ``more`` are names without our prefix."""
        own = {SESSION: self.session, MACHINE: self.machine, BOOT: self.boot, PID: str(self.pid),
               STARTED: self.started, CREATED: str(int(time.time()))}
        return tuple({**own, **{PREFIX + name: text for name, text in more.items() if text}}.items())


def owner(session: str = "") -> Owner:
    """This process. ``session`` names a run that several processes share; one of its own otherwise."""
    return Owner(session or uuid.uuid4().hex[:16], machine(), boot(), os.getpid(), process_start(os.getpid()) or "")


@cache
def machine() -> str:
    """What tells this machine from others that use the same engine."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        try:
            text = Path(path).read_text("ascii", "replace").strip()
        except OSError:
            continue
        if text:
            return uuid.uuid5(uuid.NAMESPACE_OID, text).hex[:16]  # the id itself is not for others to see
    return uuid.uuid5(uuid.NAMESPACE_DNS, f"{socket.gethostname()}-{uuid.getnode()}").hex[:16]


@cache
def boot() -> str:
    """What tells this boot of the machine from others; empty where the machine does not say."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip().replace("-", "")[:16]
    except OSError:
        return ""


def process_start(pid: int) -> str | None:
    """What tells a process from a later one with its number; ``None`` when there is none, empty where the machine
    does not say when it began."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except FileNotFoundError:
        return _elsewhere(pid) if not Path("/proc/self/stat").exists() else None
    except OSError:
        return ""
    fields = stat.rpartition(b")")[2].split()
    return None if fields[0] in (b"Z", b"X") else fields[19].decode("ascii")


def _elsewhere(pid: int) -> str | None:
    """The same where there is no /proc."""
    if os.name == "nt":
        return ""  # os.kill ends a process there instead of asking
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except OSError:
        pass
    return ""
