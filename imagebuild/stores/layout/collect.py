# SPDX-License-Identifier: Apache-2.0
"""Free what nothing refers to any more in a store that other processes are using (``decisions/0019``).

A blob lives while a name in ``index.json`` leads to it, a living process has it in its lease, or the caller wants it
kept. Names cannot change meanwhile (the lock); leases can, so a dead blob is first moved aside, the leases are read
again, and only then it is deleted or put back. A process that was killed in between leaves blobs aside, which the next
collection judges anew and which are found there until then.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import FormatError, IntegrityError, WcowError
from ...files import abandoned
from ...oci import MAX_SIZE, Descriptor, Digest, Manifest, is_index, is_manifest, parse
from . import names
from .files import size_of, translated, trouble
from .layout import LayoutStore
from .lease import leased


@dataclass(frozen=True, slots=True)
class Blob:
    """A blob as it lies on the disk; ``written`` is seconds since 1970."""

    digest: Digest
    size: int
    written: float


@dataclass(frozen=True, slots=True)
class Freed:
    """What was freed, or would be: blobs, drafts of dead processes (path and size), promises nobody needs."""

    blobs: tuple[Blob, ...] = ()
    drafts: tuple[tuple[Path, int], ...] = ()
    promises: int = 0

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(blob.size for blob in self.blobs) + sum(size for _unused, size in self.drafts)


def reach(store: LayoutStore, roots: Iterable[Descriptor], *, lenient: bool = False) -> dict[Digest, Descriptor]:
    """Everything that manifests and indexes lead to, themselves included, by digest.

    A document that is not here leads nowhere; one that is damaged is an IntegrityError, unless ``lenient``: what
    cannot be read does not say what it needs.
    """
    out: dict[Digest, Descriptor] = {}
    waiting = list(roots)
    while waiting:
        item = waiting.pop()
        if item.digest in out:
            continue
        out[item.digest] = item
        if item.media_type and not is_index(item.media_type) and not is_manifest(item.media_type):
            continue
        try:
            data = _document(store, item.digest, declared=bool(item.media_type))
            if data is not None:
                document = parse(data, item.media_type, source=str(item.digest))
                waiting += [document.config, *document.layers] if isinstance(document, Manifest) \
                    else list(document.manifests)
        except WcowError:
            if not lenient:
                raise
    return out


def living(store: LayoutStore) -> dict[Digest, Descriptor]:
    """What the names (and the unnamed entries) of a store lead to. IntegrityError when one cannot be read."""
    return reach(store, store.entries())


def relied_on(store: LayoutStore) -> set[Digest]:
    """What living processes rely on, and what that leads to."""
    found = leased(store.private / "leases")
    return set(reach(store, (Descriptor("", digest, 0) for digest in found), lenient=True))


def blobs(store: LayoutStore) -> Iterator[Blob]:
    """Every blob there is, in no order. StoreError for a folder that cannot be read: its blobs would count as none."""
    for folder in _listed(store.path / "blobs"):
        yield from _blobs_in(folder)


def collect(store: LayoutStore, *, only: Iterable[Digest] | None = None, keep: Iterable[Digest] = (),
            older_than: float = 0.0, dry_run: bool = False, now: Callable[[], float] = time.time) -> Freed:
    """Delete the blobs that nothing refers to, and drafts and leases of processes that are gone.

    ``only`` names the blobs to look at, all when ``None``; ``keep`` those to leave alone. ``older_than`` (seconds)
    spares what was written since. IntegrityError, and nothing is deleted, when a named image's manifest is damaged.
    ``dry_run`` tells what would go.
    """
    kept = set(keep)
    chosen = None if only is None else set(only)
    with store.locked():
        drafts = _sweep(store.private / "tmp", dry_run)
        if not dry_run:
            _unlist_orphans(store)
        alive = living(store).keys() | kept
        latest = now() - older_than
        spared = alive | relied_on(store)
        dead = [blob for blob in blobs(store) if blob.digest not in spared and blob.written <= latest
                and (chosen is None or blob.digest in chosen)]
        promises = _promises(store, spared) if chosen is None or chosen - spared else []
        if chosen is not None:
            promises = [(digest, path) for digest, path in promises if digest in chosen]
        if dry_run:
            return Freed(_sorted(dead), drafts, len(promises))
        for blob in dead:
            _aside(store, blob.digest)
        freed = _delete(store, alive, dead)
        return Freed(freed, drafts, sum(removed(path) for _unused, path in promises))


def removed(path: Path) -> bool:
    """Remove a file; whether it is gone. One that cannot be removed is not told as freed."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _aside(store: LayoutStore, digest: Digest) -> None:
    target = store.place.aside_path(digest)
    with suppress(OSError):  # on Windows a blob that is being read stays
        target.parent.mkdir(parents=True, exist_ok=True)
        store.place.blob_path(digest).replace(target)


def _delete(store: LayoutStore, alive: set[Digest], dead: list[Blob]) -> tuple[Blob, ...]:
    """Delete what lies aside (of a collection that was killed, too), and put back what is needed after all."""
    spared = alive | relied_on(store)  # a second time: what was claimed before a blob was moved stands there now
    gone: list[Blob] = []
    mine = {blob.digest: blob for blob in dead}
    for folder in _listed(store.private / "trash"):
        for blob in _blobs_in(folder):
            if blob.digest in spared:
                store.place.put_back(blob.digest)
                continue
            with suppress(OSError):
                store.place.aside_path(blob.digest).unlink()
                gone.append(mine.get(blob.digest, blob))
    return _sorted(gone)


def _unlist_orphans(store: LayoutStore) -> None:
    """Entries that only say something about an image (signatures and the like) go when that has gone."""
    while True:
        entries = store.entries()
        about = {number: subject for number, entry in enumerate(entries) if (subject := _about(store, entry))}
        if not about:
            return
        known = set(reach(store, (entry for number, entry in enumerate(entries) if number not in about)))
        known |= relied_on(store) | {entries[number].digest for number in about}
        subjects = {names.referrers_tag(digest) for digest in known}
        gone = [entries[number] for number, subject in about.items() if subject not in subjects]
        if not gone:
            return
        store.unlist(gone)


def _about(store: LayoutStore, entry: Descriptor) -> str:
    """Of which image an entry says something, as the tag for that; empty when it is one of its own."""
    tag = names.tag_of(entry)
    if tag:
        return tag if names.is_referrers_tag(tag) else ""
    with suppress(WcowError):
        data = _document(store, entry.digest)
        subject = None if data is None else parse(data, entry.media_type).subject
        return names.referrers_tag(subject.digest) if subject is not None else ""
    return ""


def _document(store: LayoutStore, digest: Digest, *, declared: bool = True) -> bytes | None:
    """A manifest or index, wherever it lies; None when it is not here. What is not ``declared`` to be one may be any
    blob: None, too, when it is no JSON. IntegrityError when it is not what its digest says; StoreError when it is here
    and cannot be read, for then it does not say what it needs."""
    for path in (store.place.blob_path(digest), store.place.aside_path(digest), store.place.blob_path(digest)):
        with suppress(FileNotFoundError), translated(f"cannot tell what is needed in {store.path}", missing=True):
            if (size := size_of(path)) is None or size > MAX_SIZE:
                continue
            with path.open("rb") as stream:
                data = stream.read(1)
                if not declared and data != b"{" and not data.isspace():
                    return None
                data += stream.read()
            hasher = digest.hasher()
            hasher.update(data)
            if hasher.hexdigest() == digest.hex:
                return data
            raise IntegrityError(f"cannot tell what is needed in {store.path}", why=f"the document {digest} of a named "
                                 "image is damaged, and does not say what it refers to",
                                 hint="'wcow images' shows which it is: pull or build it again, or remove its name",
                                 digest=digest)
    return None


def _sweep(folder: Path, dry_run: bool) -> tuple[tuple[Path, int], ...]:
    out: list[tuple[Path, int]] = []
    for path in sorted(_listed(folder)):
        if abandoned(path) and (size := size_of(path)) is not None and (dry_run or removed(path)):
            out.append((path, size))
    return tuple(out)


def _promises(store: LayoutStore, spared: set[Digest]) -> list[tuple[Digest, Path]]:
    return [(blob.digest, folder / blob.digest.hex) for folder in _listed(store.private / "origins")
            for blob in _blobs_in(folder) if blob.digest not in spared]


def _listed(folder: Path) -> list[Path]:
    """What is in a folder; nothing for one that is not there. StoreError for one that cannot be read."""
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise trouble(f"cannot read {folder}", error) from error


def _blobs_in(folder: Path) -> Iterator[Blob]:
    """The files of a folder that is called as an algorithm. StoreError."""
    for path in _listed(folder):
        with suppress(FileNotFoundError, FormatError), translated(f"cannot read {path}", missing=True):
            status = path.stat()
            yield Blob(Digest.parse(f"{folder.name}:{path.name}"), status.st_size, status.st_mtime)


def _sorted(found: Iterable[Blob]) -> tuple[Blob, ...]:
    return tuple(sorted(found, key=lambda blob: blob.digest))


__all__ = ["Blob", "Freed", "blobs", "collect", "living", "reach", "relied_on", "removed"]
