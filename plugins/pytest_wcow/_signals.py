# SPDX-License-Identifier: Apache-2.0
"""SIGTERM ends a run as Ctrl-C does: fixtures are torn down, so no container is left (pytest itself just dies).

What is being created has no name here until the engine has answered, so signals wait for that answer: these two, and
the alarm by which pytest-timeout ends a test.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._run import Run

TERMINATE = getattr(signal, "SIGBREAK", signal.SIGTERM) if os.name == "nt" else signal.SIGTERM
ALARM = (signal.SIGALRM,) if hasattr(signal, "SIGALRM") else ()


def catch_sigterm(run: Run) -> None:
    """Install the handler, for this process, where it may be: in the main thread, and over no other's handler."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(TERMINATE) is not signal.SIG_DFL:
        return

    def handler(received: int, frame: FrameType | None) -> None:
        signal.signal(TERMINATE, signal.SIG_DFL)  # a second one ends it at once
        raise KeyboardInterrupt(f"signal {received}")

    signal.signal(TERMINATE, handler)
    run.config.add_cleanup(lambda: _restore(handler))


@contextmanager
def held() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and an alarm wait for the end of the block, in which something is created and noted. A second
    Ctrl-C or SIGTERM does not wait."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for number in (signal.SIGINT, TERMINATE, *ALARM)}
    came: list[int] = []

    def note(received: int, frame: FrameType | None) -> None:
        came.append(received)
        if len(came) > 1 and received not in ALARM:
            raise KeyboardInterrupt(f"signal {received}")

    for number, handler in usual.items():
        if callable(handler):
            signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in usual.items():
            if callable(handler):
                signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _restore(handler: object) -> None:
    if signal.getsignal(TERMINATE) is handler:
        signal.signal(TERMINATE, signal.SIG_DFL)
