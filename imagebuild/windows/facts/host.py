# SPDX-License-Identifier: Apache-2.0
"""What is known of a machine that is to run containers, as far as verdicts ask for it.

Every fact may be missing: ``None`` and the empty string mean "not known", never "no". What a whole examination of a
machine asks for besides stands in :mod:`.machine`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ...errors import FormatError, quoted

Product = Literal["server", "client", ""]
"""What a Windows is sold as (``ProductType`` 2 and 3, or 1); empty: not known."""
Isolation = Literal["process", "hyperv"]
Store = Literal["graphdriver", "containerd", ""]
"""How an engine keeps images: dockerd's own layer store (``windowsfilter``), or containerd's snapshots."""

_VERSION = re.compile(r"(\d{1,5})\.(\d{1,5})\.(\d{1,5})(?:\.(\d{1,9}))?")


@dataclass(frozen=True, slots=True, order=True)
class WindowsVersion:
    """``10.0.BUILD.REVISION``; the revision (UBR) is ``None`` where nobody said it."""

    major: int
    minor: int
    build: int
    revision: int | None = None

    @classmethod
    def parse(cls, text: str) -> WindowsVersion:
        """``10.0.20348.2527`` or ``10.0.20348``; FormatError when it is no Windows version (a part may have five
        digits, a revision nine)."""
        found = _VERSION.fullmatch(text.strip()) if text.isascii() else None
        if found is None:
            raise FormatError(f"cannot read {quoted(text[:60])} as a Windows version",
                              why="expected like 10.0.20348.2527")
        major, minor, build, revision = found.groups()
        return cls(int(major), int(minor), int(build), None if revision is None else int(revision))

    @property
    def short(self) -> str:
        """Without the revision, as engines print a host."""
        return f"{self.major}.{self.minor}.{self.build}"

    def __str__(self) -> str:
        return self.short if self.revision is None else f"{self.short}.{self.revision}"


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """The engine on a machine: ``kind`` (``docker``, ``containerd``, ``kubernetes`` …), its ``version`` as it prints
    it, the ``os`` of the containers it runs, its image ``store``, its default ``isolation``, and the API versions it
    speaks."""

    kind: str = ""
    version: str = ""
    os: str = ""
    store: Store = ""
    isolation: str = ""
    api: str = ""
    min_api: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A machine: its Windows (``version``; ``None`` when it runs none, or nobody said), the kernel family ``core``, and
    what else decides whether a container starts.

    ``os`` is ``windows``, ``linux`` or empty; ``architecture`` is Go's name (``amd64``, ``arm64``). ``hyperv``: the
    Hyper-V feature is enabled and its hypervisor runs; ``containers``: the Containers feature is enabled. ``source``
    says where the facts are from, in a few words.
    """

    version: WindowsVersion | None = None
    core: int | None = None
    product: Product = ""
    os: str = "windows"
    architecture: str = ""
    edition: str = ""
    hyperv: bool | None = None
    containers: bool | None = None
    engine: EngineFacts | None = None
    name: str = ""
    source: str = ""
