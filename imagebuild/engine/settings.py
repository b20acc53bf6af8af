# SPDX-License-Identifier: Apache-2.0
"""How an engine is set up: where it keeps things, which Windows it is, which folders are its drives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

SERVER_VERSION = "26.1.5"
"""The Docker whose behaviour on Windows is imitated; clients decide by it what they ask for."""

BUILD_MEMORY = 4 << 30
"""What a build may use unless the engine is told otherwise. Layers are streamed; the largest thing that a build of an
ordinary image holds is a registry hive of its base, some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """``root`` is the folder of everything that outlives the engine. ``build`` and ``revision`` are the Windows it says
    it is. ``drives`` maps a drive letter (``C``) to the folder that stands for it when a mount's source is a Windows
    path; a letter without a folder has nothing on it. ``publish_address`` is the IPv4 address that ports are
    published on where a binding names none: by default nobody else reaches what a test starts. ``ca`` is a PEM file
    with the only certificate authorities that containers trust, ``None`` for this machine's. ``build_memory`` is the
    address space in bytes that the process of one build may have; 0 is no limit. ``builds`` is how many builds work at
    once: each has a process that can fill a processor. ``log_level`` and ``log_format`` are those of
    :class:`~.serving.log.LogSettings`. ``shared`` is the root of the engine whose Wine prefix and programs this one
    uses, too; ``None`` for its own. ``own_drive`` is a folder that is drive ``C:`` of containers but for
    ``C:\\Windows``; for an engine that has one container. Without ``native`` nothing of this machine but the drives can
    be mounted: for an engine whose clients are programs in a box. ``labels``, ``data_root`` (a Windows path), ``debug``
    and ``version`` are what clients are told; ``log_driver`` and ``log_options`` are those of containers that name
    none."""

    root: Path
    build: int = 20348
    revision: int = 0
    drives: Mapping[str, Path] = field(default_factory=dict)
    name: str = "wcow"
    publish_address: str = "127.0.0.1"
    ca: Path | None = None
    build_memory: int = BUILD_MEMORY
    builds: int = max(2, os.cpu_count() or 1)
    log_level: str = "info"
    log_format: Literal["text", "json"] = "text"
    shared: Path | None = None
    own_drive: Path | None = None
    native: bool = True
    labels: tuple[str, ...] = ()
    data_root: str = r"C:\ProgramData\docker"
    debug: bool = False
    log_driver: str = "json-file"
    log_options: Mapping[str, str] = field(default_factory=dict)
    version: str = SERVER_VERSION

    @property
    def os_version(self) -> str:
        """What the engine's host says it is: ``10.0.20348``."""
        return f"10.0.{self.build}"
