# SPDX-License-Identifier: Apache-2.0
"""An OCI image layout in a folder (image-spec ``image-layout.md``), safe for many processes at once.

What is ours beyond the specification lies in ``.wcow/``: the lock, drafts, leases (:mod:`.lease`) and the origins of
blobs that are only promised. Blobs and ``index.json`` are renamed into place, so a killed process leaves drafts at
most, which the next writer sweeps after a day. ``index.json`` changes under a file lock; readers take none.

Nothing waits for the disk unless ``durable`` is asked for: after a power cut a blob may be short or empty, which its
size and digest then tell; after a crash of the process, never.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ...errors import FormatError, NotFoundError, StoreError, WcowError, quoted
from ...files import locked
from ...oci import MAX_SIZE, Descriptor, Digest, Index, Location, describe, is_index, is_manifest, sniff
from ..pieces import pieces
from ..port import Progress, Store
from ..transfer import copy_bytes
from ..verify import read_document, verified
from . import names
from .files import BlobPlace, DraftBlob, open_file, sweep, translated, trouble, write_file
from .lease import Lease

_LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
_OURS = frozenset({".wcow", "blobs", "index.json", "oci-layout"})
_LOCK_SECONDS = 60.0
_MAX_DEPTH = 4

Opener = Callable[[Location], Store]
"""Opens the store a promised blob comes from."""


class LayoutStore:
    """The images in one folder. Its tags may be full names (``docker.io/library/app:1``), as in the local store.

    ``create`` makes the layout when there is none; a folder that holds something else is refused. ``opener`` opens
    the origins of promised blobs (:meth:`remember_origin`); without one they are only named in the error.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False, durable: bool = False,
                 opener: Opener | None = None) -> None:
        self.path = Path(path)
        self._private = self.path / ".wcow"
        self._drafts = self._private / "tmp"
        self._lease = Lease(self._private / "leases") if create else None
        self._place = BlobPlace(self.path, durable=durable, lease=self._lease)
        self._opener = opener
        if create:
            self._create()
        else:
            self._check()

    def __enter__(self) -> LayoutStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LayoutStore({str(self.path)!r})"

    # --- reading --------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~..port.Store`. ``""`` means the only image there is."""
        found = names.find(self._index(), reference, what=str(self.path))
        if found is not None:
            self._place.claim(found.digest)
            return found
        digest = Digest.parse(reference)
        size = self._place.size_of(digest)
        if size is None:
            raise names.missing(reference, self.tags(), what=str(self.path))
        data = self.manifest(Descriptor("", digest, size))
        return describe(data, sniff(data, source=reference))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~..port.Store`."""
        what = f"document {descriptor.digest} of {self.path}"
        return read_document(self.open_blob(descriptor), descriptor, what=what)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~..port.Store`. A promised blob is read from its origin, and not kept."""
        what = f"blob {descriptor.digest} of {self.path}"
        try:
            fd = self._place.open(descriptor.digest, what)
        except NotFoundError:
            return self._from_origin(descriptor, offset)
        stream = os.fdopen(fd, "rb", buffering=0)
        with translated(f"cannot read {what}"):
            stream.seek(offset)
        path = self._place.blob_path(descriptor.digest)
        return verified(stream, descriptor, offset=offset, what=what,
                        hint=f"remove {path}, and fetch or build it again")

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~..port.Store`."""
        return self._place.size_of(descriptor.digest) == descriptor.size

    def tags(self) -> list[str]:
        """See :class:`~..port.Store`."""
        return names.tags(self._index())

    # --- writing --------------------------------------------------------------------------------------------------

    def new_blob(self) -> DraftBlob:
        """See :class:`~..port.Store`."""
        return DraftBlob(self._drafts, str(self.path), self._place)

    def take_blob(self, source: Store, descriptor: Descriptor, progress: Progress) -> None:
        """Copy a blob from another store. From a layout on the same disk it is read, to verify it, and then linked:
        stores never change a blob, so two names of one file serve as well as two files."""
        if not (isinstance(source, LayoutStore) and self._link(source, descriptor, progress)):
            copy_bytes(source, self, descriptor, progress)

    def _link(self, source: LayoutStore, descriptor: Descriptor, progress: Progress) -> bool:
        """Give a layout's blob a second name here; False where that cannot be, on another disk for one."""
        path, draft = source._place.blob_path(descriptor.digest), self._drafts / f"link-{secrets.token_hex(8)}"
        if source._place.size_of(descriptor.digest) != descriptor.size:
            return False
        final = self._place.blob_path(descriptor.digest)
        try:
            self._drafts.mkdir(parents=True, exist_ok=True)
            final.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, draft)
        except OSError:
            return False
        try:
            done = 0
            with source.open_blob(descriptor) as stream:
                for piece in pieces(stream):
                    done += len(piece)
                    progress(done)
            with suppress(FileNotFoundError):  # swept: a link is as old as its blob
                draft.replace(final)
        except OSError as error:
            raise trouble(f"cannot keep blob {descriptor.digest} in {self.path}", error) from error
        finally:
            draft.unlink(missing_ok=True)
        return self.has_blob(descriptor)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~..port.Store`. With ``tag=""`` the image is listed without a name."""
        self._check_whole(data, media_type)
        descriptor = describe(data, media_type)
        with self.new_blob() as blob:
            blob.write(data)
            blob.commit(descriptor.digest, len(data))
        if tag is not None:
            with self.locked():
                # Nothing is collected while we have the lock: what is there now will be there under the name.
                self._check_whole(data, media_type)
                if not self.has_blob(descriptor):
                    raise StoreError(f"manifest {descriptor.digest} is gone from {self.path}")
                self._write_index(names.pointed(self._index(), descriptor, tag))
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~..port.Store`."""
        self._change(lambda index: names.forgotten(index, tag, what=str(self.path)))

    def close(self) -> None:
        """See :class:`~..port.Store`. Nothing is relied on any more."""
        if self._lease is not None:
            self._lease.end()

    def _check_whole(self, data: bytes, media_type: str, depth: int = 0) -> None:
        """StoreError unless everything that a manifest or index refers to, at any depth, is stored or promised."""
        for item in names.needed(data, media_type):
            if self.has_blob(item):
                if depth < _MAX_DEPTH and (is_index(item.media_type) or is_manifest(item.media_type)):
                    self._check_whole(self.manifest(item), item.media_type, depth + 1)
            elif not self.origins(item.digest):
                raise StoreError(f"cannot keep a manifest in {self.path}",
                                 why=f"it refers to {item.digest} ({item.media_type or 'no media type'}), "
                                     f"which is neither stored nor promised")

    # --- housekeeping (see collect.py) ----------------------------------------------------------------------------

    def entries(self) -> tuple[Descriptor, ...]:
        """What ``index.json`` lists, names in annotations. Nothing of it is relied on."""
        return self._index().manifests

    def unlist(self, gone: Collection[Descriptor]) -> None:
        """Take entries out of ``index.json``; the caller has the lock."""
        index = self._index()
        kept = tuple(entry for entry in index.manifests if entry not in gone)
        if kept != index.manifests:
            self._write_index(replace(index, manifests=kept))

    @property
    def place(self) -> BlobPlace:
        """Where the files of blobs are."""
        return self._place

    @property
    def private(self) -> Path:
        """The folder of what is ours: ``tmp``, ``trash``, ``leases``, ``origins``."""
        return self._private

    # --- promised blobs -------------------------------------------------------------------------------------------

    def remember_origin(self, digest: Digest, location: Location) -> None:
        """Note that ``location`` has a blob, so that it need not be copied here. The newest origin is asked first."""
        self._place.claim(digest)
        with self.locked():
            known = [str(location), *(text for text in self._origin_texts(digest) if text != str(location))]
            write_file(self._origin_path(digest), json.dumps(known[:8]).encode(), temporary=self._drafts,
                       durable=self._place.durable)

    def origins(self, digest: Digest) -> list[Location]:
        """The places that were said to have a blob, newest first."""
        out: list[Location] = []
        for text in self._origin_texts(digest):
            with suppress(WcowError):
                out.append(Location.parse(text))
        return out

    def _origin_path(self, digest: Digest) -> Path:
        return self._private / "origins" / digest.algorithm / digest.hex

    def _origin_texts(self, digest: Digest) -> list[str]:
        try:
            texts = json.loads(self._origin_path(digest).read_bytes())
        except (FileNotFoundError, NotADirectoryError, ValueError):  # no origins are noted
            return []
        except OSError as error:
            raise StoreError(f"cannot read where {digest} comes from", why=str(error.strerror)) from error
        return [text for text in texts if isinstance(text, str)] if isinstance(texts, list) else []

    def _from_origin(self, descriptor: Descriptor, offset: int) -> BinaryIO:
        origins = self.origins(descriptor.digest)
        last: WcowError | None = None
        for location in origins if self._opener else ():
            try:
                return self._opener(location).open_blob(descriptor, offset=offset)  # type: ignore[misc]
            except WcowError as error:
                last = error
        if last is not None:
            raise last
        places = ", ".join(str(location) for location in origins)
        raise NotFoundError(f"blob {descriptor.digest} is not in {self.path}",
                            why=f"it is only promised, by {places}" if places else "nobody has stored it here",
                            hint=f"pull it from {places}" if places else "", digest=descriptor.digest)

    # --- index.json -----------------------------------------------------------------------------------------------

    def _index(self) -> Index:
        path = self.path / "index.json"
        fd = open_file(path, f"index.json of {self.path}")
        with os.fdopen(fd, "rb") as stream, translated(f"cannot read {path}"):
            data = stream.read(MAX_SIZE + 1)
        try:
            return Index.from_bytes(data, source=str(path))
        except FormatError as error:
            raise StoreError(f"cannot read the list of images in {self.path}", why=f"{path} is damaged: {error.what}",
                             hint=f"put it back from a copy, or move {self.path} away and begin anew") from error

    def _change(self, change: Callable[[Index], Index]) -> None:
        with self.locked():
            self._write_index(change(self._index()))

    def _write_index(self, index: Index) -> None:
        write_file(self.path / "index.json", index.to_bytes(), temporary=self._drafts, durable=self._place.durable)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Alone in changing names, promises and what is collected."""
        with ExitStack() as stack:
            with translated(f"cannot lock {self.path}"):
                self._private.mkdir(parents=True, exist_ok=True)
                try:
                    stack.enter_context(locked(self._private / "lock", _LOCK_SECONDS))
                except TimeoutError:
                    raise StoreError(f"{self.path} is in use",
                                     why=f"another process held its lock for {_LOCK_SECONDS:.0f} s",
                                     hint="wait for it to end, or end it") from None
            yield

    def _check(self) -> None:
        if not (self.path / "oci-layout").is_file():
            raise NotFoundError(f"no OCI layout at {self.path}", why="there is no file oci-layout",
                                hint="give the folder that holds oci-layout and index.json")
        with translated(f"cannot read {self.path}"):
            try:
                layout = json.loads((self.path / "oci-layout").read_bytes()[:4096])
                version = str(layout["imageLayoutVersion"])
            except (ValueError, KeyError, TypeError):
                raise FormatError(f"{self.path} is no OCI layout", source="oci-layout") from None
        if version.partition(".")[0] != "1":
            raise FormatError(f"{self.path} is an OCI layout of version {quoted(version[:20])}", source="oci-layout",
                              why="version 1 is known")

    def _create(self) -> None:
        with translated(f"cannot make an OCI layout at {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            if (self.path / "oci-layout").is_file() and (self.path / "index.json").is_file():
                self._check()
                sweep(self._drafts)
                return
            others = sorted({entry.name for entry in self.path.iterdir()} - _OURS)
        if others:
            raise StoreError(f"will not make an OCI layout in {self.path}",
                             why=f"it holds other files, like {quoted(others[0])}",
                             hint="choose an empty or a new folder")
        with self.locked():
            with translated(f"cannot make an OCI layout at {self.path}"):
                (self.path / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
            if not (self.path / "index.json").exists():
                self._write_index(Index())
            if not (self.path / "oci-layout").exists():
                write_file(self.path / "oci-layout", _LAYOUT, temporary=self._drafts, durable=self._place.durable)
