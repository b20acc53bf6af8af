# SPDX-License-Identifier: Apache-2.0
"""Many hosts by many images: one report for each pair, in both isolations where nobody asked for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

from ..windows.facts.host import HostFacts, Isolation, WindowsVersion
from ..windows.releases import RELEASES, Release
from .documents import Subject
from .engine import Engine, engine_of
from .image import ImageFacts
from .picks import Pick, pick
from .report import Report, check
from .verdict import Answer

BOTH: tuple[Isolation, ...] = ("process", "hyperv")
FIRST_BUILD = 14393
"""The first build that ran Windows containers."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One host and one image in one isolation; ``pick`` where the image is an index."""

    isolation: Isolation
    report: Report | None
    pick: Pick | None = None

    @property
    def runs(self) -> Answer:
        """Whether it runs."""
        if self.pick is not None:
            return self.pick.runs
        return self.report.runs if self.report else "unknown"


@dataclass(frozen=True, slots=True)
class Matrix:
    """``rows[host][image]`` are the cells, one for each isolation that was asked about."""

    hosts: tuple[HostFacts, ...]
    images: tuple[Subject, ...]
    isolations: tuple[Isolation, ...]
    rows: tuple[tuple[tuple[Cell, ...], ...], ...]


def matrix(hosts: Sequence[HostFacts], images: Sequence[Subject], *, isolations: tuple[Isolation, ...] = BOTH,
           engine: Callable[[HostFacts], Engine] = engine_of, today: date | None = None) -> Matrix:
    """Every host by every image; ``engine`` says which engine a host has."""
    rows = []
    for host in hosts:
        chosen = engine(host)
        rows.append(tuple(tuple(_cell(host, image, chosen, isolation, today) for isolation in isolations)
                          for image in images))
    return Matrix(tuple(hosts), tuple(images), isolations, tuple(rows))


def _cell(host: HostFacts, image: Subject, engine: Engine, isolation: Isolation, today: date | None) -> Cell:
    if image.image is not None:
        return Cell(isolation, check(host, image.image, isolation, engine=engine, today=today))
    found = pick(image.entries, host, engine, isolation=isolation, today=today)
    return Cell(isolation, found.report, found)


def known_hosts(today: date | None = None) -> tuple[HostFacts, ...]:
    """A host of each release that ever ran containers, or of those that get updates ``today``: servers, then clients,
    the newest first."""
    chosen = [known for known in reversed(RELEASES) if known.build >= FIRST_BUILD and _lives(known, today)]
    servers = [HostFacts(WindowsVersion(10, 0, known.build), known.core, "server", name=known.server)
               for known in chosen if known.server]
    clients = [HostFacts(WindowsVersion(10, 0, known.build), known.core, "client", name=known.client)
               for known in chosen if known.client]
    return (*servers, *clients)


def known_images(today: date | None = None) -> tuple[Subject, ...]:
    """An image of each release that Microsoft published any of, or of those that get updates ``today``, the newest
    first."""
    return tuple(Subject(known.tag, ImageFacts("windows", "amd64", f"10.0.{known.build}", name=known.tag))
                 for known in reversed(RELEASES) if known.tag and _lives(known, today))


def _lives(known: Release, today: date | None) -> bool:
    return today is None or any(item.until >= today for item in known.support)
