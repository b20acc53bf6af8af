# SPDX-License-Identifier: Apache-2.0
"""Writes one tar that is an OCI layout and a ``docker save`` archive at once.

Blobs stream straight to the tar's end: a header's place is left free and filled in when size and digest are known.
One blob at a time can do that; others written meanwhile wait in a file of their own. The file has another name until
it is whole.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import UnsupportedError
from ...files import Draft
from ...oci import Config, Descriptor, Digest, Index, Manifest, media, parse
from ..layout import names
from ..layout.files import check_size, lost_drafts, translated, trouble
from . import tarscan
from .read import Contents, open_slice

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_END = bytes(2 * tarscan.BLOCK)
_COPY = 1 << 20


class ArchiveDraft:
    """The archive being written, next to where it will be. ``contents`` tells what it has so far."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.contents = Contents(Index())
        self._what = f"cannot write archive {path}"
        self._lock = threading.RLock()
        self._owner: ArchiveBlob | None = None
        self._parked: dict[Digest, Draft] = {}
        for lost in lost_drafts(path.parent, path.name):
            with suppress(OSError):  # left for 'wcow system prune'
                lost.unlink()
        with translated(self._what):
            self._draft = Draft(path.parent, prefix=f".{path.name[:80]}.")
        self._end = 0
        with translated(self._what):
            for folder in ("blobs/", "blobs/sha256/"):  # for readers that do not make parents themselves
                self._put(tarscan.header(folder, 0, folder=True))

    def new_blob(self) -> ArchiveBlob:
        """A blob to be written."""
        return ArchiveBlob(self)

    def put(self, name: str, data: bytes) -> None:
        """A small member."""
        with self._lock, translated(self._what):
            self._put(tarscan.header(name, len(data)) + data + tarscan.padding(len(data)))

    def finish(self) -> None:
        """Write the tables and give the file its name."""
        with self._lock, translated(self._what):
            self._append_parked()
        self.put("oci-layout", _LAYOUT)
        self.put("index.json", self.contents.index.to_bytes())
        self.put("manifest.json", json.dumps(_docker_table(self), separators=(",", ":")).encode())
        with translated(self._what):
            self._put(_END)
            self._draft.keep(self.path)

    def discard(self) -> None:
        """Remove what was written. Safe to call after :meth:`finish`."""
        for draft in (self._draft, *self._parked.values()):
            draft.discard()

    def size_of(self, digest: Digest) -> int | None:
        """The size of a blob that is in the archive already."""
        with self._lock:
            parked = self._parked.get(digest)
            if parked is not None:
                return parked.size
            place = self.contents.blobs.get(digest)
            return place[1] if place else None

    def open(self, digest: Digest, *, offset: int = 0) -> BinaryIO:
        """The bytes of a blob that is in the archive already. KeyError if it is not."""
        what = f"archive {self.path}"
        with self._lock:
            parked = self._parked.get(digest)
            if parked is not None:
                return open_slice(parked.path, (0, parked.size), offset=offset, what=what)
            return open_slice(self._draft.path, self.contents.blobs[digest], offset=offset, what=what)

    def read(self, digest: Digest) -> bytes:
        """A small blob that is in the archive already."""
        with self.open(digest) as stream:
            return stream.read()

    # --- for blobs ------------------------------------------------------------------------------------------------

    def claim(self, blob: ArchiveBlob) -> int | None:
        """The offset of the tar's end, for ``blob`` alone until it lets go; None when another has it."""
        with self._lock:
            if self._owner is not None:
                return None
            self._owner = blob
            return self._end

    def release(self, blob: ArchiveBlob) -> None:
        """Cut off what ``blob`` wrote and did not commit, and let others write."""
        with self._lock:
            if self._owner is blob:
                self._owner = None
                with translated(self._what):
                    os.ftruncate(self._draft.fileno(), self._end)

    def write_at(self, offset: int, data: bytes | bytearray | memoryview) -> None:
        """Write at a place (the owner's business)."""
        fd = self._draft.fileno()
        with self._lock:
            os.lseek(fd, offset, os.SEEK_SET)
            self._draft.write(data)

    def seal(self, blob: ArchiveBlob, digest: Digest, begin: int, size: int) -> None:
        """Fill in the header before the owner's bytes; from now on they are part of the archive."""
        with self._lock:
            if digest not in self.contents.blobs:
                self.write_at(begin, tarscan.header(_blob_name(digest), size))
                self.write_at(begin + tarscan.BLOCK + size, tarscan.padding(size))
                self._end = begin + tarscan.BLOCK + size + len(tarscan.padding(size))
                self.contents.blobs[digest] = (begin + tarscan.BLOCK, size)
            self._owner = None
            os.ftruncate(self._draft.fileno(), self._end)

    def park(self, draft: Draft, digest: Digest) -> None:
        """Keep a blob that was written to a file of its own; it is appended at the end."""
        with self._lock:
            if digest in self.contents.blobs or digest in self._parked:
                draft.discard()
            else:
                self._parked[digest] = draft

    def spare(self) -> Draft:
        """A file of its own for a blob that cannot have the tar's end."""
        return Draft(self.path.parent, prefix=f".{self.path.name[:80]}.")

    def _append_parked(self) -> None:
        for digest, draft in sorted(self._parked.items()):
            size = os.lseek(draft.fileno(), 0, os.SEEK_END)
            os.lseek(draft.fileno(), 0, os.SEEK_SET)
            begin = self._end
            self._put(tarscan.header(_blob_name(digest), size))
            while chunk := os.read(draft.fileno(), _COPY):
                self._put(chunk)
            self._put(tarscan.padding(size))
            self.contents.blobs[digest] = (begin + tarscan.BLOCK, size)
            draft.discard()
        self._parked.clear()

    def _put(self, data: bytes) -> None:
        self.write_at(self._end, data)
        self._end += len(data)


class ArchiveBlob:
    """A blob on its way into an archive."""

    def __init__(self, archive: ArchiveDraft) -> None:
        self._archive = archive
        self._what = f"cannot write a blob to archive {archive.path}"
        self._begin = archive.claim(self)
        self._size = 0
        self._spare: Draft | None = None
        if self._begin is None:
            with translated(self._what):
                self._spare = archive.spare()

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes."""
        view = memoryview(data).cast("B")
        try:
            if self._begin is not None:
                self._archive.write_at(self._begin + tarscan.BLOCK + self._size, view)
            elif self._spare is not None:
                self._spare.write(view)
        except OSError as error:
            self._abort()
            raise trouble(self._what, error) from error
        self._size += len(view)
        return len(view)

    def commit(self, digest: Digest, size: int) -> None:
        """Make it part of the archive."""
        check_size(self._size, digest, size)
        if digest.algorithm != "sha256":
            raise UnsupportedError(self._what, why=f"{digest.algorithm} digests do not fit an archive's names",
                                   hint="write an OCI layout instead (oci:DIR)")
        with translated(self._what):
            if self._begin is not None:
                self._archive.seal(self, digest, self._begin, size)
                self._begin = None
            elif self._spare is not None:
                self._archive.park(self._spare, digest)
                self._spare = None

    def __enter__(self) -> ArchiveBlob:
        return self

    def __exit__(self, *exc: object) -> None:
        self._abort()

    def _abort(self) -> None:
        if self._begin is not None:
            self._begin = None
            self._archive.release(self)
        if self._spare is not None:
            self._spare.discard()
            self._spare = None


def _blob_name(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _docker_table(draft: ArchiveDraft) -> list[dict[str, Any]]:
    """``manifest.json``: what ``docker load`` and skopeo's docker-archive go by (moby ``image/tarexport``)."""
    entries: dict[Digest, dict[str, Any]] = {}
    for root in draft.contents.index.manifests:
        manifest = _first_image(draft, root)
        if manifest is None:
            continue
        entry = entries.setdefault(manifest.config.digest, {
            "Config": _blob_name(manifest.config.digest), "RepoTags": [],
            "Layers": [_blob_name(layer.digest) for layer in manifest.layers],
            **_layer_sources(draft, manifest)})
        name = names.full_name(names.tag_of(root))
        if name is not None and name.tag:
            entry["RepoTags"].append(replace(name, digest=None).familiar)
    return list(entries.values())


def _first_image(draft: ArchiveDraft, root: Descriptor) -> Manifest | None:
    """The image an entry names; of an index, its first one: the table has no place for more under one name."""
    document = parse(draft.read(root.digest), root.media_type)
    if isinstance(document, Index):
        for entry in document.manifests:
            found = _first_image(draft, entry) if draft.size_of(entry.digest) is not None else None
            if found is not None:
                return found
        return None
    return document if media.is_config(document.config.media_type) else None


def _layer_sources(draft: ArchiveDraft, manifest: Manifest) -> dict[str, Any]:
    """Where foreign layers are to be had, by diff id."""
    foreign = [layer for layer in manifest.layers if layer.urls and draft.size_of(layer.digest) is None]
    if not foreign:
        return {}
    diff_ids = Config.from_bytes(draft.read(manifest.config.digest)).diff_ids
    return {"LayerSources": {diff_id: json.loads(layer.to_json())
                             for diff_id, layer in zip(diff_ids, manifest.layers, strict=False) if layer in foreign}}
