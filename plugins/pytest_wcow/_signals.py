# SPDX-License-Identifier: Apache-2.0
"""SIGTERM ends a run as Ctrl-C does: fixtures are torn down, so no container is left (pytest itself just dies)."""

from __future__ import annotations

import os
import signal
import threading
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ._run import Run


def catch_sigterm(run: Run) -> None:
    """Install the handler, for this process, where it may be: in the main thread, and over no other's handler."""
    number = getattr(signal, "SIGBREAK", signal.SIGTERM) if os.name == "nt" else signal.SIGTERM
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(number) is not signal.SIG_DFL:
        return

    def handler(received: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends it at once
        raise KeyboardInterrupt(f"signal {received}")

    signal.signal(number, handler)
    run.config.add_cleanup(lambda: _restore(number, handler))


def _restore(number: int, handler: object) -> None:
    if signal.getsignal(number) is handler:
        signal.signal(number, signal.SIG_DFL)


