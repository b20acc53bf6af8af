# SPDX-License-Identifier: Apache-2.0
"""Faults that a test asks for: what clients meet when a network, a proxy or Windows fails.

Each acts on the next requests, on so many as it was asked for, or until it is cleared. ``operation`` is the request's
(``create``, ``command``, ``send``, ``receive``, ``signal``, ``delete`` …); without one every request is meant.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from ...errors import UsageError, quoted
from .envelope import fault
from .envelope.fault import Fault, Kind

KINDS = ("latency", "drop", "http", "wsman", "stall")
STATUSES = (400, 401, 403, 404, 413, 500, 503)
OPERATIONS = ("identify", "create", "command", "send", "receive", "signal", "delete", "get", "enumerate", "disconnect",
              "reconnect", "connect")
LONGEST = 3600.0

Name = Literal["latency", "drop", "http", "wsman", "stall"]


def wsman_faults() -> dict[str, Kind]:
    """Return the faults of WS-Management by their names here: ``shell-quota``, ``timed-out`` …"""
    return {name.lower().replace("_", "-"): value for name, value in vars(fault).items() if isinstance(value, Kind)}


@dataclass(frozen=True, slots=True)
class Trouble:
    """One fault: its ``kind``, its ``value`` (seconds, HTTP's status, the name of a WS-Man fault), the ``operation``
    it meets (empty: any), and how many ``times`` (0: until it is cleared)."""

    kind: str
    value: str = ""
    operation: str = ""
    times: int = 0


def check(trouble: Trouble) -> Trouble:
    """Return the fault as it was asked for. UsageError for one that has no meaning."""
    if trouble.kind not in KINDS:
        raise UsageError(f"there is no fault {quoted(trouble.kind[:40])}", hint=", ".join(KINDS))
    if trouble.operation and trouble.operation not in OPERATIONS:
        raise UsageError(f"there is no operation {quoted(trouble.operation[:40])}", hint=", ".join(OPERATIONS))
    if trouble.kind == "latency" and not _seconds(trouble.value):
        raise UsageError(f"{quoted(trouble.value[:40])} is not a time", why=f"seconds from 0 to {LONGEST:g} are",
                         hint="latency 0.5")
    if trouble.kind == "http" and trouble.value not in map(str, STATUSES):
        raise UsageError(f"{quoted(trouble.value[:40])} is not a status that a host answers",
                         hint=", ".join(map(str, STATUSES)))
    if trouble.kind == "wsman" and trouble.value not in wsman_faults():
        raise UsageError(f"there is no WS-Man fault {quoted(trouble.value[:40])}",
                         hint=", ".join(sorted(wsman_faults())))
    if trouble.kind in ("drop", "stall") and trouble.value:
        raise UsageError(f"{trouble.kind} takes no value", why=f"{quoted(trouble.value[:40])} was given")
    if trouble.kind == "http" and trouble.operation:
        raise UsageError("http meets every request", why="its operation is not known before it is let in")
    if trouble.times < 0:
        raise UsageError("--times is a number of requests", why=f"{trouble.times} was given")
    return trouble


def _seconds(text: str) -> bool:
    try:
        return 0 <= float(text) <= LONGEST
    except ValueError:  # the caller refuses the text
        return False


class Troubles:
    """The faults of one service."""

    def __init__(self) -> None:
        self._all: list[Trouble] = []

    @property
    def all(self) -> tuple[Trouble, ...]:
        """Those that will still be met."""
        return tuple(self._all)

    def add(self, trouble: Trouble) -> None:
        """Begin a fault. UsageError for one that has no meaning."""
        self._all.append(check(trouble))

    def clear(self) -> None:
        """End all of them."""
        self._all.clear()

    def status(self) -> int:
        """Return HTTP's status for the next request, 0 where it is let in."""
        found = self._take("http", "")
        return int(found.value) if found is not None else 0

    async def meet(self, operation: str) -> None:
        """Let a request of an operation meet what is due. Raises a :class:`.Fault`, or ConnectionResetError."""
        found = self._take("latency", operation)
        if found is not None:
            await asyncio.sleep(float(found.value))
        if self._take("stall", operation) is not None:
            await asyncio.sleep(LONGEST)
        if self._take("drop", operation) is not None:
            raise ConnectionResetError("dropped, as was asked for")
        found = self._take("wsman", operation)
        if found is not None:
            raise Fault(wsman_faults()[found.value])

    def _take(self, kind: Name, operation: str) -> Trouble | None:
        for at, one in enumerate(self._all):
            if one.kind == kind and one.operation in ("", operation):
                if one.times == 1:
                    del self._all[at]
                elif one.times:
                    self._all[at] = replace(one, times=one.times - 1)
                return one
        return None
