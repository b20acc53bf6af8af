# SPDX-License-Identifier: Apache-2.0
"""Engines: which rule one has, how it picks, which hosts it starts on, by kind, version and image store.

dockerd keeps images in its own store (``graphdriver``) unless it was told to use containerd's (moby
``daemon/image_store_choice.go``), and each store has its own way to choose. What an engine *newer* than the sources
read here does is inferred from the newest of them, and said so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from ..errors import UsageError, quoted
from ..windows.facts.host import HostFacts, Store
from .rules.generations import Generation
from .verdict import Confidence

Kind = Literal["docker", "containerd"]
Algorithm = Literal["dockerd-graphdriver", "containerd-default-revision", "containerd-only",
                    "containerd-default-lexical"]

_TEXT = re.compile(r"(?:(docker|dockerd|moby|containerd)(?:[-/: ]v?(?=\d)|$))?"
                   r"(?:(\d{1,4}(?:\.\d{1,4}){0,2})(?:[-+~].*)?)?")
_KINDS: dict[str, Kind] = {"": "docker", "dockerd": "docker", "moby": "docker", "docker": "docker",
                           "containerd": "containerd"}


@dataclass(frozen=True, slots=True)
class Since:
    """From an engine's version on: its generation, whether it takes images without ``os.version``, how it picks."""

    version: tuple[int, ...]
    generation: Generation
    algorithm: Algorithm
    source: str
    empty: bool = True
    confidence: Confidence = "code"


_PULL = "moby/moby daemon/internal/distribution/pull_v2_windows.go@b985e231"
_OLD_CONTAINERD = "containerd/containerd platforms/defaults_windows.go, branches release/1.5 and 1.6"
_PLATFORMS = "containerd/platforms platform_windows_compat.go"
HISTORY: dict[tuple[Kind, Store], tuple[Since, ...]] = {
    ("docker", "graphdriver"): (Since((0,), "G0", "dockerd-graphdriver", _PULL),),
    ("docker", "containerd"): (
        Since((0,), "G1", "containerd-only", "inferred from moby 25, the first release read", confidence="inferred"),
        Since((25,), "G1", "containerd-only", f"moby/moby go.mod of 25 to 28: {_PLATFORMS} v0.2.x"),
        Since((29,), "G2", "containerd-only", f"moby/moby go.mod of 29.0 to 29.7.2: {_PLATFORMS} v1.0.0-rc.2 to rc.4"),
        Since((29, 7, 3), "G3", "containerd-only", f"moby/moby master c568c4b05d: {_PLATFORMS} v1.0.0-rc.5; which "
              "release has it first is not known", confidence="inferred")),
    ("containerd", "containerd"): (
        Since((0,), "G0", "containerd-default-revision", _OLD_CONTAINERD, empty=False),
        Since((1, 6, 23), "G1", "containerd-default-revision", "containerd/containerd f51bf1960"),
        Since((1, 7), "G0", "containerd-only", "containerd/containerd platforms/defaults_windows.go, branch 1.7"),
        Since((1, 7, 6), "G1", "containerd-only", "containerd/containerd platforms/defaults_windows.go, branch 1.7"),
        Since((2, 1), "G2", "containerd-default-lexical", f"containerd/containerd go.mod of 2.1 to 2.3: {_PLATFORMS} "
              "v1.0.0-rc.2 to rc.4"),
        Since((2, 4), "G3", "containerd-default-lexical", "containerd/containerd#14001 (main, 2026-08-20); whether a "
              "2.3 release has it is not known", confidence="inferred")),
}
"""By kind and store, oldest first. dockerd's own store knows no generations: it refuses only builds above the host's.
"""

DOCKER_HOSTS: tuple[tuple[tuple[int, ...], int, str], ...] = (
    ((23,), 17763, "moby/moby@1b3fef5333"),
    ((19, 3), 14393, "moby/moby daemon/daemon_windows.go, branches 19.03 and 20.10"),
)
"""The lowest Windows build that dockerd from a version on starts on, newest first."""

NEWEST_DOCKER = (29, 7, 2)
"""The newest release of Docker whose source was read; the one that is meant where nobody says which."""

LAST_BEFORE = (20, 10)
"""The last Docker before the one that wants build 17763."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine: ``version`` as numbers, empty when not known; ``store`` is where it keeps images; ``generation``
    overrules what its version would say. ``assumed``: nobody said which engine, so this one is meant."""

    kind: Kind = "docker"
    version: tuple[int, ...] = ()
    store: Store = "graphdriver"
    generation: Generation | None = None
    assumed: bool = False

    @property
    def name(self) -> str:
        """What people call it: ``docker 29.6 with the containerd store``."""
        version = f" {'.'.join(map(str, self.version))}" if self.version else ""
        return f"{self.kind}{version}" + (f" with the {self.store} store" if self.kind == "docker" else "")

    def rule(self) -> Since:
        """Its generation and its way to pick; of an engine without a version, the newest that was read in source."""
        history = HISTORY["docker" if self.kind == "docker" else "containerd", self.store or "graphdriver"]
        if self.version:
            found = [since for since in history if since.version <= self.version][-1]
        else:
            found = [since for since in history if since.confidence == "code"][-1]
        if self.generation is None or found.algorithm == "dockerd-graphdriver":
            return found
        return replace(found, generation=self.generation, source=f"{_PLATFORMS}, rule {self.generation}",
                       confidence="code")

    def lowest_host(self) -> tuple[int, str]:
        """The lowest Windows build it starts on, with the source; ``(0, "")`` when none is known."""
        if self.kind != "docker":
            return 0, ""
        version = self.version or NEWEST_DOCKER
        return next(((build, source) for since, build, source in DOCKER_HOSTS if since <= version), (0, ""))


def parse_engine(text: str, store: Store = "", generation: Generation | None = None) -> Engine:
    """``docker-29.6``, ``containerd-1.7.22``, ``29.6.2``, ``docker``. UsageError when it is none of these, and for
    containerd with docker's own store."""
    found = _TEXT.fullmatch(text.strip().lower())
    if found is None or not text.strip():
        raise UsageError(f"there is no engine {quoted(text[:60])}",
                         hint="name one like docker-29.6, containerd-2.1 or docker")
    kind = _KINDS[found[1] or ""]
    if kind == "containerd" and store == "graphdriver":
        raise UsageError("containerd keeps images in its own store", hint="--store graphdriver is for docker")
    version = tuple(map(int, found[2].split("."))) if found[2] else ()
    return Engine(kind, version, "containerd" if kind == "containerd" else store or "graphdriver", generation)


def engine_of(host: HostFacts, store: Store = "", generation: Generation | None = None) -> Engine:
    """The engine among a host's facts; where none is, the newest Docker that starts there, with its own store."""
    facts = host.engine
    if facts is None or facts.kind not in _KINDS or not facts.kind:
        old = host.version is not None and host.version.build < DOCKER_HOSTS[0][1]
        return Engine(store=store or "graphdriver", version=LAST_BEFORE if old else NEWEST_DOCKER,
                      generation=generation, assumed=True)
    kind = _KINDS[facts.kind]
    found = re.match(r"v?(\d{1,4}(?:\.\d{1,4}){0,2})", facts.version)
    version = tuple(map(int, found[1].split("."))) if found else ()
    chosen: Store = "containerd" if kind == "containerd" else store or facts.store or "graphdriver"
    return Engine(kind, version, chosen, generation)
