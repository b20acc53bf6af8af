# SPDX-License-Identifier: Apache-2.0
"""What a layer's bytes depend on, as a hash: so that equal layers are found, and equal ends of layers shared.

A recipe is a hash over every entry with its metadata, the identity of every file's content, and the compression. So a
hit is the same layer whatever base or Dockerfile led to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from ..codec import Compression, Tail
from ..images.put import Layer
from ..layer import Entry
from ..oci import Descriptor
from .cache import VERSION
from .changes import Change, Local
from .compose import Composed

Digests = dict[tuple[int, str], str]
"""Digests of files of contexts, by the context's ``id`` and the path in it."""


@dataclass(slots=True)
class Memory:
    """What one run has learnt and need not do again for the next Windows version: digests of files, layers by recipe,
    and where the compressed end of a layer is."""

    digests: Digests = field(default_factory=dict)
    layers: dict[str, Layer] = field(default_factory=dict)
    tails: dict[str, tuple[Descriptor, Tail]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Recipes:
    """The hashes of one layer. ``base`` says that it is a base layer, ``epoch`` how old its ``Hives`` is, and
    ``lint`` how it was looked at: what was let through once is looked at again when that is asked."""

    composed: Composed
    compression: Compression
    base: bool
    epoch: int
    lint: str = "error"

    def locals(self) -> list[Local]:
        """The files that come from contexts."""
        return [change.content for _, change in self.composed.fresh
                if change is not None and isinstance(change.content, Local)]

    def shape(self) -> str:
        """The layer without the content of files from contexts: names, sizes, metadata."""
        return self.layer({})

    def layer(self, digests: Mapping[tuple[int, str], str]) -> str:
        """The whole layer."""
        out = hashlib.sha256(self._head("layer"))
        for entry in (self.composed.root, *self.composed.parents):
            out.update(_line(entry, ""))
        out.update(b"--\n")  # the cut between what the base gave and what is ours
        self._fresh(out, digests)
        return out.hexdigest()

    def tail(self, digests: Mapping[tuple[int, str], str]) -> str:
        """What stands after the cut."""
        out = hashlib.sha256(self._head("tail"))
        self._fresh(out, digests)
        return out.hexdigest()

    def _head(self, what: str) -> bytes:
        return f"{what} {VERSION} {self.compression.codec_id()} {self.base} {self.epoch} {self.lint}\n".encode()

    def _fresh(self, out: hashlib._Hash, digests: Mapping[tuple[int, str], str]) -> None:
        for entry, change in self.composed.fresh:
            out.update(_line(entry, _identity(change, digests)))


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
