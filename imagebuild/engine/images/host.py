# SPDX-License-Identifier: Apache-2.0
"""Which images this engine takes: what dockerd with its own store decides on the Windows that the engine says it is.

Sources are those of :mod:`...compat` (``picks``, ``dockerd``); moby ``distribution/pull_v2.go`` and
``image/tarexport/load.go`` have the sentences for images of another system.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...compat import platforms
from ...compat.engine import Engine
from ...compat.picks import choose, refusal
from ...compat.rules.dockerd import refuses
from ...dockerapi import faults
from ...errors import FormatError
from ...oci import Config, Descriptor, Index, Platform
from ...windows.facts.host import HostFacts, WindowsVersion
from ..gotext import quoted
from ..settings import SERVER_VERSION, EngineSettings

_PART = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class ImageHost:
    """The Windows and the Docker that images are judged by."""

    facts: HostFacts
    engine: Engine

    @classmethod
    def of(cls, settings: EngineSettings) -> ImageHost:
        """What an engine says it is."""
        version = WindowsVersion(10, 0, settings.build, settings.revision)
        numbers = tuple(int(part) for part in SERVER_VERSION.split("."))
        return cls(HostFacts(version, architecture="amd64"), Engine("docker", numbers, "graphdriver"))

    def pick(self, index: Index, requested: Platform | None = None) -> Descriptor:
        """The image that is taken from an index. NotFound when none fits."""
        place, _unused = choose([entry.platform for entry in index.manifests], self.facts, self.engine, requested)
        if place is None:
            raise faults.NotFound(refusal(self.facts, self.engine))
        return index.manifests[place]

    def check_pulled(self, config: Config) -> None:
        """Refuse what a pull refuses once it has the config: another system, a Windows above the host's."""
        self._check_version(config)
        if config.os != "windows":
            raise faults.Internal(f'cannot download image with operating system "{config.os}" when requesting '
                                  '"windows"')

    def check_loaded(self, config: Config) -> None:
        """Refuse what a load refuses."""
        if config.os != "windows":
            raise faults.Internal(f"cannot load {config.os} image on windows")
        self._check_version(config)

    def _check_version(self, config: Config) -> None:
        assert self.facts.version is not None
        why = refuses(self.facts.version, config.os_version) if config.os == "windows" else ""
        if why:
            raise faults.Internal(why)


def parse_platform(text: str) -> Platform | None:
    """The ``platform`` of a request; ``None`` without one. BadRequest, in the words of the package that moby 26.1 reads
    it with (containerd 1.7 ``platforms/platforms.go``), for anything else."""
    if not text:
        return None
    try:
        return platforms.parse(text)
    except FormatError:
        raise faults.BadRequest(f"{_wrong_platform(text)}: invalid argument") from None


def _wrong_platform(text: str) -> str:
    parts = text.split("/")
    wrong = next((part for part in parts if not _PART.fullmatch(part)), None)
    if "*" in text:
        return f"{quoted(text)}: wildcards not yet supported"
    if wrong is not None:
        return f"{quoted(wrong)} is an invalid component of {quoted(text)}: platform specifier component must match " \
               '"^[A-Za-z0-9_-]+$"'
    if len(parts) == 1:
        return f"{quoted(text)}: unknown operating system or architecture"
    return f"{quoted(text)}: cannot parse platform specifier"
