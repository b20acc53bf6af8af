# SPDX-License-Identifier: Apache-2.0
"""What a container's processes use, out of ``/proc``: in the units of a Windows engine (100 ns, bytes)."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ...dockerapi import shapes
from ...dockerapi.duration import NEVER, moment_text

if TYPE_CHECKING:
    from ..interfaces import Endpoint
    from .container import Container

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_NORMAL = 8 << 10
"""Windows counts reads and writes of storage in pieces of this size."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a process used: processor time in user mode and in the kernel in 100 ns, bytes of storage."""

    user: int = 0
    kernel: int = 0
    read: int = 0
    written: int = 0

    def __add__(self, other: Used) -> Used:
        return Used(self.user + other.user, self.kernel + other.kernel, self.read + other.read,
                    self.written + other.written)


@dataclass(slots=True)
class Usage:
    """What the processes of one run used. Those that have ended count on: a counter that fell would be taken for a huge
    number by clients, which subtract without a sign."""

    ended: Used = Used()
    running: dict[int, Used] = field(default_factory=dict)
    peak: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def see(self, host_pids: Iterable[int]) -> Used:
        """What all have used by now. May be called from any thread."""
        with self.lock:
            now = {host_pid: used_by(host_pid) for host_pid in host_pids}
            for host_pid, before in self.running.items():
                if host_pid not in now or now[host_pid].user + now[host_pid].kernel < before.user + before.kernel:
                    self.ended += before  # it is gone, and its number perhaps another's
            self.running = now
            return sum(now.values(), self.ended)


def used_by(host_pid: int) -> Used:
    """What a process used, nothing for one that is gone; storage only where this machine lets us see it."""
    user, kernel = _times(host_pid)
    counts = {}
    with suppress(OSError, ValueError):
        lines = Path(f"/proc/{host_pid}/io").read_text("ascii").splitlines()
        counts = {name: int(number) for name, _unused, number in (line.partition(": ") for line in lines)}
    return Used(user * 10_000_000 // _TICKS, kernel * 10_000_000 // _TICKS, counts.get("read_bytes", 0),
                counts.get("write_bytes", 0))


def cpu_seconds(host_pid: int) -> float:
    """Processor time that a process took, 0 for one that is gone."""
    return sum(_times(host_pid)) / _TICKS


def _times(host_pid: int) -> tuple[int, int]:
    try:
        fields = Path(f"/proc/{host_pid}/stat").read_bytes().rpartition(b")")[2].split()
        return int(fields[11]), int(fields[12])
    except (OSError, ValueError, IndexError):  # a process that has ended uses no more time
        return 0, 0


def private_bytes(host_pid: int) -> int:
    """Memory of a process that it shares with no other, 0 for one that is gone."""
    try:
        size, shared = (int(word) for word in Path(f"/proc/{host_pid}/statm").read_bytes().split()[1:3])
        return (size - shared) * _PAGE
    except (OSError, ValueError):
        return 0


def networks_of(endpoints: Iterable[Endpoint], host_pids: Iterable[int]) -> dict[str, shapes.NetworkStats]:
    """The counters of each endpoint, by its id as on Windows (moby ``daemon/stats_windows.go``). The interfaces of a
    container are numbered in the order in which it came into its networks."""
    places = [place.endpoint_id for place in endpoints if place.mac]
    counters = next(filter(None, map(_interfaces, host_pids)), {})
    names = sorted((name for name in counters if name.startswith("eth") and name[3:].isdigit()),
                   key=lambda name: int(name[3:]))
    out = {}
    for endpoint_id, name in zip(places, names, strict=False):
        rx_bytes, rx_packets, rx_errors, rx_dropped, *_rest, tx_bytes, tx_packets, tx_errors, tx_dropped = \
            counters[name]
        out[endpoint_id] = shapes.NetworkStats(
            rx_bytes=rx_bytes, rx_packets=rx_packets, rx_errors=rx_errors, rx_dropped=rx_dropped,
            tx_bytes=tx_bytes, tx_packets=tx_packets, tx_errors=tx_errors, tx_dropped=tx_dropped)
    return out


def _interfaces(host_pid: int) -> dict[str, list[int]]:
    """The counters of the interfaces that a process sees: of each the first twelve (proc_pid_net(5), ``dev``)."""
    try:
        lines = Path(f"/proc/{host_pid}/net/dev").read_text("ascii").splitlines()[2:]
        return {name.strip(): [int(word) for word in words.split()[:12]]
                for name, _unused, words in (line.partition(":") for line in lines)}
    except (OSError, ValueError):
        return {}


def stats_of(container: Container, before: shapes.Stats | None = None) -> shapes.Stats:
    """What the container uses now, and beside it what it had used ``before``; zeros for one that does not run."""
    run = container.run
    if run is None:
        return shapes.Stats(id=container.id, name=f"/{container.name}", read=NEVER, preread=NEVER)
    host_pids = [row.host_pid for row in run.box.processes() if row.host_pid]
    used = run.usage.see(host_pids)
    memory = sum(map(private_bytes, host_pids))
    run.usage.peak = max(run.usage.peak, memory)
    return shapes.Stats(
        id=container.id, name=f"/{container.name}", read=moment_text(time.time_ns()),
        preread=before.read if before else NEVER,
        num_procs=os.cpu_count() or 1,
        cpu_stats=shapes.CpuStats(cpu_usage=shapes.CpuUsage(
            total_usage=used.user + used.kernel, usage_in_kernelmode=used.kernel, usage_in_usermode=used.user)),
        precpu_stats=before.cpu_stats if before else shapes.CpuStats(),
        memory_stats=shapes.MemoryStats(commit=memory, commit_peak=run.usage.peak, private_working_set=memory),
        storage_stats=shapes.StorageStats(
            read_count_normalized=-(-used.read // _NORMAL), read_size_bytes=used.read,
            write_count_normalized=-(-used.written // _NORMAL), write_size_bytes=used.written),
        networks=networks_of(container.attachment.endpoints, host_pids))
