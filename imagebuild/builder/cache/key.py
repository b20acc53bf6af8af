# SPDX-License-Identifier: Apache-2.0
"""What a layer's bytes depend on, as a hash: so that equal layers are found, and equal ends of layers shared.

A recipe is a hash over every entry with its metadata, the identity of every file's content, and the compression. So a
hit is the same layer whatever base or Dockerfile led to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...codec import Compression, Tail
from ...images.put import Layer
from ...layer import Batch, Entry, Kind
from ...oci import Descriptor
from ..compose.compose import Composed
from ..context.changes import Change, Local, Row
from .cache import VERSION

Digests = dict[tuple[int, str], str]
"""Digests of files of contexts, by the context's ``id`` and the path in it."""


Contents = dict[tuple[int, str, str], bytes]
"""Digests of the files of rows, 32 bytes after 32 bytes, by :attr:`Row.key`."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The files of build contexts that went into an image. Most builds are never asked which."""

    digests: Mapping[tuple[int, str], str] = field(default_factory=dict)
    rows: Mapping[tuple[int, str, str], bytes] = field(default_factory=dict)

    def pairs(self) -> list[tuple[str, str]]:
        """Path and digest of each, in order."""
        found = dict(self.digests)
        for (tree, folder, names), digests in self.rows.items():
            for at, name in enumerate(names.split("/")):
                path = f"{folder}/{name}" if folder else name
                found[tree, path] = f"sha256:{digests[32 * at:32 * at + 32].hex()}"
        return sorted((path, digest) for (_unused, path), digest in found.items())


@dataclass(slots=True)
class Memory:
    """What one run has learnt and need not do again for the next Windows version: digests of files, layers by recipe,
    and where the compressed end of a layer is."""

    digests: Digests = field(default_factory=dict)
    rows: Contents = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    tails: dict[str, tuple[Descriptor, Tail]] = field(default_factory=dict)

    def taken(self) -> Taken:
        """What was taken so far."""
        return Taken(dict(self.digests), dict(self.rows))

    def knows(self, content: Local | Row) -> bool:
        """Whether the digests of a file, or of all files of a row, are known."""
        return content.key in self.rows if isinstance(content, Row) else key_of(content) in self.digests


@dataclass(frozen=True, slots=True)
class Recipes:
    """The hashes of one layer. ``base`` says that it is a base layer, ``epoch`` how old its ``Hives`` is, and
    ``lint`` how it was looked at: what was let through once is looked at again when that is asked."""

    composed: Composed
    compression: Compression
    base: bool
    epoch: int
    lint: str = "error"

    def locals(self) -> list[Local | Row]:
        """The files that come from contexts."""
        return [content for content in (change.content if isinstance(change, Change) else change
                                        for _unused, change in self.composed.fresh) if isinstance(content, Local | Row)]

    def shape(self) -> str:
        """The layer without the content of files from contexts: names, sizes, metadata."""
        return self.layer(Memory())

    def layer(self, memory: Memory) -> str:
        """The whole layer."""
        out = hashlib.sha256(self._head("layer"))
        for entry in (self.composed.root, *self.composed.parents):
            out.update(_line(entry, ""))
        out.update(b"--\n")  # the cut between what the base gave and what is ours
        self._fresh(out, memory)
        return out.hexdigest()

    def tail(self, memory: Memory) -> str:
        """What stands after the cut."""
        out = hashlib.sha256(self._head("tail"))
        self._fresh(out, memory)
        return out.hexdigest()

    def _head(self, what: str) -> bytes:
        return f"{what} {VERSION} {self.compression.codec_id()} {self.base} {self.epoch} {self.lint}\n".encode()

    def _fresh(self, out: hashlib._Hash, memory: Memory) -> None:
        for what, change in self.composed.fresh:
            if isinstance(what, Batch):
                assert isinstance(change, Row)
                _update(out, what, memory.rows.get(change.key, b""))
            else:
                assert not isinstance(change, Row)
                out.update(_line(what, _identity(change, memory.digests)))


def key_of(content: Local) -> tuple[int, str]:
    """How a file of a context is called in :data:`Digests`."""
    return id(content.context.tree), content.path


def _identity(change: Change | None, digests: Mapping[tuple[int, str], str]) -> str:
    if change is None:
        return ""
    if isinstance(change.content, Local):
        return digests.get(key_of(change.content), "")
    return change.identity


def _line(entry: Entry, identity: str) -> bytes:
    times = entry.times
    return repr((entry.path, entry.kind.value, entry.size, entry.attributes, entry.security, entry.target, entry.eas,
                 (times.created, times.modified, times.accessed, times.changed) if times else None,
                 identity)).encode("utf-8", "surrogatepass") + b"\n"


def _update(out: hashlib._Hash, batch: Batch, digests: bytes) -> None:
    """A batch, whose lines all have one beginning: that once, then names, sizes and digests, each one after the other.
    How many there are and what divides them is said before, so that no two batches give the same bytes."""
    names, sizes = "/".join(batch.names).encode(), ",".join(map(str, batch.sizes)).encode()
    out.update(b"%d files, %d, %d, %d bytes\n" % (len(batch), len(names), len(sizes), len(digests)))
    out.update(_line(Entry(batch.folder, Kind.FILE, 0, batch.attributes, batch.security, batch.times), ""))
    out.update(b"\n".join((names, sizes, digests)))
