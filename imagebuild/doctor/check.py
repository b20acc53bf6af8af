# SPDX-License-Identifier: Apache-2.0
"""What a check of a machine is: a question, how it is judged, and its answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ..windows.facts.machine import MachineFacts

Status = Literal["pass", "warn", "fail", "unknown"]
"""``fail``: containers of the usual kind do not run until it is put right. ``warn``: some do not, or not well.
``unknown``: a fact is missing, and ``found`` says which."""

COLLECT = "run the collector on the host, elevated: 'wcow doctor facts --script' prints it"


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: what was ``found``, ``why`` it matters, the ``remedy``, and the ``sources`` of the rule."""

    id: str
    title: str
    status: Status
    found: str
    why: str = ""
    remedy: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer as a judge gives it."""

    status: Status
    found: str
    why: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """One check: ``id`` and ``title``, in a sentence what it is ``about``, the ``sources`` of its rule, and the
    ``judge``: a pure function that raises nothing and gives ``None`` where the question has no meaning (whether a
    real computer exposes virtualisation to itself)."""

    id: str
    title: str
    about: str
    sources: tuple[str, ...]
    judge: Callable[[MachineFacts], Outcome | None]

    def ask(self, facts: MachineFacts) -> Check | None:
        """The answer for a machine."""
        outcome = self.judge(facts)
        if outcome is None:
            return None
        return Check(self.id, self.title, outcome.status, outcome.found, outcome.why, outcome.remedy, self.sources)


def question(name: str, title: str, about: str, *sources: str) -> Callable[[Callable[[MachineFacts], Outcome | None]],
                                                                           Question]:
    """Make a judge a question."""
    return lambda judge: Question(name, title, about, sources, judge)


def passed(found: str) -> Outcome:
    """All is well."""
    return Outcome("pass", found)


def warned(found: str, why: str, remedy: str) -> Outcome:
    """Something will not work, or not well."""
    return Outcome("warn", found, why, remedy)


def failed(found: str, why: str, remedy: str) -> Outcome:
    """Containers do not run."""
    return Outcome("fail", found, why, remedy)


def unknown(fact: str, how: str = COLLECT) -> Outcome:
    """``fact`` is missing; ``how`` it can be had."""
    return Outcome("unknown", f"not known: {fact}", remedy=how)


def on_windows(facts: MachineFacts) -> bool:
    """Whether questions about a Windows have a meaning: it is one, or nobody said what it is."""
    return facts.host.os in ("windows", "")


def build_of(facts: MachineFacts) -> int | None:
    """The Windows build, ``None`` when not known."""
    return facts.host.version.build if facts.host.version is not None else None


def needs_hyperv(facts: MachineFacts) -> bool:
    """Whether the engine's default is a utility VM: on clients it is, unless told otherwise, and on servers not.

    Source: moby/moby:daemon/daemon_windows.go (default isolation), and its ``exec-opts isolation=``.
    """
    isolation = facts.host.engine.isolation if facts.host.engine is not None else ""
    return isolation == "hyperv" or (facts.host.product == "client" and isolation != "process")


def numbers(version: str) -> tuple[int, int, int] | None:
    """``29.6.2-rd`` as numbers; ``None`` when it does not begin with two."""
    found = re.match(r"v?(\d{1,5})\.(\d{1,5})(?:\.(\d{1,5}))?", version, re.ASCII)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def gib(size: int) -> str:
    """Bytes in GiB, as people read them."""
    return f"{size / (1 << 30):.1f} GiB"
