# SPDX-License-Identifier: Apache-2.0
"""A workbench for builder tests: stores in memory, stand-in bases, a context written from a dict."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagebuild.builder import BuildRequest, Built, Plan, Workshop, build, plan_only
from imagebuild.builder.cache.cache import Cache
from imagebuild.builder.execute.linux_stages import LinuxBuilder
from imagebuild.builder.run.runner import Runner
from imagebuild.codec import Compression, open_reader
from imagebuild.errors import NotFoundError
from imagebuild.events import Event, Warn
from imagebuild.fetch import MemoryFetcher
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.images.inspect.rootfs import IndexCache
from imagebuild.images.library import Library
from imagebuild.layer import Entry, Index, Union, read
from imagebuild.oci import Location
from imagebuild.stores import MemoryStore
from imagebuild.windows import attributes, filetime
from imagebuild.windows.acl.sddl import format_sddl
from imagebuild.windows.security import SecurityDescriptor

NANOSERVER = "mcr.microsoft.com/windows/nanoserver:ltsc2022"


@dataclass
class Bench:
    """Everything a build needs, in memory but for the caches below ``folder``."""

    folder: Path
    local: MemoryStore = field(default_factory=MemoryStore)
    fetcher: MemoryFetcher = field(default_factory=MemoryFetcher)
    events: list[Event] = field(default_factory=list)
    cached: bool = False
    runner: Runner | None = None
    linux: LinuxBuilder | None = None

    def base(self, flavour: str = "nanoserver", *, tag: str = NANOSERVER, os_version: str = "10.0.20348.2762",
             epoch: int = filetime.DOS_EPOCH) -> None:
        """Put a stand-in base into the local store."""
        if flavour in ("scratch", "hostprocess"):
            os_version = ""
        make_base(BaseRequest(flavour=flavour, os_version=os_version, epoch=epoch,  # type: ignore[arg-type]
                              compression=Compression()), self.local, tag=tag)

    def shop(self) -> Workshop:
        """The workshop of a build."""
        def nowhere(location: Location) -> MemoryStore:
            raise NotFoundError(f"no network in this test: {location}")

        cache = Cache(self.folder / "steps" if self.cached else None)
        return Workshop(Library(self.local, nowhere), IndexCache(self.folder / "indexes"), cache, self.fetcher,
                        self.folder / "stat", runner=self.runner, linux=lambda: self.linux)

    def context(self, files: Mapping[str, bytes | str | None]) -> Path:
        """A context folder: bytes are files, ``None`` a folder, ``-> x`` a symlink to x."""
        root = self.folder / f"context{len(list(self.folder.glob('context*')))}"
        root.mkdir()
        for name, content in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.mkdir(exist_ok=True)
            elif isinstance(content, str) and content.startswith("-> "):
                path.symlink_to(content[3:])
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)
                os.utime(path, (1_600_000_000, 1_600_000_000))
        return root

    def build(self, dockerfile: str, files: Mapping[str, bytes | str | None] | None = None, **request: Any) -> Built:
        """Build, and keep the events."""
        return self.run(self.context({**(files or {}), "Dockerfile": dockerfile}), **request)

    def run(self, context: Path, **request: Any) -> Built:
        """Build a folder, and keep the events."""
        self.events = list(build(BuildRequest(**{"context": str(context), **request}), self.shop()))
        return self.events[-1].value  # type: ignore[union-attr, no-any-return]

    def plan(self, dockerfile: str, files: Mapping[str, bytes | str | None] | None = None, **request: Any) -> Plan:
        """Plan only."""
        context = self.context({**(files or {}), "Dockerfile": dockerfile})
        self.events = list(plan_only(BuildRequest(**{"context": str(context), **request}), self.shop()))
        return self.events[-1].value  # type: ignore[union-attr, no-any-return]

    def warnings(self) -> list[str]:
        """The codes of the warnings of the last build."""
        return [event.code for event in self.events if isinstance(event, Warn)]

    def layer(self, built: Built, number: int = -1) -> dict[str, Entry]:
        """The entries of one layer by path, in their order."""
        with self.local.open_blob(built.image.layers[number]) as blob:
            return {entry.path: entry for entry, _ in read(open_reader(blob))}

    def content(self, built: Built, path: str) -> bytes:
        """A file of the image."""
        for descriptor in reversed(built.image.layers):
            with self.local.open_blob(descriptor) as blob:
                for entry, stream in read(open_reader(blob)):
                    if entry.path == path and stream is not None:
                        return stream.read()
        raise AssertionError(f"no {path}")

    def union(self, built: Built) -> Union:
        """The image's file system."""
        indexes = []
        for number, descriptor in enumerate(built.image.layers):
            with self.local.open_blob(descriptor) as blob:
                name = self.folder / f"union-{descriptor.digest.hex[:8]}-{number}"
                indexes.append(Index.build(open_reader(blob), name))
        return Union(indexes)


def acl(entry: Entry) -> str:
    """The security of an entry as SDDL."""
    assert entry.security is not None, f"{entry.path} has no security descriptor"
    return format_sddl(SecurityDescriptor.from_bytes(entry.security))


def letters(entry: Entry) -> str:
    """The attributes of an entry as letters."""
    assert entry.attributes is not None
    return attributes.letters(entry.attributes)
