# SPDX-License-Identifier: Apache-2.0
"""The port: what every place that keeps images can do.

Adapters: ``LayoutStore`` (OCI layout folder), ``ArchiveStore`` (OCI and docker archives), ``DirectoryStore``
(skopeo's ``dir:``), ``RegistryStore``,
``DaemonStore``, ``MemoryStore`` (the fake). A store speaks of one repository: its tags are plain tags.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Protocol

from ..oci import Descriptor, Digest

Progress = Callable[[int], None]
"""Called with the number of bytes done so far of one blob; may be called from any thread."""


class BlobWriter(Protocol):
    """A blob on its way into a store. Until :meth:`commit` nothing is visible; leaving the ``with`` block aborts."""

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes. Raises StoreError (disk full and the like)."""

    def commit(self, digest: Digest, size: int) -> None:
        """Make the blob visible under its digest, atomically. The caller vouches for digest and size: it hashed the
        bytes it wrote. Idempotent: a blob that is already there is kept, and this copy is thrown away."""

    def __enter__(self) -> BlobWriter: ...

    def __exit__(self, *exc: object) -> None: ...


class Store(Protocol):
    """A place that keeps images. Every method raises StoreError (or a child) for trouble of the place itself."""

    def resolve(self, reference: str) -> Descriptor:
        """The descriptor of what a tag or a digest (``sha256:…``) names: a manifest or index. NotFoundError if none.
        ``""`` means the only image of a folder or archive."""

    def manifest(self, descriptor: Descriptor) -> bytes:
        """The exact bytes of a manifest, index or config, verified against digest and size. At most 8 MiB."""

    def open_blob(self, descriptor: Descriptor, *, offset: int = 0) -> BinaryIO:
        """A stream of a blob. Read to its end it verifies digest and size (IntegrityError); from an ``offset`` only
        the size. NotFoundError if the store lacks it and knows no place that has it."""

    def has_blob(self, descriptor: Descriptor) -> bool:
        """Whether the blob itself (not only a promise of it) is here."""

    def new_blob(self) -> BlobWriter:
        """A blob to be written."""

    def put_manifest(self, data: bytes, media_type: str, *, tag: str | None = None) -> Descriptor:
        """Keep a manifest or index and, with ``tag``, point the tag at it, atomically. What it refers to must be there
        (StoreError if not; layers with ``urls`` and promised blobs count as there). ``tag=""`` lists it without a name
        where a place can (layout, archive)."""

    def tags(self) -> list[str]:
        """Every tag, sorted."""

    def untag(self, tag: str) -> None:
        """Forget a tag (not what it points at). NotFoundError if there is none."""

    def close(self) -> None:
        """Let go of files, sockets and half-written blobs. Safe to call twice."""
