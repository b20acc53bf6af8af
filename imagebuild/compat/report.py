# SPDX-License-Identifier: Apache-2.0
"""Does this image run on that host? Three verdicts, and one line that sums them up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ..windows.facts.host import HostFacts, Isolation
from ..windows.releases import release
from .engine import Engine, engine_of
from .image import ImageFacts
from .rules.engine import engine_verdict
from .rules.pair import Pair, default_isolation, pair
from .rules.start import start_verdict
from .rules.support import support_verdict
from .verdict import Answer, Reason, Verdict, worst


@dataclass(frozen=True, slots=True)
class Report:
    """What :func:`check` found: the three verdicts, and ``warnings`` that change none of them."""

    pair: Pair
    support: Verdict
    engine: Verdict
    start: Verdict
    warnings: tuple[Reason, ...] = ()

    @property
    def isolation(self) -> Isolation:
        """The isolation that was judged."""
        return self.pair.isolation

    @property
    def runs(self) -> Answer:
        """Whether it runs: the engine has to take it and Windows to start it. Support is another matter."""
        return worst(self.engine.answer, self.start.answer)

    @property
    def remedies(self) -> tuple[str, ...]:
        """What to do about the verdicts that decide, without repeats."""
        decides = [verdict for verdict in (self.engine, self.start) if verdict.answer == self.runs]
        return tuple(dict.fromkeys(remedy for verdict in decides for remedy in verdict.remedies))

    @property
    def summary(self) -> str:
        """One line: the answer, and the reason that decides."""
        found = self.pair
        words = {"yes": "runs", "likely": "should run", "maybe": "may run", "no": "does not run",
                 "unknown": "cannot be judged"}[self.runs]
        decides = self.engine if self.engine.answer == self.runs and self.runs != "yes" else self.start
        host = str(found.host.version) if found.host.version else found.host.name or "an unknown host"
        what = found.image.os_version or found.image.hive_version or found.image.name or "an image without os.version"
        return f"{what} {words} on {host} with {found.isolation} isolation: {decides.reasons[0].text}"


def check(host: HostFacts, image: ImageFacts, isolation: Isolation | None = None, *, engine: Engine | None = None,
          today: date | None = None) -> Report:
    """Whether an image runs on a host, asked of Microsoft, the engine and Windows one by one.

    Without ``isolation`` the one that the engine would choose is judged; without ``engine`` the one among the host's
    facts, else the newest Docker with its own store. ``today`` lets ended support be warned of. Nothing raises: what is
    not known gives ``unknown``.
    """
    chosen = engine or engine_of(host)
    found = pair(host, image, isolation or default_isolation(host, chosen), chosen)
    return Report(found, support_verdict(found), engine_verdict(found), start_verdict(found),
                  tuple(_ended(found, today)) if today else ())


def _ended(found: Pair, today: date) -> Iterator[Reason]:
    """Releases out of support on a day: only when every date of theirs is past."""
    for build, name in ((found.host_build, found.host_name), (found.image_build, found.image_name)):
        known = release(build) if build is not None else None
        if known is not None and known.support:
            last = max(known.support, key=lambda item: item.until)
            if last.until < today:
                yield Reason("ended", (name, last.what, last.until), last.source)
        if found.host_build == found.image_build:
            return
