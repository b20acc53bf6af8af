# SPDX-License-Identifier: Apache-2.0
"""What processes use, read out of /proc."""

from __future__ import annotations

import mmap
import os
import time

import pytest

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers import stats
from imagebuild.engine.containers.stats import Usage, Used, cpu_seconds, networks_of, private_bytes
from imagebuild.engine.interfaces import Endpoint


def test_time_and_memory_of_a_process_grow_as_it_uses_them() -> None:
    before, memory = cpu_seconds(os.getpid()), private_bytes(os.getpid())
    # New pages: what the process has freed before would be used again.
    block = mmap.mmap(-1, 40 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    block.write(bytes(range(1, 256)) * (len(block) // 255))
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass
    assert cpu_seconds(os.getpid()) >= before + 0.05
    assert private_bytes(os.getpid()) >= memory + (20 << 20)
    block.close()


def test_a_process_that_is_gone_uses_nothing() -> None:
    child = os.posix_spawn("/bin/true", ["true"], {})
    os.waitpid(child, 0)
    assert (cpu_seconds(child), private_bytes(child)) == (0.0, 0)


def test_what_ended_processes_used_counts_on(monkeypatch: pytest.MonkeyPatch) -> None:
    used = {1: Used(10, 1, 100, 1000), 2: Used(20, 2)}
    monkeypatch.setattr(stats, "used_by", lambda host_pid: used[host_pid])
    usage = Usage()
    assert usage.see([1, 2]) == Used(30, 3, 100, 1000)
    assert usage.see([2]) == Used(30, 3, 100, 1000)
    used[1] = Used(5, 0, 7, 7)  # another process has the number
    assert usage.see([1, 2]) == Used(35, 3, 107, 1007)
    used[1] = Used(2, 0, 1, 1)
    assert usage.see([1, 2]) == Used(37, 3, 108, 1008)


def test_endpoints_have_the_counters_of_their_interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {7: {}, 8: {"lo": [1] * 12, "eth10": [12 - number for number in range(12)], "eth2": list(range(12))}}
    monkeypatch.setattr(stats, "_interfaces", lambda host_pid: seen[host_pid])
    places = [Endpoint("none", "n0", "e0"), Endpoint("nat", "n1", "e1", mac="x"), Endpoint("web", "n2", "e2", mac="y")]
    found = networks_of(places, [7, 8])
    assert list(found) == ["e1", "e2"]
    assert found["e1"] == shapes.NetworkStats(rx_bytes=0, rx_packets=1, rx_errors=2, rx_dropped=3, tx_bytes=8,
                                              tx_packets=9, tx_errors=10, tx_dropped=11)
    assert found["e2"].rx_bytes == 12
    assert networks_of(places, [7]) == {}


def test_the_counters_of_this_process_can_be_read() -> None:
    assert stats._interfaces(os.getpid())["lo"][0] >= 0
    assert stats._interfaces(0) == {}
