# SPDX-License-Identifier: Apache-2.0
"""What happened, told to everybody who listens: the engine's events, the last of them kept for late comers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

LOG = logging.getLogger("wcow.engine.events")

KEPT = 256
"""How many past events are kept, as moby does (``daemon/events/events.go``)."""


@dataclass(frozen=True, slots=True)
class Event:
    """``kind`` is ``container``, ``image``, ``volume`` or ``network``; ``action`` what was done (``start``); ``actor``
    the id of what it was done to, with its ``attributes``; ``at`` is nanoseconds since 1970."""

    kind: str
    action: str
    actor: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    at: int = field(default_factory=time.time_ns)


class Events:
    """The bus. :meth:`publish` may be called from any task of the engine's loop."""

    def __init__(self) -> None:
        self._past: deque[Event] = deque(maxlen=KEPT)
        self._listeners: set[asyncio.Queue[Event | None]] = set()

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def publish(self, event: Event) -> None:
        """Tell everybody. A listener that is far behind loses the oldest."""
        # An action may have a command line behind its colon, and attributes are labels: neither is logged.
        LOG.info("%s %s %s", event.kind, event.action.partition(":")[0], event.actor)
        self._past.append(event)
        for queue in tuple(self._listeners):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(event)

    async def listen(self, since: int | None = None, until: int | None = None) -> AsyncIterator[Event]:
        """Past events from ``since`` on, then new ones, until a moment (nanoseconds; ``None``: for ever). Past ones
        only with one of the two, as in moby."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(4096)
        wanted = since is not None or until is not None
        past = [event for event in self._past if wanted and event.at >= (since or 0)]
        self._listeners.add(queue)
        try:
            for event in past:
                if until is None or event.at <= until:
                    yield event
            while True:
                left = None if until is None else (until - time.time_ns()) / 1e9
                if left is not None and left <= 0:
                    return
                try:
                    event_or_end = await asyncio.wait_for(queue.get(), left)
                except TimeoutError:
                    return
                if event_or_end is None:
                    return
                yield event_or_end
        finally:
            self._listeners.discard(queue)

    def close(self) -> None:
        """End every listener: the engine stops."""
        for queue in tuple(self._listeners):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
