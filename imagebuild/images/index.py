# SPDX-License-Identifier: Apache-2.0
"""Many Windows versions under one name: make an index of images from anywhere, and edit one in its place.

What an entry says of its image is read from the image's config, not believed from where it was listed before. Images go
over first and the index last, so a name never points at an index with a hole.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace

from ..compat.advice import index_traps
from ..errors import NotFoundError, UsageError
from ..events import Event, Result, Warn
from ..oci import Descriptor, Index, Location, Manifest, Pairs, Platform, from_bytes, is_index, media, versions
from ..oci import parse as parse_manifest
from ..stores import Store
from .copy import copy, holds_indexes
from .library import Library


@dataclass(frozen=True, slots=True)
class Member:
    """An image on its way into an index: how people call it, who has it, what the index will say of it."""

    name: str
    store: Store
    location: Location
    entry: Descriptor


@dataclass(frozen=True, slots=True)
class Listed:
    """An index that was written, and what engines would trip over in it."""

    index: Index
    descriptor: Descriptor
    traps: tuple[versions.Trap, ...] = ()


def gather(library: Library, names: Iterable[str], *, any_version: bool = False, os_version: str | None = None,
           os_features: tuple[str, ...] | None = None) -> Generator[Event, None, list[Member]]:
    """The images that names mean, of an index all its images, each with the platform of its config.

    ``os_version`` and ``os_features`` overrule the configs. UsageError for a Windows image without os.version unless
    ``any_version``; a warning where an index said something else of an image than its config does.
    """
    out: list[Member] = []
    for name in names:
        store, location, descriptor = library.resolve(name)
        for entry in _entries(store, descriptor, name):
            if versions.is_image(entry) or entry.platform is None:
                platform, note = _platform(store, entry, name)
                if note:
                    yield Warn(note, where=name, code="config-differs")
                entry = replace(entry, platform=replace(
                    platform, os_version=platform.os_version if os_version is None else os_version,
                    os_features=platform.os_features if os_features is None else tuple(sorted(set(os_features)))))
                versions.check_entry(entry, name=name, any_version=any_version)
            out.append(Member(name, store, location, entry))
    return out


def create(library: Library, names: Iterable[str], target: Store, *, tag: str | None,
           family: versions.Family | None = None, replace_same: bool = False, any_version: bool = False,
           annotations: Pairs = (), foreign: bool = False, name: str = "") -> Iterator[Event]:
    """Make an index of the images that ``names`` mean, whatever their order, and call it ``tag`` in ``target``.

    Of an index all its images are taken. ``family`` is chosen as buildx does when it is ``None``. Ends with
    :class:`Listed`.
    """
    members = yield from gather(library, names, any_version=any_version)
    yield from _list(Index(), members, target, tag, family or versions.family_for(member.entry for member in members),
                     replace_same=replace_same, annotations=annotations, foreign=foreign, name=name)


def append(library: Library, index: Index, names: Iterable[str], target: Store, *, tag: str | None,
           family: versions.Family | None = None, replace_same: bool = False, any_version: bool = False,
           foreign: bool = False, name: str = "") -> Iterator[Event]:
    """Add images to ``index``, whose own are in ``target`` already. See :func:`create`."""
    members = yield from gather(library, names, any_version=any_version)
    kind = family or ("docker" if media.family_of(index.kind) == "docker" else "oci")
    yield from _list(index, members, target, tag, kind, replace_same=replace_same, foreign=foreign, name=name)


def edit(index: Index, target: Store, *, tag: str | None, change: Callable[[Index], Index],
         family: versions.Family | None = None, any_version: bool = False, name: str = "") -> Iterator[Event]:
    """Put a changed index in the place of one whose images are in ``target``. Ends with :class:`Listed`."""
    changed = change(index if family is None else versions.as_family(index, family))
    for entry in changed.manifests:
        if versions.is_image(entry) and entry not in index.manifests:
            versions.check_entry(entry, any_version=any_version)
    yield from _put(changed, target, tag, name)


def load_index(store: Store, descriptor: Descriptor, name: str) -> Index:
    """The index behind a descriptor; UsageError when it is one image."""
    if not is_index(descriptor.media_type):
        raise UsageError(f"{name} is one image, not an index", hint=f"wcow index create -t NAME {name} … makes one")
    index = parse_manifest(store.manifest(descriptor), descriptor.media_type, source=name)
    assert isinstance(index, Index)
    return index


def check_target(location: Location) -> None:
    """UsageError for a place that holds one image under a name."""
    if not holds_indexes(location):
        raise UsageError(f"{location} cannot hold an index", why="it holds one image under a name",
                         hint="use the local store, a registry (--push), oci:DIR or oci-archive:FILE")


def _list(index: Index, members: list[Member], target: Store, tag: str | None, family: versions.Family, *,
          replace_same: bool, annotations: Pairs = (), foreign: bool = False, name: str = "") -> Iterator[Event]:
    called = {member.entry.digest: member.name for member in members}
    made = versions.add(versions.as_family(index, family), [_plain(member.entry, family) for member in members],
                        replace_same=replace_same, names=lambda entry: called.get(entry.digest, str(entry.digest)))
    kept = {entry.digest for entry in made.manifests}
    orphans = [entry for entry in made.manifests if entry.annotation(versions.ATTESTATION_OF) not in (None, *kept)]
    made = versions.annotate_index(versions.remove(made, orphans), annotations)
    if family == "docker" and any(media.family_of(entry.media_type) == "oci" for entry in made.manifests):
        yield Warn("a docker manifest list with OCI images in it: old docker engines and registries refuse that",
                   code="mixed-types")
    kept = {entry.digest for entry in made.manifests}
    for member in members:
        if member.entry.digest in kept and member.store is not target:
            origin = member.location if member.location.transport == "docker" else None
            for event in copy(member.store, replace(member.entry, platform=None, annotations=()), target, tag=None,
                              name=member.name, foreign=foreign, origin=origin and _unnamed(origin)):
                if not isinstance(event, Result):
                    yield event
    yield from _put(made, target, tag, name)


def _put(index: Index, target: Store, tag: str | None, name: str) -> Iterator[Event]:
    if not index.manifests:
        raise UsageError(f"cannot write {name or 'an index'}", why="nothing would be in it",
                         hint="'wcow rm' takes a name away")
    descriptor = target.put_manifest(index.to_bytes(), index.kind, tag=tag)
    found = index_traps(index)
    for trap in found:
        yield Warn(trap.text, where=name, code=trap.code)
    yield Result(Listed(index, descriptor, found), {
        "name": name, "digest": str(descriptor.digest), "media_type": descriptor.media_type, "size": descriptor.size,
        "manifests": len(index.manifests)})


def _plain(entry: Descriptor, family: versions.Family) -> Descriptor:
    return replace(entry, annotations=(), artifact_type="") if family == "docker" else entry


def _unnamed(origin: Location) -> Location:
    assert origin.reference is not None
    return replace(origin, reference=replace(origin.reference, tag="", digest=None))


def _entries(store: Store, descriptor: Descriptor, name: str) -> list[Descriptor]:
    if not is_index(descriptor.media_type):
        return [replace(descriptor, annotations=(), platform=None)]
    index = load_index(store, descriptor, name)
    if not index.manifests:
        raise NotFoundError(f"{name} is an index with nothing in it", name=name)
    for entry in index.manifests:
        if is_index(entry.media_type):
            raise UsageError(f"cannot take the images of {name}", why="it has an index inside", name=name)
    return list(index.manifests)


def _platform(store: Store, entry: Descriptor, name: str) -> tuple[Platform, str]:
    """The platform that an image's config says, with what only its index knew; and a note where the two differ."""
    data = store.manifest(entry)
    manifest = Manifest.from_bytes(data, source=name)
    said, config = entry.platform or Platform(), from_bytes(data, store.manifest(manifest.config), source=name).config
    own = config.platform
    platform = Platform(own.os or said.os, own.architecture or said.architecture, own.os_version or said.os_version,
                        own.os_features or said.os_features, own.variant or said.variant, said.extra)
    if said.os_version and own.os_version and said.os_version != own.os_version:
        return platform, (f"its index calls {entry.digest[:19]} {said.os_version}, its config {own.os_version}: "
                          "the config is believed")
    return platform, ""


__all__ = ["Listed", "Member", "append", "check_target", "create", "edit", "gather", "load_index"]
