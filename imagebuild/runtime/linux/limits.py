# SPDX-License-Identifier: Apache-2.0
"""What a box may use, enforced by what this machine has: cgroups where we may make them, else less.

Wine takes a job object's limits and enforces none. A memory limit is enforced twice: each process has so much writable
memory (``prlimit --data``; an allocation beyond it fails, as under a job of Windows), and a cgroup holds the sum, by
killing. Without a cgroup the sum is not held, and processors are a choice of CPUs rather than a share of time.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..port import Limits

ROOT = Path("/sys/fs/cgroup")
_PERIOD = 100_000
"""Microseconds over which a share of processor time is counted."""
_DYING = 1.0
"""Seconds that a killed process may stay in its group."""


@dataclass(frozen=True, slots=True)
class Means:
    """How limits can be enforced here: ``v2`` a folder of the unified hierarchy in which we may make groups, ``v1``
    controller -> its folder, as root."""

    v2: Path | None = None
    v1: tuple[tuple[str, Path], ...] = ()

    @property
    def memory(self) -> str:
        """The means for memory, as ``facts()`` shows it."""
        if self.v2:
            return "cgroup v2, and prlimit --data for each process"
        return ("cgroup v1, and prlimit --data for each process" if "memory" in dict(self.v1)
                else "prlimit --data for each process")

    @property
    def cpus(self) -> str:
        """The means for processors."""
        return "cgroup v2" if self.v2 else "cgroup v1" if "cpu" in dict(self.v1) else "CPU affinity"

    @property
    def gaps(self) -> tuple[str, ...]:
        """What is not enforced, a sentence each."""
        out = []
        if not self.v2 and "memory" not in dict(self.v1):
            out.append("a memory limit holds for each process, not for their sum: there is no cgroup that we may use")
        if not self.v2 and "cpu" not in dict(self.v1):
            out.append("a limit of processors is rounded up to whole CPUs: there is no cgroup that we may use")
        if not self.v2 and "pids" not in dict(self.v1):
            out.append("the number of processes is not limited: there is no cgroup that we may use")
        return tuple(out)


def find(root: Path = ROOT, own: Path = Path("/proc/self/cgroup")) -> Means:
    """What this machine lets us do: a delegated v2 subtree with the controllers first, else v1 where it is writable."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    for line in lines:
        if line.startswith("0::") and _delegated(group := root / line[3:].lstrip("/")):
            return Means(v2=group)
    v1 = [(name, root / name) for name in ("memory", "cpu", "pids")
          if (root / name / "cgroup.procs").is_file() and os.access(root / name, os.W_OK)]
    return Means(v1=tuple(v1))


def _delegated(group: Path) -> bool:
    try:
        controllers = (group / "cgroup.subtree_control").read_text().split()
        controllers += (group / "cgroup.controllers").read_text().split()
    except OSError:  # a group that cannot be read is not ours to divide
        return False
    return {"memory", "cpu"} <= set(controllers) and os.access(group, os.W_OK)


class Group:
    """The cgroup of one box, made when it is entered; nothing where no means or no limit asks for one."""

    def __init__(self, means: Means, name: str, limits: Limits) -> None:
        self._limits = limits
        self._folders: list[Path] = []
        self._v2 = means.v2
        wanted = limits.memory, limits.cpus, limits.processes
        if means.v2 and any(value is not None for value in wanted):
            self._folders.append(means.v2 / f"wcow-{name}")
        for controller, value in zip(("memory", "cpu", "pids"), wanted, strict=True):
            if not means.v2 and value is not None and controller in dict(means.v1):
                self._folders.append(dict(means.v1)[controller] / "wcow" / name)

    @property
    def blocks(self) -> bool:
        """Whether a process must be held until :meth:`add` has taken it (v2 takes no single threads)."""
        return bool(self._v2 and self._folders)

    def make(self) -> None:
        """Make the groups and set their limits. OSError."""
        if self._v2 and self._folders:
            with contextlib.suppress(OSError):  # refused while a process sits in the group itself
                (self._v2 / "cgroup.subtree_control").write_text("+memory +cpu +pids")
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            for name, value in self._settings(folder).items():
                (folder / name).write_text(str(value))
            for name in ("memory.memsw.limit_in_bytes", "memory.swap.max"):
                if (folder / name).exists() and self._limits.memory is not None:
                    with contextlib.suppress(OSError):
                        (folder / name).write_text(str(0 if "max" in name else self._limits.memory))

    def _settings(self, folder: Path) -> dict[str, object]:
        memory, cpus, processes = self._limits.memory, self._limits.cpus, self._limits.processes
        quota = None if cpus is None else max(1000, round(cpus * _PERIOD))
        named: dict[str, object]
        if self._v2:
            named = {"memory.max": memory, "cpu.max": None if quota is None else f"{quota} {_PERIOD}",
                     "pids.max": processes}
        else:
            named = {"memory": {"memory.limit_in_bytes": memory},
                     "cpu": {"cpu.cfs_period_us": _PERIOD, "cpu.cfs_quota_us": quota},
                     "pids": {"pids.max": processes}}[folder.parent.parent.name]  # type: ignore[assignment]
        return {name: value for name, value in named.items() if value is not None}

    def add(self, pid: int) -> None:
        """Move a process in."""
        for folder in self._folders:
            (folder / "cgroup.procs").write_text(str(pid))

    @contextlib.contextmanager
    def entered(self, affinity: bool) -> Iterator[None]:
        """While this lasts, what this *thread* starts is in the groups (v1) and, with ``affinity``, on as many CPUs."""
        threaded = [] if self._v2 else self._folders
        before = os.sched_getaffinity(0)
        with contextlib.ExitStack() as stack:
            # The way back is opened before: in a group without memory nothing can be opened, and the thread, which
            # works for others after us, would stay there for good.
            ways = [[stack.enter_context((place / "tasks").open("wb", buffering=0))
                     for place in (folder, folder.parent.parent)] for folder in threaded]
            try:
                for there, _unused in ways:
                    there.write(b"0")
                if affinity and self._limits.cpus is not None:
                    os.sched_setaffinity(0, choose_cpus(before, self._limits.cpus))
                yield
            finally:
                os.sched_setaffinity(0, before)
                for _unused, back in ways:
                    back.write(b"0")

    def remove(self) -> None:
        """Take the groups away. A process that was killed is in its group for some more milliseconds; a group that is
        not free after that stays until the next engine cleans up."""
        end = time.monotonic() + _DYING
        for folder in self._folders:
            while True:
                try:
                    folder.rmdir()
                except OSError as error:
                    if error.errno == errno.EBUSY and time.monotonic() < end:
                        time.sleep(0.002)
                        continue
                break


def choose_cpus(allowed: set[int], wanted: float) -> set[int]:
    """``wanted`` CPUs, rounded up, of those we may use; any of them, so that boxes spread."""
    return set(random.sample(sorted(allowed), min(len(allowed), max(1, math.ceil(wanted)))))


def prefix(limits: Limits, prlimit: str) -> list[str]:
    """What goes before a program that is to have the limits: ``prlimit --data=N``."""
    return [] if limits.memory is None else [prlimit, f"--data={limits.memory}"]
