# SPDX-License-Identifier: Apache-2.0
"""What an operation yields while it works; front ends turn these into lines, bars or JSON.

An operation is a generator of events. Its last event is :class:`Result`, which carries the value.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, TypeVar


@dataclass(frozen=True, slots=True)
class Step:
    """A piece of work begins: ``id`` is unique in one run, ``text`` is a line for people, ``total`` bytes if known."""

    id: str
    text: str
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Advance:
    """``done`` bytes of step ``id`` are behind us (absolute, not a difference)."""

    id: str
    done: int


@dataclass(frozen=True, slots=True)
class Finish:
    """Step ``id`` is over; ``note`` says how if it was not plain work (``cached``, ``mounted from base/x``)."""

    id: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Output:
    """A program of step ``id`` wrote ``text`` (whole lines, or what there is of the last one); ``error`` to stderr."""

    id: str
    text: str
    error: bool = False


@dataclass(frozen=True, slots=True)
class Warn:
    """Something the user should know; ``where`` is ``Dockerfile:12`` or a path, ``code`` a stable short name."""

    text: str
    where: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """The end: ``value`` is what the operation made, ``facts`` is what ``--format json`` prints of it."""

    value: Any
    facts: dict[str, Any] = field(default_factory=dict)


Event = Step | Advance | Finish | Output | Warn | Result
_T = TypeVar("_T")


def result_of(work: Generator[Event, None, _T]) -> _T:
    """What a generator of events returns, when nobody wants to hear how it gets there."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            value: _T = end.value
            return value
