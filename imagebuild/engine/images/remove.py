# SPDX-License-Identifier: Apache-2.0
"""Names and images go: ``docker rmi``, ``docker image prune``; and one more name, ``docker tag``.

The order of what is asked, and every sentence, is that of moby ``daemon/images/image_delete.go`` and
``image_prune.go``.
"""

from __future__ import annotations

import time
from dataclasses import replace

from ...dockerapi import faults
from ...dockerapi.duration import moment_text
from ...dockerapi.filters import Filters
from ...dockerapi.shapes import ImageDeleted, ImagesPruned
from ...oci import Digest, Reference
from .collection import Images
from .layers import chain_ids, layer_sizes
from .listing import moment_of, until_of
from .names import named, short
from .store import Kept

PRUNE_FILTERS = ("dangling", "label", "label!", "until")


def tag(images: Images, reference: str, name: Reference | None) -> None:
    """Give an image one more name; an image that had it loses it. BadRequest for a bad name, NotFound."""
    if name is None:
        raise faults.BadRequest("invalid reference format")
    if name.familiar.partition(":")[0] == "sha256":
        raise faults.BadRequest("refusing to create an ambiguous tag using digest algorithm as name")
    kept = images.get(reference)
    with images.shelf.writing() as store:
        images.shelf.keep(store, kept.descriptor, [name], moment=moment_text(time.time_ns()))
    images.tell_of("tag", kept, name.familiar)


def remove(images: Images, reference: str, *, force: bool = False, prune: bool = True) -> list[ImageDeleted]:
    """Take a name away, or an image by its id; the image goes with its last name. Conflict while it is used.

    ``prune`` lets parents without names go too.
    """
    with images.shelf.lock:
        kept = images.get(reference)
        records: list[ImageDeleted] = []
        if _is_id(kept.id, reference):
            if _is_single(kept):
                _check(images, kept, soft=not force, names=False)
                for name in kept.names:
                    kept = _untag(images, kept, name, records)
            _delete(images, kept, records, force=force, prune=prune, quiet=False)
            images.clear_unpacked()
            return records
        _remove_name(images, kept, reference, records, force=force)
        kept = images.shelf.all()[kept.id]
        if not kept.names:
            _delete(images, kept, records, force=force, prune=prune, quiet=True)
            images.clear_unpacked()
        return records


def prune(images: Images, filters: Filters) -> ImagesPruned:
    """Remove images that nobody uses: those without a tag, with ``dangling=false`` all. Conflict while another prunes.
    """
    if not images.pruning.acquire(blocking=False):
        raise faults.Conflict("a prune operation is already running")
    try:
        dangling = filters.check(PRUNE_FILTERS).flag("dangling", True)
        if len(filters.get("until")) > 1:
            raise faults.BadRequest("more than one until filter specified")
        until = until_of(filters.get("until"))
        sizes = layer_sizes(images.shelf)
        gone: list[ImageDeleted] = []
        for kept in tuple(images.shelf.all().values()):
            if not _may_prune(images, kept, filters, until) or (dangling and kept.tags):
                continue
            for text in [str(name) for name in kept.names] or [kept.id.hex]:
                try:
                    gone += remove(images, text)
                except (faults.Conflict, faults.NotFound):
                    continue
        freed = sum(sizes[Digest(item.deleted)][0] for item in gone if item.deleted in sizes)
        images.tell("prune", "", reclaimed=str(freed))
        return ImagesPruned(deleted=tuple(gone) or None, space_reclaimed=freed)
    finally:
        images.pruning.release()


def _may_prune(images: Images, kept: Kept, filters: Filters, until: int | None) -> bool:
    if not kept.names and images.shelf.children(kept.id):
        return False
    created = moment_of(kept.image.config.created)
    if until is not None and (created is None or created > until):
        return False
    labels = dict(kept.image.config.run.labels)
    return filters.labels(labels) and filters.without_labels(labels, "label!")


def _remove_name(images: Images, kept: Kept, reference: str, records: list[ImageDeleted], *, force: bool) -> None:
    users = images.users(kept.id)
    if users and not force and _is_single(kept):
        raise faults.Conflict(f'conflict: unable to remove repository reference "{reference}" (must force) - container '
                              f"{short(users[0])} is using its referenced image {short(kept.id)}")
    name = named(reference).tagged()
    if name.digest is not None:
        name = replace(name, tag="")
    kept = _untag(images, kept, name, records)
    if name.digest is None and not any(_same_repository(name, other) for other in kept.tags):
        for other in kept.digests:
            if _same_repository(name, other):
                kept = _untag(images, kept, other, records)


def _untag(images: Images, kept: Kept, name: Reference, records: list[ImageDeleted]) -> Kept:
    images.shelf.untag(kept, name)
    images.tell_of("untag", kept)
    records.append(ImageDeleted(untagged=name.familiar))
    return images.shelf.all()[kept.id]


def _delete(images: Images, kept: Kept, records: list[ImageDeleted], *, force: bool, prune: bool, quiet: bool) -> None:
    try:
        _check(images, kept, soft=not force)
    except _Refused as refused:
        if quiet and (kept.names or images.shelf.children(kept.id) or refused.used):
            return
        raise
    for name in kept.names:
        kept = _untag(images, kept, name, records)
    chains = chain_ids(kept.image.diff_ids)
    images.shelf.remove(kept)
    left = layer_sizes(images.shelf)
    images.tell_of("delete", kept)
    records.append(ImageDeleted(deleted=kept.id))
    records += [ImageDeleted(deleted=chain) for chain in reversed(chains) if chain not in left]
    parent = images.shelf.all().get(Digest(kept.parent)) if kept.parent else None
    if prune and parent is not None:
        _delete(images, parent, records, force=False, prune=True, quiet=True)


class _Refused(faults.Conflict):
    """Something stands on the image; ``used`` when that is a container."""

    used = False


def _check(images: Images, kept: Kept, *, soft: bool, names: bool = True) -> None:
    """Conflict for what forbids removal: hard reasons always, soft ones unless it is forced."""
    users = images.users(kept.id)
    running = next((user for user in users if images.running(user)), "")
    if images.shelf.children(kept.id):
        raise _refused(kept, "cannot be forced", "image has dependent child images")
    if running:
        raise _refused(kept, "cannot be forced", f"image is being used by running container {short(running)}",
                       used=True)
    if soft and names and kept.names:
        raise _refused(kept, "must be forced", "image is referenced in multiple repositories")
    if soft and users:
        raise _refused(kept, "must be forced", f"image is being used by stopped container {short(users[0])}", used=True)


def _refused(kept: Kept, how: str, why: str, *, used: bool = False) -> _Refused:
    out = _Refused(f"conflict: unable to delete {short(kept.id)} ({how}) - {why}")
    out.used = used
    return out


def _is_id(identifier: Digest, reference: str) -> bool:
    return identifier.startswith(reference) or identifier.hex.startswith(reference)


def _is_single(kept: Kept) -> bool:
    """Whether all names are of one repository and at most one is a tag; not so without names."""
    if len(kept.names) <= 1:
        return len(kept.names) == 1
    if len(kept.tags) > 1:
        return False
    repositories = {name.repository for name in kept.digests}
    return repositories == {kept.names[0].repository}


def _same_repository(one: Reference, other: Reference) -> bool:
    return one.repository == other.repository


__all__ = ["prune", "remove", "tag"]
