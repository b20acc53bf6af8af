# SPDX-License-Identifier: Apache-2.0
"""What a container's processes use, out of ``/proc``: in the units of a Windows engine (100 ns, bytes)."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..dockerapi import shapes
from ..dockerapi.duration import NEVER, moment_text

if TYPE_CHECKING:
    from .container import Container

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(host_pid: int) -> float:
    """Processor time that a process took, 0 for one that is gone."""
    try:
        fields = Path(f"/proc/{host_pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    except (OSError, ValueError, IndexError):
        return 0.0


def private_bytes(host_pid: int) -> int:
    """Memory of a process that it shares with nobody, 0 for one that is gone."""
    try:
        size, shared = (int(word) for word in Path(f"/proc/{host_pid}/statm").read_bytes().split()[1:3])
        return (size - shared) * _PAGE
    except (OSError, ValueError):
        return 0


def stats_of(container: Container, before: shapes.Stats | None = None) -> shapes.Stats:
    """What the container uses now, and beside it what it had used ``before``; zeros for one that does not run."""
    run = container.run
    if run is None:
        return shapes.Stats(id=container.id, name=f"/{container.name}", read=NEVER, preread=NEVER)
    rows = run.box.processes()
    seconds = sum(cpu_seconds(row.host_pid) for row in rows if row.host_pid)
    memory = sum(private_bytes(row.host_pid) for row in rows if row.host_pid)
    ticks = int(seconds * 10_000_000)
    return shapes.Stats(
        id=container.id, name=f"/{container.name}", read=moment_text(time.time_ns()),
        preread=before.read if before else NEVER,
        num_procs=os.cpu_count() or 1,
        cpu_stats=shapes.CpuStats(cpu_usage=shapes.CpuUsage(total_usage=ticks, usage_in_usermode=ticks)),
        precpu_stats=before.cpu_stats if before else shapes.CpuStats(),
        memory_stats=shapes.MemoryStats(commit=memory, commit_peak=memory, private_working_set=memory))
