# SPDX-License-Identifier: Apache-2.0
"""One Dockerfile, every Windows version: a build for each, and one index over them.

The builds share all that does not depend on the version: the context is read once, equal layers are one layer, and
layers that differ only in the folders they copy from their base share their compressed end.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

from ..errors import UsageError
from ..events import Event, Result, Warn
from ..images.library import Found
from ..oci import Descriptor, Index, media
from ..oci.versions import add
from .execute.execute import Build, Built, Shared, Workshop
from .request import BuildRequest

ALL = "all"
"""The ``--os-version`` that means every version the base has."""


@dataclass(frozen=True, slots=True)
class BuiltIndex:
    """What a build for many versions made: the index, and the images in it, highest version first."""

    index: Index
    descriptor: Descriptor
    builds: tuple[Built, ...]


def build_many(request: BuildRequest, shop: Workshop, platforms: tuple[str, ...],
               versions: tuple[str, ...]) -> Iterator[Event]:
    """Build for every platform and every Windows version; the result is a :class:`BuiltIndex`, unnamed.

    ``platforms`` empty is the request's own; ``versions`` is a list of ``10.0.BUILD[.REVISION]``, or ``("all",)`` for
    those that the base's index lists. Each image is the one that a build for it alone would make.
    """
    with ExitStack() as stack:
        shared = Shared.open(request, shop, stack)
        wanted: list[BuildRequest] = []
        for platform in platforms or (request.platform,):
            one = replace(request, platform=platform, os_version=None)
            found = (yield from _versions(Build(one, shop, shared))) if versions == (ALL,) else versions
            wanted += [replace(one, os_version=version) for version in found or (None,)]
        builds: list[Built] = []
        said: set[tuple[str, str]] = set()
        for one in wanted:
            events = Build(one, shop, shared).run()
            while True:
                try:
                    event = next(events)
                except StopIteration as end:
                    builds.append(end.value)
                    break
                if isinstance(event, Warn):  # the same Dockerfile says the same thing again
                    if (event.where, event.text) in said:
                        continue
                    said.add((event.where, event.text))
                yield event
        index = add(Index(manifests=(), media_type=media.OCI_INDEX, annotations=request.annotations),
                    [built.image.index_entry() for built in builds])
        descriptor = shop.library.local.put_manifest(index.to_bytes(), index.kind)
        by_digest = {built.descriptor.digest: built for built in builds}
        ordered = tuple(by_digest[entry.digest] for entry in index.manifests)
        yield Result(BuiltIndex(index, descriptor, ordered), {
            "digest": str(descriptor.digest),
            "images": [{"platform": str(entry.platform), "digest": str(entry.digest)} for entry in index.manifests]})


def _versions(build: Build) -> Generator[Event, None, tuple[str, ...]]:
    """The Windows versions that the image's base comes in."""
    asking = build.base()
    while True:
        try:
            event = next(asking)
        except StopIteration as end:
            base: Found | None = end.value
            break
        if not isinstance(event, Warn):  # the builds themselves will say it
            yield event
    if base is None:  # pylint: disable=used-before-assignment
        raise UsageError("cannot build for all Windows versions", why="the image is FROM scratch, which has none",
                         hint="--os-version 10.0.20348.1,10.0.26100.1 names them")
    versions = [entry.platform.os_version for entry in base.choices if entry.platform and entry.platform.os_version]
    versions = versions or [base.image.config.os_version]
    if not all(versions):
        raise UsageError("cannot build for all Windows versions", why=f"{base.name} does not say which it is for",
                         hint="build without --os-version")
    return tuple(dict.fromkeys(versions))
