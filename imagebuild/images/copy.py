# SPDX-License-Identifier: Apache-2.0
"""Copy an image, or an index with all its images, from any store to any store.

Nothing is changed on the way, so every digest stays. Blobs go first, then configs and manifests, what is attached to
the image, the name last: who stops half-way leaves blobs that the next copy finds there, and never a name that points
at something incomplete.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field

from ..errors import IntegrityError, NotFoundError, UnsupportedError, UsageError
from ..events import Event, Result
from ..oci import Descriptor, Digest, Index, Location, Manifest, Platform, choose, is_foreign, is_index, is_manifest
from ..oci import parse as parse_manifest
from ..stores import ArchiveStore, DaemonStore, LayoutStore, RegistryStore, Store
from ..stores.registry.referrers import attach, referrers
from .blobs import Tally, move

MAX_DEPTH = 4
"""Indexes inside indexes; nobody makes more than one inside another."""
MAX_DOCUMENTS = 1000


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy did. ``descriptor`` is what the new name points at."""

    descriptor: Descriptor
    tally: Tally


@dataclass(slots=True)
class _Plan:
    """What has to go over: documents from the inside out, and the blobs they speak of, each once."""

    documents: list[tuple[Descriptor, bytes]] = field(default_factory=list)
    attached: list[tuple[Descriptor, bytes]] = field(default_factory=list)
    blobs: dict[str, Descriptor] = field(default_factory=dict)


def copy(source: Store, descriptor: Descriptor, target: Store, *, tag: str | None, name: str = "",
         platform: Platform | None = None, whole: bool = True, foreign: bool = False, origin: Location | None = None,
         digest: Digest | None = None, attached: bool = False,
         threads: int | None = None) -> Generator[Event, None, None]:
    """Copy what ``descriptor`` names, and call it ``tag`` in the target (``None``: no name, its digest will do).

    Of an index, everything goes over; with ``platform`` only the one image that fits, and so for a target that cannot
    hold an index (``whole`` false: docker archives, the docker daemon), where more than one that fits is a UsageError.
    Foreign layers, which have ``urls``, are not pushed to a registry unless ``foreign``. A layout on either
    side remembers that the blobs can be had at ``origin``, so that a later push to that registry need not move them.
    With ``attached``, the artefacts attached to what is copied go too: signatures, SBOMs, provenance.
    With ``digest``, UsageError before anything is written unless that is what would be copied. The first error stops
    all transfers. Ends with :class:`Copied`.
    """
    if is_index(descriptor.media_type) and (platform is not None or not whole):
        descriptor = pick(source, descriptor, platform or Platform("windows", "amd64"), name=name, only=not whole)
    if digest is not None and digest != descriptor.digest:
        raise UsageError(f"cannot copy {name or descriptor.digest} to {digest}",
                         why=f"the digest of the image is {descriptor.digest}", hint="give a tag, or that digest")
    plan = _Plan()
    _collect(plan, source, target, descriptor, name, foreign, 0)
    if attached:
        _collect_attached(plan, source, target, name)
    tally = yield from move(source, target, list(plan.blobs.values()), threads=threads or _threads(target))
    for document, data in plan.documents[:-1]:
        _put(target, document, data, None)
    if plan.attached:
        _put(target, *plan.documents[-1], None)  # a registry may want to see it before what is attached to it
        for document, data in plan.attached:
            attach(target, data, document.media_type)
    _put(target, *plan.documents[-1], tag)
    for store in (source, target):
        if origin is not None and isinstance(store, LayoutStore):
            for blob in plan.blobs.values():
                store.remember_origin(blob.digest, origin)
    copied = Copied(descriptor, tally)
    yield Result(copied, {"name": name, "digest": str(descriptor.digest), "media_type": descriptor.media_type,
                          "size": descriptor.size, "blobs": tally.facts()})


def pick(store: Store, descriptor: Descriptor, platform: Platform, *, name: str = "", only: bool = False,
         ) -> Descriptor:
    """The first image of an index that fits ``platform``, as docker takes it. NotFoundError when none does; with
    ``only``, UsageError when several do."""
    index = parse_manifest(store.manifest(descriptor), descriptor.media_type, source=name or str(descriptor.digest))
    assert isinstance(index, Index)
    fitting = choose(index, platform.os, platform.architecture, platform.os_version or None)
    what = name or f"index {descriptor.digest}"
    if not fitting:
        raise NotFoundError(f"{what} has no image for {platform}",
                            why=f"its index offers {platforms(index)}",
                            hint="choose one of these with --platform or --os-version", name=name)
    if only and len({entry.digest for entry in fitting}) > 1:
        offered = ", ".join(entry.platform.os_version or "any" for entry in fitting if entry.platform)
        raise UsageError(f"cannot copy all of {what} there", why=f"it is an index with images for {offered}, and the "
                         "target holds one image under a name", hint="choose one with --os-version")
    return fitting[0]


def platforms(index: Index) -> str:
    """The platforms of an index for people."""
    texts = [str(entry.platform) for entry in index.manifests if entry.platform and entry.platform.os != "unknown"]
    return ", ".join(texts) or "no platform at all"


def holds_indexes(location: Location) -> bool:
    """Whether a place of this kind can hold an index under one name."""
    return location.transport not in ("docker-archive", "docker-daemon")


def _threads(target: Store) -> int:
    # One after the other into a tar: what waits for its turn would be written twice, and the order would be chance.
    return 1 if isinstance(target, (ArchiveStore, DaemonStore)) else 3


def _collect(plan: _Plan, source: Store, target: Store, descriptor: Descriptor, name: str, foreign: bool,
             depth: int) -> None:
    if depth > MAX_DEPTH or len(plan.documents) >= MAX_DOCUMENTS:
        raise UnsupportedError(f"cannot copy {name or descriptor.digest}",
                               why=f"its index goes deeper than {MAX_DEPTH} levels" if depth > MAX_DEPTH else
                               f"it holds more than {MAX_DOCUMENTS} images")
    if any(known.digest == descriptor.digest for known, _unused in plan.documents):
        return
    data = source.manifest(descriptor)
    document = parse_manifest(data, descriptor.media_type, source=name or str(descriptor.digest))
    if isinstance(document, Index):
        for entry in document.manifests:
            if is_index(entry.media_type) or is_manifest(entry.media_type):
                _collect(plan, source, target, entry, name, foreign, depth + 1)
            else:
                plan.blobs.setdefault(entry.digest, entry)
    else:
        _collect_blobs(plan, source, target, document, foreign)
    plan.documents.append((descriptor, data))


def _collect_blobs(plan: _Plan, source: Store, target: Store, manifest: Manifest, foreign: bool) -> None:
    for blob in (*manifest.layers, manifest.config):
        if blob.urls and is_foreign(blob.media_type):
            # What its owner does not let others hand out stays where its urls say, unless the user knows better.
            if isinstance(target, RegistryStore) and not foreign:
                continue
            # Only a registry's store follows urls; whoever made this folder or archive did without the layer.
            if not isinstance(source, RegistryStore) and not source.has_blob(blob):
                continue
        plan.blobs.setdefault(blob.digest, blob)


def _collect_attached(plan: _Plan, source: Store, target: Store, name: str) -> None:
    """The artefacts of every document of the plan, and theirs (a signature of an SBOM)."""
    todo = [(document, 0) for document, _unused in plan.documents]
    known = {document.digest for document, _unused in todo}
    while todo:
        subject, depth = todo.pop(0)
        for entry in referrers(source, subject):
            if entry.digest in known:
                continue
            if depth >= MAX_DEPTH or len(plan.attached) >= MAX_DOCUMENTS:
                raise UnsupportedError(f"cannot copy all that is attached to {name or subject.digest}",
                                       why=f"it is more than {MAX_DOCUMENTS} artefacts, or {MAX_DEPTH} levels of them")
            known.add(entry.digest)
            data = source.manifest(entry)
            document = parse_manifest(data, entry.media_type, source=str(entry.digest))
            if isinstance(document, Index):
                raise UnsupportedError(f"cannot copy {entry.digest}, which is attached to {name or subject.digest}",
                                       why="it is an index, not the manifest of an artefact")
            _collect_blobs(plan, source, target, document, True)
            plan.attached.append((entry, data))
            todo.append((entry, depth + 1))


def _put(target: Store, document: Descriptor, data: bytes, tag: str | None) -> None:
    put = target.put_manifest(data, document.media_type, tag=tag)
    if put.digest != document.digest and document.digest.algorithm == put.digest.algorithm:
        raise IntegrityError(f"{document.digest} arrived as {put.digest}", expected=document.digest, found=put.digest)


__all__ = ["Copied", "Tally", "copy", "holds_indexes", "pick", "platforms"]
