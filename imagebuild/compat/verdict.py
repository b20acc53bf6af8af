# SPDX-License-Identifier: Apache-2.0
"""Verdicts: an answer, how sure it is, the reasons with their sources, and what to do.

Three are given of each image on each host, because three layers answer, and they disagree: what Microsoft supports,
what the engine takes, and what Windows (HCS) starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Answer = Literal["yes", "likely", "maybe", "no", "unknown"]
"""``likely``: it should, and nobody vouches for it; ``maybe``: it depends, or reports differ."""

Confidence = Literal["documented", "code", "reported", "inferred", "none"]
"""Microsoft or the vendor writes it; it was read in source; users saw it; concluded here; nothing is known."""

ORDER: dict[Answer, int] = {"no": 0, "unknown": 1, "maybe": 2, "likely": 3, "yes": 4}
"""From bad to good."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a stable ``code``, with words and remedy in :mod:`.rules.reasons`, and the facts that go into the words."""

    code: str
    facts: tuple[object, ...] = ()
    source: str = ""

    @property
    def text(self) -> str:
        """The reason as a sentence without a full stop."""
        from .rules.reasons import REASONS

        return REASONS[self.code].text.format(*self.facts)

    @property
    def remedy(self) -> str:
        """What to do about it; empty when there is nothing to do."""
        from .rules.reasons import REASONS

        return REASONS[self.code].remedy.format(*self.facts)

    @property
    def sources(self) -> str:
        """Where the fact is from."""
        from .rules.reasons import REASONS

        return self.source or REASONS[self.code].source


@dataclass(frozen=True, slots=True)
class Verdict:
    """One layer's answer, the reason that decides first."""

    answer: Answer
    confidence: Confidence
    reasons: tuple[Reason, ...]

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to do, without repeats; nothing where the answer is yes."""
        if self.answer == "yes":
            return ()
        return tuple(dict.fromkeys(reason.remedy for reason in self.reasons if reason.remedy))


def worst(*answers: Answer) -> Answer:
    """The answer that counts when all have to agree."""
    return min(answers, key=ORDER.__getitem__)
