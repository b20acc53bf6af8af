# SPDX-License-Identifier: Apache-2.0
"""What the local store and the caches take, and freeing what nobody needs: ``rm``, ``system df``, ``system prune``.

Three things are told apart. What a name leads to is never freed. The layers of build steps that no image has (stages,
images that were built again) are the build's cache, and go with ``everything``. The rest is rubbish.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, NotFoundError, WcowError
from ..oci import Config, Descriptor, Digest, Reference, is_layer, media
from ..stores import LayoutStore
from ..stores.layout.collect import Freed, blobs, collect, living, reach, relied_on, removed
from ..stores.layout.files import lost_drafts
from ..stores.layout.names import is_referrers_tag, tag_of
from .local import missing_image
from .put import Layer

DRAFT_SECONDS = 24 * 3600
"""A half-written file of a cache that nobody has written to for this long belongs to a process that is gone."""
FRESH_SECONDS = 60
"""A cache file that was used this recently is left alone: somebody may be about to open it."""

ReadStep = Callable[[Path], Layer | None]
"""Reads the record of a build step; ``None`` for a damaged one."""


@dataclass(frozen=True, slots=True)
class Caches:
    """Where caches are: indexes of layers, records of build steps, what is known of the files of build contexts."""

    indexes: Path
    steps: Path
    stat: Path
    read_step: ReadStep


@dataclass(frozen=True, slots=True)
class CacheFile:
    """A file of a cache. ``used`` is when it was last used, in seconds since 1970."""

    path: Path
    size: int
    used: float


@dataclass(frozen=True, slots=True)
class Removed:
    """What ``rm`` did: the names it took away and what that freed; ``problem`` says why nothing could be freed."""

    names: tuple[str, ...]
    freed: Freed = field(default_factory=Freed)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What ``prune`` freed, or would free."""

    freed: Freed
    caches: dict[str, tuple[CacheFile, ...]] = field(default_factory=dict)
    archives: tuple[CacheFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes."""
        return self.freed.size + sum(file.size for files in (*self.caches.values(), self.archives) for file in files)

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"size": self.size, "blobs": blob_facts(self.freed), "drafts": [str(path) for path, _unused in
                                                                               self.freed.drafts],
                "promises": self.freed.promises, "archive_drafts": [str(file.path) for file in self.archives],
                "caches": {name: {"count": len(files), "size": sum(file.size for file in files)}
                           for name, files in self.caches.items()}}


def remove_images(store: LayoutStore, texts: Iterable[str], *, keep_blobs: bool = False) -> Removed:
    """Take names away and free what only they led to. A digest means every name of that image.

    All are looked up first: NotFoundError leaves everything as it was. Blobs that another name leads to stay, and those
    a running process relies on; so do layers of other builds, whoever they belong to (``prune`` frees those).
    """
    entries = store.entries()
    gone: list[Descriptor] = []
    for text in texts:
        found = _entries_of(text, entries)
        if not found:
            raise missing_image(text, sorted({tag_of(entry) for entry in entries if _is_name(tag_of(entry))}))
        gone += [entry for entry in found if entry not in gone]
    led_to = {} if keep_blobs else reach(store, gone, lenient=True)
    for entry in gone:
        with suppress(NotFoundError):  # another process was quicker
            if tag_of(entry):
                store.untag(tag_of(entry))
    names = tuple(tag_of(entry) or str(entry.digest) for entry in gone)
    if keep_blobs:
        return Removed(names)
    try:
        return Removed(names, collect(store, only=led_to))
    except IntegrityError as error:
        return Removed(names, problem=str(error))


def prune(store: LayoutStore, caches: Caches, *, everything: bool = False, older_than: float = 0.0,
          dry_run: bool = False, archives_in: Iterable[Path] = (), now: Callable[[], float] = time.time) -> Pruned:
    """Free what no name leads to and no running process relies on, and caches that help nobody any more.

    Without ``everything``, layers that a build step would find again stay, and caches of what is still there.
    ``older_than`` (seconds) spares what was written or used since. ``archives_in`` are folders where archives were
    being written by processes that died. IntegrityError when a named image is damaged.
    """
    latest = now() - older_than
    steps = _steps(caches)
    kept_steps = [step for step in steps if step.layer is not None and not (everything and step.file.used <= latest)]
    freed = collect(store, keep=[step.layer.descriptor.digest for step in kept_steps if step.layer],
                    older_than=older_than, dry_run=dry_run, now=now)
    here = {blob.digest for blob in blobs(store)} - ({blob.digest for blob in freed.blobs} if dry_run else set())
    kept = [step for step in kept_steps if step.layer and step.layer.descriptor.digest in here]
    useful = _diff_ids(store) | {step.layer.diff_id.hex for step in kept if step.layer}
    old = min(latest, now() - FRESH_SECONDS)
    gone: dict[str, list[CacheFile]] = {"steps": [], "indexes": [], "stat": [], "drafts": []}
    gone["steps"] = [step.file for step in steps if step not in kept and step.file.used <= old]
    if everything and not kept:  # what else is noted about steps (builder/cache/cache.py) is of use while there is any
        gone["steps"] += [file for file in _files(caches.steps) if not _is_record(file.path) and file.used <= old
                          and not file.path.name.startswith(".")]
    for file in _files(caches.indexes):
        if file.path.suffix == ".idx":
            if file.used <= old and (everything or file.path.stem.removesuffix("-linux") not in useful):
                gone["indexes"].append(file)
        elif file.used <= now() - DRAFT_SECONDS:
            gone["drafts"].append(file)
    for file in _files(caches.stat):
        if not file.path.name.startswith("."):
            gone["stat"] += [file] if everything and file.used <= old else []
        elif file.used <= now() - DRAFT_SECONDS:
            gone["drafts"].append(file)
    gone["drafts"] += [file for file in _files(caches.steps) if file.path.name.startswith(".")
                       and file.used <= now() - DRAFT_SECONDS]
    archives = [_file(path) for folder in archives_in for path in lost_drafts(folder)]
    if not dry_run:
        gone = {name: [file for file in files if removed(file.path)] for name, files in gone.items()}
        archives = [file for file in archives if removed(file.path)]
    return Pruned(freed, {name: tuple(files) for name, files in gone.items()}, tuple(archives))


def usage(store: LayoutStore, caches: Caches) -> dict[str, Any]:
    """What takes how much room, as plain facts: layers (of one image, shared, of build steps), rubbish, caches."""
    on_disk = {blob.digest: blob for blob in blobs(store)}
    entries = [entry for entry in store.entries() if _is_name(tag_of(entry))]
    images = {entry.digest: entry for entry in entries}
    needs = {digest: reach(store, [entry], lenient=True) for digest, entry in images.items()}
    users: dict[Digest, int] = {}
    for found in needs.values():
        for digest, item in found.items():
            if is_layer(item.media_type):
                users[digest] = users.get(digest, 0) + 1
    try:
        alive, problem = set(living(store)), ""
    except WcowError as error:
        alive, problem = {digest for found in needs.values() for digest in found}, str(error)
    steps = _steps(caches)
    cached = {step.layer.descriptor.digest for step in steps if step.layer} - alive
    in_use = relied_on(store) - alive - cached
    rest = [blob for digest, blob in on_disk.items() if digest not in alive | cached | in_use]

    def total(digests: Iterable[Digest]) -> dict[str, int]:
        found = [on_disk[digest] for digest in digests if digest in on_disk]
        return {"count": len(found), "size": sum(blob.size for blob in found)}

    def own(digest: Digest, shared: bool) -> int:
        return total(item for item in needs[digest] if item in users and (users[item] > 1) == shared)["size"]

    return {
        "store": str(store.path), "problem": problem,
        "images": [{"name": tag_of(entry), "digest": str(entry.digest), "shared": own(entry.digest, True),
                    "unique": own(entry.digest, False)} for entry in sorted(entries, key=tag_of)],
        "names": len(entries),
        "layers": {"unique": total(digest for digest, count in users.items() if count == 1),
                   "shared": total(digest for digest, count in users.items() if count > 1),
                   "promised": len([digest for digest in users if digest not in on_disk])},
        "documents": total(digest for digest in alive if digest not in users),
        "build_cache": total(cached), "in_use": total(in_use),
        "unreferenced": {"count": len(rest), "size": sum(blob.size for blob in rest)},
        "drafts": _sum(_files(store.private / "tmp")),
        "caches": {"indexes": _sum(_files(caches.indexes)), "steps": _sum(_files(caches.steps)),
                   "stat": _sum(_files(caches.stat))},
    }


def blob_facts(freed: Freed) -> list[dict[str, Any]]:
    """Freed blobs for JSON."""
    return [{"digest": str(blob.digest), "size": blob.size} for blob in freed.blobs]


@dataclass(frozen=True, slots=True)
class _Step:
    file: CacheFile
    layer: Layer | None


def _steps(caches: Caches) -> list[_Step]:
    return [_Step(file, caches.read_step(file.path)) for file in _files(caches.steps)
            if _is_record(file.path)]


def _is_record(path: Path) -> bool:
    return re.fullmatch(r"[0-9a-f]{64}", path.name) is not None


def _entries_of(text: str, entries: tuple[Descriptor, ...]) -> list[Descriptor]:
    if text.startswith(("sha256:", "sha384:", "sha512:")):
        return [entry for entry in entries if entry.digest == text and tag_of(entry)]
    full = str(Reference.parse(text).tagged())
    return [entry for entry in entries if tag_of(entry) == full]


def _is_name(tag: str) -> bool:
    return bool(tag) and not is_referrers_tag(tag)


def _diff_ids(store: LayoutStore) -> set[str]:
    """The hex of the diff ids of all named images."""
    out: set[str] = set()
    for item in living(store).values():
        if media.is_config(item.media_type):
            with suppress(WcowError):
                out.update(diff_id.hex for diff_id in Config.from_bytes(store.manifest(item)).diff_ids)
    return out


def _files(folder: Path) -> list[CacheFile]:
    out: list[CacheFile] = []
    with suppress(OSError):  # a cache that is not there, or a file that has just gone, takes no room
        for path in sorted(folder.iterdir()):
            with suppress(OSError):  # a cache that is not there, or a file that has just gone, takes no room
                if path.is_file():
                    out.append(_file(path))
    return out


def _file(path: Path) -> CacheFile:
    try:
        status = path.stat()
    except OSError:  # just gone: it takes no room
        return CacheFile(path, 0, 0.0)
    return CacheFile(path, status.st_size, status.st_mtime)


def _sum(files: list[CacheFile]) -> dict[str, int]:
    return {"count": len(files), "size": sum(file.size for file in files)}


__all__ = ["CacheFile", "Caches", "Pruned", "Removed", "blob_facts", "prune", "remove_images", "usage"]
