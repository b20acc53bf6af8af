# SPDX-License-Identifier: Apache-2.0
"""What a container uses. A Windows engine fills processes, storage, commit and working set, and times in 100 ns.

Source: moby 26.1 ``api/types/stats.go``, ``daemon/daemon_windows.go`` (stats).
"""

from __future__ import annotations

from collections.abc import Mapping

from ..duration import NEVER
from ..shape import Anything, Shape, UInt32, UInt64, key, shape


@shape("types.ThrottlingData")
class Throttling(Shape):
    """cgroup's; zero on Windows."""

    periods: UInt64 = key("periods")
    throttled_periods: UInt64 = key("throttled_periods")
    throttled_time: UInt64 = key("throttled_time")


@shape("types.CPUUsage")
class CpuUsage(Shape):
    """Times that were used so far."""

    total_usage: UInt64 = key("total_usage")
    percpu_usage: tuple[UInt64, ...] = key("percpu_usage", omitempty=True)
    usage_in_kernelmode: UInt64 = key("usage_in_kernelmode")
    usage_in_usermode: UInt64 = key("usage_in_usermode")


@shape("types.CPUStats")
class CpuStats(Shape):
    """Times of the container and of the machine."""

    cpu_usage: CpuUsage = key("cpu_usage")
    system_cpu_usage: UInt64 = key("system_cpu_usage", omitempty=True)
    online_cpus: UInt32 = key("online_cpus", omitempty=True)
    throttling_data: Throttling = key("throttling_data")


@shape("types.MemoryStats")
class MemoryStats(Shape):
    """Bytes; the last three are Windows'."""

    usage: UInt64 = key("usage", omitempty=True)
    max_usage: UInt64 = key("max_usage", omitempty=True)
    stats: Mapping[str, int] | None = key("stats", omitempty=True)
    failcnt: UInt64 = key("failcnt", omitempty=True)
    limit: UInt64 = key("limit", omitempty=True)
    commit: UInt64 = key("commitbytes", omitempty=True)
    commit_peak: UInt64 = key("commitpeakbytes", omitempty=True)
    private_working_set: UInt64 = key("privateworkingset", omitempty=True)


@shape("types.BlkioStats")
class BlkioStats(Shape):
    """cgroup's; null on Windows."""

    io_service_bytes_recursive: tuple[Anything, ...] | None = key("io_service_bytes_recursive")
    io_serviced_recursive: tuple[Anything, ...] | None = key("io_serviced_recursive")
    io_queue_recursive: tuple[Anything, ...] | None = key("io_queue_recursive")
    io_service_time_recursive: tuple[Anything, ...] | None = key("io_service_time_recursive")
    io_wait_time_recursive: tuple[Anything, ...] | None = key("io_wait_time_recursive")
    io_merged_recursive: tuple[Anything, ...] | None = key("io_merged_recursive")
    io_time_recursive: tuple[Anything, ...] | None = key("io_time_recursive")
    sectors_recursive: tuple[Anything, ...] | None = key("sectors_recursive")


@shape("types.StorageStats")
class StorageStats(Shape):
    """Windows' counters of the system drive."""

    read_count_normalized: UInt64 = key("read_count_normalized", omitempty=True)
    read_size_bytes: UInt64 = key("read_size_bytes", omitempty=True)
    write_count_normalized: UInt64 = key("write_count_normalized", omitempty=True)
    write_size_bytes: UInt64 = key("write_size_bytes", omitempty=True)


@shape("types.NetworkStats")
class NetworkStats(Shape):
    """One network's counters."""

    rx_bytes: UInt64 = key("rx_bytes")
    rx_packets: UInt64 = key("rx_packets")
    rx_errors: UInt64 = key("rx_errors")
    rx_dropped: UInt64 = key("rx_dropped")
    tx_bytes: UInt64 = key("tx_bytes")
    tx_packets: UInt64 = key("tx_packets")
    tx_errors: UInt64 = key("tx_errors")
    tx_dropped: UInt64 = key("tx_dropped")
    endpoint_id: str = key("endpoint_id", omitempty=True)
    instance_id: str = key("instance_id", omitempty=True)


@shape("types.PidsStats")
class PidsStats(Shape):
    """cgroup's; zero on Windows."""

    current: UInt64 = key("current", omitempty=True)
    limit: UInt64 = key("limit", omitempty=True)


@shape("types.StatsJSON")
class Stats(Shape):
    """One line of ``GET /containers/{id}/stats``."""

    read: str = key("read", NEVER)
    preread: str = key("preread", NEVER)
    pids_stats: PidsStats = key("pids_stats")
    blkio_stats: BlkioStats = key("blkio_stats")
    num_procs: UInt32 = key("num_procs")
    storage_stats: StorageStats = key("storage_stats")
    cpu_stats: CpuStats = key("cpu_stats")
    precpu_stats: CpuStats = key("precpu_stats")
    memory_stats: MemoryStats = key("memory_stats")
    name: str = key("name", omitempty=True)
    id: str = key("id", omitempty=True)
    networks: Mapping[str, NetworkStats] | None = key("networks", omitempty=True)
