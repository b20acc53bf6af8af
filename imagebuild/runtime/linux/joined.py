# SPDX-License-Identifier: Apache-2.0
"""Ends a program that joined a box before its time, so that its parent buries it.

nsenter stands outside the box and is the parent of the program inside. Killed alone it would leave its child to process
1 of this machine, and the kernel ends a box only when every process of it has been waited for: where process 1 waits
for none but its own (an engine that is a Docker container's first program) the box would never end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

SECONDS = 2
"""How long nsenter may take to stop, and to bury its child: both are a matter of the scheduler."""


def end(nsenter: subprocess.Popen[bytes]) -> None:
    """End the program that nsenter started and nsenter itself, and wait for both; nothing happens when they are over.
    nsenter is killed in the end whatever the program does."""
    nsenter.send_signal(signal.SIGSTOP)  # it does not start its program between the look and the kill
    _await_stop(nsenter)
    for program in _children(nsenter.pid) if nsenter.poll() is None else ():
        with suppress(OSError):
            _kill_child(nsenter.pid, program)
    nsenter.send_signal(signal.SIGCONT)
    try:
        nsenter.wait(SECONDS if _children(nsenter.pid) else 0)
    except subprocess.TimeoutExpired:
        nsenter.kill()
        nsenter.wait()


def _kill_child(parent: int, program: int) -> None:
    """The number is the child's as long as its parent, which is stopped, has not waited for it."""
    number = os.pidfd_open(program)
    try:
        if program in _children(parent):
            signal.pidfd_send_signal(number, signal.SIGKILL)
    finally:
        os.close(number)


def _await_stop(nsenter: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + SECONDS
    while nsenter.poll() is None and time.monotonic() < until:
        with suppress(OSError, IndexError):  # it has just ended: the loop's condition sees it
            stat = Path(f"/proc/{nsenter.pid}/stat").read_bytes()
            if stat.rpartition(b")")[2].split()[0] in b"TtZX":
                return
        time.sleep(0.001)


def _children(process: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text("ascii").split()]
    except OSError:  # a process that has ended has none
        return []
