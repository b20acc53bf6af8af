# SPDX-License-Identifier: Apache-2.0
"""Several blobs at once from one store to another: a few threads, one error, events in one stream."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from typing import Any

from ..errors import Interrupted
from ..events import Advance, Event, Finish, Step
from ..oci import Descriptor, is_layer, media
from ..stores import Store, copy_blob

REPORT_EVERY = 4 << 20
"""Bytes between two Advance events of one blob."""
_JOIN_SECONDS = 5.0

NOTES = {"present": "already there", "mounted": "mounted"}


@dataclass(frozen=True, slots=True)
class Tally:
    """How blobs got where they are now; ``size`` counts the bytes that were moved."""

    copied: int = 0
    mounted: int = 0
    present: int = 0
    size: int = 0

    def facts(self) -> dict[str, int]:
        """For JSON."""
        return {"copied": self.copied, "mounted": self.mounted, "present": self.present, "bytes": self.size}


def move(source: Store, target: Store, blobs: Iterable[Descriptor], *,
         threads: int = 3) -> Generator[Event, None, Tally]:
    """Copy blobs, the largest first, ``threads`` at a time, and return how they got there.

    After the first error no blob is begun and those under way are given up; that error is raised. When the caller
    stops listening (Ctrl-C), the same happens.
    """
    work: queue.SimpleQueue[Descriptor] = queue.SimpleQueue()
    ordered = sorted(blobs, key=lambda blob: -blob.size)
    for blob in ordered:
        work.put(blob)
    mover = _Mover(source, target, work)
    # Daemons: a thread that waits for a silent registry must not keep a stopped command from ending.
    workers = [threading.Thread(target=mover.run, name=f"copy-{number}", daemon=True)
               for number in range(min(threads, len(ordered)))]
    ways = {"copied": 0, "mounted": 0, "present": 0}
    size = 0
    error: BaseException | None = None
    running = len(workers)
    for worker in workers:
        worker.start()
    try:
        while running:
            item = mover.said.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                error = error or item
            elif isinstance(item, tuple):
                way, blob = item
                ways[way] += 1
                size += blob.size if way == "copied" else 0
            elif error is None:
                yield from item
    finally:
        mover.stopped.set()
        for worker in workers:
            worker.join(_JOIN_SECONDS)
    if error is not None:
        raise error
    return Tally(ways["copied"], ways["mounted"], ways["present"], size)


class _Mover:
    """What the threads share. ``said`` carries lists of events, outcomes, errors, and ``None`` from each thread that
    ends."""

    def __init__(self, source: Store, target: Store, work: queue.SimpleQueue[Descriptor]) -> None:
        self._source = source
        self._target = target
        self._work = work
        self.said: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self.stopped = threading.Event()

    def run(self) -> None:
        try:
            while not self.stopped.is_set():
                try:
                    blob = self._work.get_nowait()
                except queue.Empty:
                    break
                self._move(blob)
        except BaseException as error:  # whatever it is, it belongs to the thread that called us
            if not (self.stopped.is_set() and isinstance(error, Interrupted)):
                self.said.put(error)
            self.stopped.set()
        finally:
            self.said.put(None)

    def _move(self, blob: Descriptor) -> None:
        step = f"copy {blob.digest}"
        started = False
        reported = 0

        def progress(done: int) -> None:
            nonlocal started, reported
            if self.stopped.is_set():
                raise Interrupted("stopped")
            if not started:
                started = True
                self.said.put([Step(step, describe(blob), blob.size)])
            if done - reported >= REPORT_EVERY:
                reported = done
                self.said.put([Advance(step, done)])

        way = copy_blob(self._source, self._target, blob, progress=progress)
        note = NOTES.get(way, "")
        # A step of which nothing was seen yet is told together with its end, so that plain lines stay beside each
        # other while other threads talk.
        head: list[Event] = [] if started else [Step(step, describe(blob), blob.size)]
        self.said.put([*head, Advance(step, blob.size), Finish(step, note)])
        self.said.put((way, blob))


def describe(blob: Descriptor) -> str:
    """A blob for people: ``layer 1a2b3c4d5e6f``."""
    kind = "layer" if is_layer(blob.media_type) else "config" if media.is_config(blob.media_type) else "blob"
    return f"{kind} {blob.digest.hex[:12]}"


__all__ = ["NOTES", "Tally", "describe", "move"]
