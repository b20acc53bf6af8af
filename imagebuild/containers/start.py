# SPDX-License-Identifier: Apache-2.0
"""Start containers, as many at a time as the engine bears, and again where Windows asks for it.

Containers that start at the same moment fail on some hosts with "Incorrect function" (actions/runner-images#13888), so
all processes of this machine that use one engine share a number of places (:class:`Starts`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..dockerapi import Client, faults
from ..errors import DaemonError
from ..files.lock import locked
from .deadline import Deadline, DeadlineError
from .trouble import trouble_of

START_SECONDS = 120.0
PAUSES = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True)
class Starts:
    """How many containers of the engine at ``address`` start at a time, from all processes that use ``folder``."""

    folder: Path
    address: str
    most: int = 1

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Have one of the places for the time of the block. Raises DeadlineError when none becomes free."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = hashlib.sha256(self.address.encode()).hexdigest()[:16]
        places = [self.folder / f"start-{key}-{number}.lock" for number in range(max(1, self.most))]
        with ExitStack() as stack:
            while not any(_taken(stack, place) for place in places):
                if deadline.over:
                    raise DeadlineError("no container could be started", deadline.seconds,
                                        why="others are being started, and the engine takes no more at a time",
                                        hint="--wcow-max-starts raises the number")
                time.sleep(0.01)
            yield


def start_container(client: Client, container: str, *, starts: Starts | None = None, seconds: float = START_SECONDS,
                    pauses: tuple[float, ...] = PAUSES) -> int:
    """Start a container, and try again after errors of Windows that pass by themselves. Returns the number of tries.

    One that runs already is left as it is. Raises the engine's fault; where Windows' words mean something else than
    they say, its meaning is the error's ``why``.
    """
    deadline = Deadline(seconds)
    tries = 0
    while True:
        tries += 1
        try:
            with starts.turn(deadline) if starts else nullcontext():
                _start_once(client, container, max(1.0, deadline.left))
            return tries
        except faults.NotModified:
            return tries
        except faults.Fault as fault:
            found = trouble_of(fault.message, "start")
            if found is None:
                raise
            pause = pauses[min(tries, len(pauses)) - 1] if pauses else 0.0
            if not found.again or tries > len(pauses) or deadline.left <= pause:
                raise _meaning(fault, found.meaning, found.hint, tries) from fault
        time.sleep(pause)


def _start_once(client: Client, container: str, seconds: float) -> None:
    with client.call("POST", f"/containers/{container}/start", deadline=seconds) as answer:
        answer.read()


def _meaning(fault: faults.Fault, meaning: str, hint: str, tries: int) -> DaemonError:
    said = f"{meaning} ({fault.message})" if meaning else fault.message
    return DaemonError("the container does not start", status=fault.status,
                       why=said + (f"; tried {tries} times" if tries > 1 else ""), hint=hint)


def _taken(stack: ExitStack, place: Path) -> bool:
    try:
        stack.enter_context(locked(place, 0))
    except TimeoutError:  # another process has this turn: the caller tries the next one
        return False
    return True
