# SPDX-License-Identifier: Apache-2.0
"""Waiting for what can be read, or for an end."""

from __future__ import annotations

import os
import subprocess
import time

from imagebuild.runtime.linux.notice import ended, wait

LONG = 20


def test_what_was_written_before_the_wait_ends_it() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"x")
    before = time.monotonic()
    wait(LONG, reading)
    assert time.monotonic() - before < LONG
    os.close(reading)
    os.close(writing)


def test_the_end_of_a_process_ends_the_wait() -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(["/bin/sleep", "0.2"])
    pidfd = os.pidfd_open(process.pid)
    assert not ended(pidfd)
    before = time.monotonic()
    wait(LONG, reading, pidfd)
    assert time.monotonic() - before < LONG
    assert ended(pidfd)
    process.wait()
    for descriptor in (pidfd, reading, writing):
        os.close(descriptor)


def test_a_wait_whose_time_was_over_when_it_was_reckoned_returns() -> None:
    reading, writing = os.pipe()
    wait(-1, reading)
    os.close(reading)
    os.close(writing)


def test_nothing_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    reading, writing = os.pipe()
    wait(0, reading)
    os.close(reading)
    os.close(writing)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
