# SPDX-License-Identifier: Apache-2.0
"""The two threads of a sandbox: one that starts programs, one that hears what launcher.exe says of them and notices
their end.

bubblewrap's ``--die-with-parent`` follows the *thread* that started it, so all are started by one that lives as long as
the sandbox. The end is noticed through pidfds: no signal handler, nobody else's children are reaped.
"""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class Starter:
    """Runs functions one after the other on a thread that lives until :meth:`close`."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sandbox-starter")

    def call(self, work: Callable[[], T]) -> T:
        """Run ``work`` on the thread and give its result or its exception."""
        return self._pool.submit(work).result()

    def close(self) -> None:
        """End the thread; what it started and still runs gets bubblewrap's death signal."""
        self._pool.shutdown()


class Watcher:
    """Calls a function once when a process ends, and another whenever a pipe can be read."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._lock = threading.Lock()
        self._waiting: dict[int, Callable[[], object]] = {}
        self._thread = threading.Thread(target=self._run, name="sandbox-watcher", daemon=True)
        self._closed = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._poll.register(self._wake_read, select.EPOLLIN)
        self._thread.start()

    def watch(self, pidfd: int, ended: Callable[[], None]) -> None:
        """Call ``ended`` from the watcher's thread when the process of ``pidfd`` has ended. The descriptor stays the
        caller's and must stay open until then."""

        def once() -> None:
            self.forget(pidfd)
            ended()

        self.listen(pidfd, once)

    def listen(self, descriptor: int, heard: Callable[[], object]) -> None:
        """Call ``heard`` from the watcher's thread as long as a descriptor can be read, until :meth:`forget`."""
        with self._lock:
            self._waiting[descriptor] = heard
        self._poll.register(descriptor, select.EPOLLIN)

    def forget(self, descriptor: int) -> None:
        """Listen no more, if anything does. Called on the watcher's thread, before the descriptor is closed."""
        with self._lock:
            known = self._waiting.pop(descriptor, None)
        if known:
            self._poll.unregister(descriptor)

    def close(self) -> None:
        """End the thread; ends that were not noticed yet never will be."""
        if not self._closed:
            self._closed = True
            os.write(self._wake_write, b"x")
            if threading.current_thread() is not self._thread:
                self._thread.join()
            self._poll.close()
            os.close(self._wake_read)
            os.close(self._wake_write)

    def _run(self) -> None:
        while not self._closed:
            # One at a time: a function may close the descriptor that another event of the same batch tells of.
            for descriptor, _unused in self._poll.poll(maxevents=1):
                if descriptor == self._wake_read:
                    continue
                with self._lock:
                    call = self._waiting[descriptor]
                call()
