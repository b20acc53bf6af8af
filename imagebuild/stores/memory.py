# SPDX-License-Identifier: Apache-2.0
"""The fake: a store in memory, for tests and for work that is thrown away."""

from __future__ import annotations

import io
from typing import BinaryIO

from ..errors import NotFoundError, StoreError
from ..oci import Descriptor, Digest, describe, sniff
from .layout import names
from .layout.files import check_size
from .verify import check, verified


class MemoryStore:
    """Keeps everything in dictionaries. ``blobs`` and ``tagged`` may be looked at."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self.tagged: dict[str, Descriptor] = {}

    def __enter__(self) -> MemoryStore:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def resolve(self, reference: str) -> Descriptor:
        """See :class:`~.port.Store`."""
        if not reference and len(self.tagged) == 1:
            return next(iter(self.tagged.values()))
        if reference in self.tagged:
            return self.tagged[reference]
        digest = names.as_digest(reference)
        if digest is not None and digest in self.blobs:
            return describe(self.blobs[digest], sniff(self.blobs[digest], source=reference))
        raise names.missing(reference, self.tags(), what="memory")

    def manifest(self, descriptor: Descriptor) -> bytes:
        """See :class:`~.port.Store`."""
        return check(self._blob(descriptor.digest), descriptor, what=f"document {descriptor.digest}")

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """See :class:`~.port.Store`."""
        return verified(io.BytesIO(self._blob(descriptor.digest)[offset:]), descriptor, offset=offset)

    def has_blob(self, descriptor: Descriptor) -> bool:
        """See :class:`~.port.Store`."""
        return descriptor.digest in self.blobs

    def new_blob(self) -> MemoryBlob:
        """See :class:`~.port.Store`."""
        return MemoryBlob(self.blobs)

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """See :class:`~.port.Store`."""
        for item in names.needed(data, media_type):
            if not self.has_blob(item):
                raise StoreError("cannot keep a manifest in memory", why=f"it refers to {item.digest}, not stored")
        descriptor = describe(data, media_type)
        self.blobs[descriptor.digest] = data
        if tag is not None:
            self.tagged[tag] = descriptor
        return descriptor

    def tags(self) -> list[str]:
        """See :class:`~.port.Store`."""
        return sorted(tag for tag in self.tagged if tag and not names.is_referrers_tag(tag))

    def untag(self, tag: str) -> None:
        """See :class:`~.port.Store`."""
        if tag not in self.tagged:
            raise names.missing(tag, self.tags(), what="memory")
        del self.tagged[tag]

    def close(self) -> None:
        """See :class:`~.port.Store`."""

    def _blob(self, digest: Digest) -> bytes:
        try:
            return self.blobs[digest]
        except KeyError:
            raise NotFoundError(f"blob {digest} is not there", why="not in memory") from None


class MemoryBlob:
    """A blob on its way into memory."""

    def __init__(self, blobs: dict[Digest, bytes]) -> None:
        self._blobs = blobs
        self._data = bytearray()

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append."""
        self._data += data
        return len(data)

    def commit(self, digest: Digest, size: int) -> None:
        """Make it visible."""
        check_size(len(self._data), digest, size)
        self._blobs.setdefault(digest, bytes(self._data))

    def __enter__(self) -> MemoryBlob:
        return self

    def __exit__(self, *exc: object) -> None:
        self._data = bytearray()
