# SPDX-License-Identifier: Apache-2.0
"""The names in an ``index.json``: how tags are kept in layouts and archives.

``org.opencontainers.image.ref.name`` holds the tag exactly as it was given (skopeo and podman compare it so);
``io.containerd.image.name`` holds the canonical full name where the tag is one, which is what ``docker load`` and
``ctr image import`` go by.
"""

from __future__ import annotations

import re
from dataclasses import replace

from ...errors import FormatError, NotFoundError, UsageError, quoted
from ...oci import Descriptor, Digest, Index, Reference, is_tag, media, parse
from ...oci.manifest import Manifest

REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


def full_name(tag: str) -> Reference | None:
    """The image name a tag is, or None when it is only a tag (``1``, ``latest``) or no name at all."""
    if not tag or is_tag(tag):
        return None
    try:
        return Reference.parse(tag).tagged()
    except UsageError:
        return None


def label(descriptor: Descriptor, tag: str) -> Descriptor:
    """The entry of ``index.json`` that gives ``descriptor`` a name; without one for ``""``."""
    kept = tuple(pair for pair in descriptor.annotations if pair[0] not in (REF_NAME, CONTAINERD_NAME))
    if not tag:
        return replace(descriptor, annotations=kept)
    name = full_name(tag)
    added = ((REF_NAME, tag),) + (((CONTAINERD_NAME, str(name)),) if name else ())
    return replace(descriptor, annotations=kept + added)


def tag_of(entry: Descriptor) -> str:
    """The tag an entry gives, ``""`` for none."""
    return entry.annotation(REF_NAME) or entry.annotation(CONTAINERD_NAME) or ""


def referrers_tag(digest: Digest) -> str:
    """The tag of the index of what is attached to a digest (distribution-spec "Referrers Tag Schema")."""
    return f"{digest.algorithm[:32]}-{digest.hex[:64]}"


def is_referrers_tag(tag: str) -> bool:
    """Whether a tag is one of :func:`referrers_tag`: no name that people gave."""
    return re.fullmatch(r"sha(256|384|512)-[0-9a-f]{64}", tag) is not None


def tags(index: Index) -> list[str]:
    """Every tag that is a name, sorted."""
    return sorted({tag for entry in index.manifests if (tag := tag_of(entry)) and not is_referrers_tag(tag)})


def pointed(index: Index, entry: Descriptor, tag: str) -> Index:
    """The index with ``tag`` pointing at ``entry``, away from where it pointed. An unnamed entry is listed once."""
    entry = label(entry, tag)
    kept = tuple(other for other in index.manifests
                 if (tag_of(other) != tag if tag else (tag_of(other), other.digest) != ("", entry.digest)))
    return replace(index, manifests=(*kept, entry))


def forgotten(index: Index, tag: str, *, what: str) -> Index:
    """The index without a tag. NotFoundError when it has none of that name."""
    kept = tuple(entry for entry in index.manifests if not tag or tag_of(entry) != tag)
    if len(kept) == len(index.manifests):
        raise missing(tag, tags(index), what=what)
    return replace(index, manifests=kept)


def find(index: Index, reference: str, *, what: str) -> Descriptor | None:
    """The entry a tag, a full name or a digest means; ``""`` means the only entry there is.

    None when a digest is not listed (it may still be a blob). NotFoundError when a tag is not there.
    """
    if not reference:
        entries = {entry.digest: entry for entry in index.manifests if not is_referrers_tag(tag_of(entry))}
        if len(entries) == 1:
            return _plain(next(iter(entries.values())))
        raise missing("", tags(index), what=what)
    for entry in index.manifests:
        if tag_of(entry) == reference:
            return _plain(entry)
    name = full_name(reference)
    if name is not None:
        for entry in index.manifests:
            if str(name) == entry.annotation(CONTAINERD_NAME) or (name.digest and name.digest == entry.digest):
                return _plain(entry)
    digest = as_digest(reference)
    if digest is None:
        raise missing(reference, tags(index), what=what)
    for entry in index.manifests:
        if entry.digest == digest:
            return _plain(entry)
    return None


def as_digest(text: str) -> Digest | None:
    """The digest a text is, None when it is none."""
    try:
        return Digest.parse(text)
    except FormatError:
        return None


def missing(reference: str, there: list[str], *, what: str) -> NotFoundError:
    """The error for a name that is not there."""
    listing = ", ".join(there[:8]) + (" …" if len(there) > 8 else "")
    if reference:
        return NotFoundError(f"no image {quoted(reference)} in {what}",
                             why=f"it has {listing}" if listing else "it is empty",
                             reference=reference)
    if not there:
        return NotFoundError(f"no image in {what}", why="it has none, or several without a name")
    return NotFoundError(f"{what} holds several images", why=f"it has {listing}", hint="name one of them")


def needed(data: bytes, media_type: str) -> list[Descriptor]:
    """What a manifest or index refers to and must be stored before it. Foreign layers live at their urls."""
    document = parse(data, media_type)
    if isinstance(document, Manifest):
        return [document.config, *(layer for layer in document.layers
                                   if not (layer.urls and media.is_foreign(layer.media_type)))]
    return list(document.manifests)


def _plain(entry: Descriptor) -> Descriptor:
    return label(entry, "")
