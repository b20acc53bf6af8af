# SPDX-License-Identifier: Apache-2.0
"""Many hosts by many images: one report for each pair, in both isolations where nobody asked for one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..windows.hostfacts import HostFacts, Isolation, WindowsVersion
from ..windows.releases import RELEASES
from .check import Report, check
from .documents import Subject
from .engine import Engine, engine_of
from .image import ImageFacts
from .pick import Pick, pick

BOTH: tuple[Isolation, ...] = ("process", "hyperv")


@dataclass(frozen=True, slots=True)
class Cell:
    """One host and one image in one isolation; ``pick`` where the image is an index."""

    isolation: Isolation
    report: Report | None
    pick: Pick | None = None

    @property
    def runs(self) -> str:
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


def matrix(hosts: Sequence[HostFacts], images: Sequence[Subject], engine: Engine | None = None, *,
           isolations: tuple[Isolation, ...] = BOTH, today: date | None = None) -> Matrix:
    """Every host by every image. Each host has its own engine, unless one is given for all."""
    rows = tuple(tuple(tuple(_cell(host, image, engine or engine_of(host.engine), isolation, today)
                             for isolation in isolations) for image in images) for host in hosts)
    return Matrix(tuple(hosts), tuple(images), isolations, rows)


def _cell(host: HostFacts, image: Subject, engine: Engine, isolation: Isolation, today: date | None) -> Cell:
    if image.image is not None:
        return Cell(isolation, check(host, image.image, isolation, engine=engine, today=today))
    found = pick(image.entries, host, engine, isolation=isolation, today=today)
    return Cell(isolation, found.report, found)


def known_hosts() -> tuple[HostFacts, ...]:
    """A host of each release that ever ran containers: servers, then clients, the newest first."""
    servers = [HostFacts(WindowsVersion(10, 0, known.build), known.core, "server", name=known.server)
               for known in RELEASES if known.server]
    clients = [HostFacts(WindowsVersion(10, 0, known.build), known.core, "client", name=known.client)
               for known in RELEASES if known.client and known.build >= RELEASES_BEGIN]
    return (*reversed(servers), *reversed(clients))


RELEASES_BEGIN = 14393
"""The first build that ran Windows containers."""


def known_images() -> tuple[Subject, ...]:
    """An image of each release that Microsoft published any of, the newest first."""
    return tuple(Subject(known.tag, ImageFacts("windows", "amd64", f"10.0.{known.build}", name=known.tag))
                 for known in reversed(RELEASES) if known.tag)
