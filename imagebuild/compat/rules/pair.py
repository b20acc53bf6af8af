# SPDX-License-Identifier: Apache-2.0
"""A host and an image side by side, read once: what all three verdicts compare."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ...windows.facts.host import HostFacts, Isolation, Product
from ...windows.releases import RELEASES, Release, release
from ..engine import Engine
from ..image import ImageFacts, read
from ..verdict import Reason
from .generations import LTSC, accepts


@dataclass(frozen=True, slots=True)
class Pair:
    """``host_build``, ``image_build`` and the revisions as numbers, ``None`` where they are not known; ``windows`` is
    major and minor of each."""

    host: HostFacts
    image: ImageFacts
    isolation: Isolation
    engine: Engine
    host_build: int | None
    host_revision: int | None
    image_build: int | None
    image_revision: int | None
    host_windows: tuple[int, int]
    image_windows: tuple[int, int]

    @property
    def host_name(self) -> str:
        """The host for people: the release's name, else its version."""
        return name_of(self.host_build, self.host.product)

    @property
    def image_name(self) -> str:
        """The image's Windows for people."""
        known = release(self.image_build) if self.image_build is not None else None
        return (known.server or known.client) if known else f"build {self.image_build}"

    @property
    def core(self) -> int | None:
        """The host's kernel family: as it was read, else as its build has it."""
        if self.host.core is not None or self.host_build is None:
            return self.host.core
        known = release(self.host_build)
        return known.core if known else None


def pair(host: HostFacts, image: ImageFacts, isolation: Isolation, engine: Engine) -> Pair:
    """The two, with their versions as numbers. An image's ``os.version`` counts; where it has none that can be read,
    the version in its SOFTWARE hive."""
    version = host.version
    found = read(image.os_version) or read(image.hive_version)
    return Pair(host, image, isolation, engine,
                version.build if version else None, version.revision if version else None,
                found[2] if found else None, found[3] if found else None,
                (version.major, version.minor) if version else (10, 0), (found[0], found[1]) if found else (10, 0))


def default_isolation(host: HostFacts, engine: Engine) -> Isolation:
    """The isolation that a container gets when nobody asks for one: what the daemon was told, else Hyper-V on clients
    and processes on servers (moby ``daemon/daemon_windows.go``); containerd has processes."""
    told = host.engine.isolation if host.engine else ""
    if told in ("process", "hyperv"):
        return "hyperv" if told == "hyperv" else "process"
    return "hyperv" if engine.kind == "docker" and host.product == "client" else "process"


@lru_cache(1024)
def name_of(build: int | None, product: Product = "") -> str:
    """A Windows by its build, for people."""
    known = release(build) if build is not None else None
    if build is None:
        return "an unknown Windows"
    return known.name_of(product) if known else f"Windows build {build}"


@lru_cache(1024)
def fitting(host_build: int) -> Release | None:
    """The release whose images a host of this build starts, process-isolated, with every engine that is current: its
    own, or the highest LTSC that is not above it. ``None`` when nobody publishes any."""
    own = release(host_build)
    if own is not None and own.tag:
        return own
    if host_build < LTSC[0]:
        same = [known for known in RELEASES if own and known.tag and known.build == own.core]
        return same[0] if same else None
    chosen = [known for known in RELEASES if known.tag and known.build in LTSC and
              accepts("G3", host_build, known.build)]
    return chosen[-1] if chosen else None


def advice(host_build: int) -> str:
    """``": tag ltsc2022"``, for the end of a remedy; empty when no tag is known to fit."""
    found = fitting(host_build)
    return f": tag {found.tag}" if found else ""


def unlisted(found: Pair) -> tuple[Reason, ...]:
    """Notes on builds that the table of releases does not have."""
    from ...windows.releases import UPDATED

    out = []
    if found.host_build is not None and release(found.host_build) is None:
        out.append(Reason("unlisted-host", (found.host_build, UPDATED)))
    if found.image_build is not None and release(found.image_build) is None:
        out.append(Reason("unlisted-image", (found.image_build, UPDATED)))
    return tuple(out)
