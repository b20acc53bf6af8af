# SPDX-License-Identifier: Apache-2.0
"""What processes use, read out of /proc."""

from __future__ import annotations

import mmap
import os
import time

from imagebuild.engine.stats import cpu_seconds, private_bytes


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
