# SPDX-License-Identifier: Apache-2.0
"""What an engine takes from an index: its own way, list order, comparing text as numbers and all.

dockerd's own store passes over entries of another processor and of builds above the host's, moves those of the host's
build to the front and takes the first (moby ``filterManifests``). containerd's ways filter by generation
(:mod:`.rules.generations`) and take the first in list order (``Only``), the highest revision whatever the build
(``Default`` up to 1.6), or the greatest ``os.version`` as text (``Default`` from 2.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..oci.descriptor import Platform
from ..windows.facts.host import HostFacts, Isolation
from . import platforms
from .engine import Engine, Since, engine_of
from .image import from_platform
from .report import Report, check
from .rules.dockerd import NUMBER, above
from .rules.generations import matches
from .verdict import ORDER, Answer

_ANY = Platform()


@dataclass(frozen=True, slots=True)
class Passed:
    """An entry that was not taken: its place in the index, and why (a word: ``os``, ``architecture``, ``version``,
    ``features``, ``later``)."""

    place: int
    why: str


@dataclass(frozen=True, slots=True)
class Pick:
    """What :func:`pick` found. ``place`` counts in the index from 0, ``None`` when the engine takes none and prints
    ``error``.

    ``report`` judges the entry taken. Where none is, it judges the one that comes nearest, at the place ``better``: its
    reasons say why. Where one is, ``better`` is the place of an entry that would do better, if there is one.
    """

    engine: Engine
    place: int | None
    passed: tuple[Passed, ...]
    error: str = ""
    report: Report | None = None
    better: int | None = None

    @property
    def runs(self) -> Answer:
        """Whether what the engine takes runs."""
        return self.report.runs if self.report and self.place is not None else "no"


def pick(entries: Sequence[Platform | None], host: HostFacts, engine: Engine | None = None, *,
         requested: Platform | None = None, isolation: Isolation | None = None, today: date | None = None) -> Pick:
    """What an engine on the host takes from the platforms of an index, in list order, and whether that runs.

    ``None`` is an entry without a platform. ``requested`` is what the user asked for with ``--platform``. A host
    without a processor is taken for amd64; nothing raises.
    """
    engine = engine or engine_of(host)
    place, passed = choose(entries, host, engine, requested)
    reports = [check(host, from_platform(entry), isolation, engine=engine, today=today) for entry in entries]
    if place is None:
        nearest = max(range(len(entries)), key=lambda number: _nearness(reports[number]), default=None)
        return Pick(engine, None, passed, refusal(host, engine),
                    None if nearest is None else reports[nearest], nearest)
    best = max(range(len(entries)), key=lambda number: ORDER[reports[number].runs])
    better = best if ORDER[reports[best].runs] > ORDER[reports[place].runs] else None
    return Pick(engine, place, passed, report=reports[place], better=better)


def _nearness(report: Report) -> tuple[int, int, int]:
    """How near a report is to a yes: Windows' answer counts before the build."""
    return ORDER[report.start.answer], ORDER[report.support.answer], report.pair.image_build or 0


def choose(entries: Sequence[Platform | None], host: HostFacts, engine: Engine,
           requested: Platform | None = None) -> tuple[int | None, tuple[Passed, ...]]:
    """The place of the entry that is taken, and why the others are not."""
    rule = engine.rule()
    reasons = [_why_not(entry, host, rule, requested) for entry in entries]
    fitting = [place for place, why in enumerate(reasons) if not why]
    order = sorted(fitting, key=lambda place: _rank(entries[place], host, rule, requested))
    if rule.algorithm == "containerd-default-lexical" and requested is None:  # the greatest as text; sorts are stable
        order = sorted(order, key=lambda place: (entries[place] or _ANY).os_version, reverse=True)
        order = sorted(order, key=lambda place: entries[place] is None)
    passed = tuple(Passed(place, why) for place, why in enumerate(reasons) if why)
    return (order[0] if order else None), (*passed, *(Passed(place, "later") for place in order[1:]))


def refusal(host: HostFacts, engine: Engine) -> str:
    """What the engine prints when no entry fits; it ends up in people's searches."""
    version = host.version.short if host.version else ""
    architecture = host.architecture or "amd64"
    if engine.kind == "containerd":
        return "no match for platform in manifest: not found"
    if engine.version and engine.version < (28,):
        return f"no matching manifest for windows/{architecture} {version} in the manifest list entries"
    text = f"no matching manifest for windows({version})/{architecture} in the manifest list entries"
    return text + (": no match for platform in manifest: not found" if engine.store == "containerd" else "")


def _why_not(entry: Platform | None, host: HostFacts, rule: Since, requested: Platform | None) -> str:
    """Why an entry is passed over; empty when it fits."""
    if entry is None:  # dockerd reads no platform as an empty one; containerd tries such an entry last
        return "architecture" if rule.algorithm == "dockerd-graphdriver" else ""
    if rule.algorithm == "dockerd-graphdriver":
        return _dockerd(entry, host, requested or _ANY)
    asked = requested or Platform("windows", host.architecture or "amd64", host.version.short if host.version else "")
    if platforms.normalize(entry).os != (platforms.normalize(asked).os or "windows"):
        return "os"
    if _machine(asked, entry, rule) is None:
        return "architecture"
    if asked.os_version and not matches(rule.generation, asked.os_version, entry.os_version, empty=rule.empty):
        return "version"
    if rule.generation in ("G2", "G3"):  # platforms rc.4: all but win32k, which every Windows is taken to have
        return "features" if set(entry.os_features) - set(asked.os_features) - {"win32k"} else ""
    return ""


def _machine(asked: Platform, entry: Platform, rule: Since) -> int | None:
    """How near an entry's processor is to the one asked for, 0 being it; ``None`` when it does not run there."""
    offered = platforms.normalize(entry)
    machines = platforms.machines_of(asked)
    if rule.algorithm != "containerd-only":
        machines = machines[:1]
    machine = (offered.architecture, offered.variant)
    return machines.index(machine) if machine in machines else None


def _dockerd(entry: Platform, host: HostFacts, asked: Platform) -> str:
    if entry.architecture != (host.architecture or "amd64"):
        return "architecture"
    if (asked.os or entry.os).lower() != "windows":
        return "os"
    if entry.os.lower() == "windows" and host.version is not None and above(entry.os_version, host.version.build):
        return "version"
    return ""


def _rank(entry: Platform | None, host: HostFacts, rule: Since, requested: Platform | None) -> tuple[int, ...]:
    """What is sorted by, the least first; equal entries stay in list order."""
    if entry is None:
        return (1,)
    if rule.algorithm == "dockerd-graphdriver":
        exact = host.version is not None and entry.os_version.startswith(f"{host.version.short}.")
        return (0, entry.os.lower() != "windows", not exact)
    if rule.algorithm == "containerd-default-revision":
        return (0, -_revision(entry.os_version))
    if rule.algorithm == "containerd-only":  # from platforms rc.4 on the one with more features, win32k counted
        features = len(entry.os_features) if rule.generation in ("G2", "G3") else 0
        asked = requested or Platform("windows", host.architecture or "amd64")
        return (0, _machine(asked, entry, rule) or 0, -features)
    return (0,)


def _revision(os_version: str) -> int:
    pieces = os_version.split(".")
    return int(pieces[3]) if len(pieces) > 3 and NUMBER.fullmatch(pieces[3]) else 0
