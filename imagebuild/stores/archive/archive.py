# SPDX-License-Identifier: Apache-2.0
"""One file that holds images: OCI archives and docker archives, read and written."""

from __future__ import annotations

import io
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...errors import NotFoundError, StoreError
from ...oci import Descriptor, Digest, Index, describe, sniff
from ..layout import names
from ..verify import read_document, verified
from . import read as archive_read
from .write import ArchiveBlob, ArchiveDraft


class ArchiveStore:
    """The images in an archive, plain or compressed with gzip.

    With ``create`` a new archive is written, which any of skopeo, podman, containerd, crane and ``docker load`` reads.
    It appears under its name when the store is closed, and only if an image was put into it; a ``with`` block that
    ends by an exception leaves nothing, and what had the name before stays.
    """

    def __init__(self, path: str | os.PathLike[str], *, create: bool = False, bound: int | None = None) -> None:
        self.path = Path(path)
        self._draft: ArchiveDraft | None = None
        self._unpacked: Path | None = None
        self._closed = False
        if create:
            self._draft = ArchiveDraft(self.path)
            self._contents = self._draft.contents
            return
        if archive_read.is_compressed(self.path):
            self._unpacked = archive_read.unpack(self.path, bound=bound)
        try:
            self._contents = archive_read.read(self._file, source=str(self.path))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> ArchiveStore:
        return self

    def __exit__(self, kind: object, *exc: object) -> None:
        if kind is not None:
            self.abort()
        self.close()

    def __repr__(self) -> str:
        return f"ArchiveStore({str(self.path)!r})"

    # --- reading --------------------------------------------------------------------------------------------------

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~..port.Store`. ``""`` means the only image there is."""
        found = names.find(self._contents.index, reference, what=str(self.path))
        if found is not None:
            return found
        digest = Digest.parse(reference)
        size = self._size_of(digest)
        if size is None:
            raise names.missing(reference, self.tags(), what=str(self.path))
        data = self.manifest(Descriptor("", digest, size))
        return describe(data, sniff(data, source=reference))

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~..port.Store`."""
        what = f"document {descriptor.digest} of {self.path}"
        return read_document(self.open_blob(descriptor), descriptor, what=what)

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~..port.Store`."""
        what = f"blob {descriptor.digest} of {self.path}"
        return verified(self._open(descriptor.digest, offset, what), descriptor, offset=offset, what=what)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~..port.Store`."""
        return self._size_of(descriptor.digest) == descriptor.size

    def tags(self) -> list[str]:
        """See :class:`~..port.Store`."""
        return names.tags(self._contents.index)

    def entries(self) -> tuple[Descriptor, ...]:
        """What the archive lists, names in annotations."""
        return self._contents.index.manifests

    # --- writing --------------------------------------------------------------------------------------------------

    def new_blob(self) -> ArchiveBlob:
        """See :class:`~..port.Store`."""
        return self._writable().new_blob()

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~..port.Store`. With ``tag=""`` the image is listed without a name."""
        draft = self._writable()
        for item in names.needed(data, media_type):
            if not self.has_blob(item):
                raise StoreError(f"cannot keep a manifest in archive {self.path}",
                                 why=f"it refers to {item.digest}, which is not in it")
        descriptor = describe(data, media_type)
        with draft.new_blob() as blob:
            blob.write(data)
            blob.commit(descriptor.digest, len(data))
        if tag is not None:
            self._contents.index = names.pointed(self._contents.index, descriptor, tag)
        return descriptor

    def untag(self, tag: str) -> None:
        """See :class:`~..port.Store`. Only in an archive that is being written."""
        self._writable()
        self._contents.index = names.forgotten(self._contents.index, tag, what=str(self.path))

    def abort(self) -> None:
        """Leave nothing of an archive that is being written."""
        self._contents.index = Index()

    def close(self) -> None:
        """Finish the archive and let go of files."""
        if self._closed:
            return
        self._closed = True
        unpacked, self._unpacked = self._unpacked, None
        if unpacked is not None:
            with suppress(OSError):
                unpacked.unlink()
        if self._draft is not None:
            try:
                if self._contents.index.manifests:
                    self._draft.finish()
            finally:
                self._draft.discard()

    # --- details --------------------------------------------------------------------------------------------------

    @property
    def _file(self) -> Path:
        return self._unpacked or self.path

    def places(self, digests: Collection[str]) -> list[tuple[int, int]]:
        """Offset and size of the content of these blobs in the file, of those that are in it."""
        return [self._contents.blobs[one] for one in self._contents.blobs if str(one) in digests]

    def _writable(self) -> ArchiveDraft:
        if self._draft is None or self._closed:
            raise StoreError(f"archive {self.path} is not being written", why="an archive is written once, from anew",
                             hint="copy its images to a new archive")
        return self._draft

    def _size_of(self, digest: Digest) -> int | None:
        if digest in self._contents.documents:
            return len(self._contents.documents[digest])
        if self._draft is not None:
            return self._draft.size_of(digest)
        place = self._contents.blobs.get(digest)
        return place[1] if place else None

    def _open(self, digest: Digest, offset: int, what: str) -> BinaryIO:
        if digest in self._contents.documents:
            return io.BytesIO(self._contents.documents[digest][offset:])
        if self._size_of(digest) is None:
            raise NotFoundError(f"{what} is not there", why="the archive has no such member", digest=digest)
        if self._draft is not None and not self._closed:
            return self._draft.open(digest, offset=offset)
        return archive_read.open_slice(self._file, self._contents.blobs[digest], offset=offset, what=what)
