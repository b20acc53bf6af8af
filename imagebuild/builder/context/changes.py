# SPDX-License-Identifier: Apache-2.0
"""What an instruction wants to put into the image, before it has security, times and a place in a layer."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...images.inspect.rootfs import Rootfs
from ...layer import Kind, Times
from ...windows.filetime import from_unix_ns
from ...windows.names import are_plain, ascend, plain_keys
from ...windows.sid import Sid
from .context import Context
from .tree import FACTS, Listing, chosen

Components = tuple[str, ...]
"""A path below ``C:\\`` as its components; the empty tuple is ``C:\\`` itself."""


@dataclass(frozen=True, slots=True)
class Later:
    """A file of an image that is fetched only when its layer is really written; ``path`` is a layer path there."""

    rootfs: Rootfs
    path: str


@dataclass(frozen=True, slots=True)
class Local:
    """A file of a build context. Its digest is asked for only when the cache may know the layer."""

    context: Context
    path: str


Content = bytes | os.PathLike[str] | Later | Local
"""Where a file's bytes come from: the bytes themselves, a file on disk, one of an image, or one of a context."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file, folder or link that an instruction puts at ``path``.

    ``size`` counts for files, ``target`` (raw Windows form) for links and junctions. ``modified`` is the source's own
    FILETIME, used only with ``--timestamps source``. ``attributes`` are those the source had on Windows (``COPY
    --from`` a Windows image), ``None`` for things that never had any. ``security`` and ``times`` are given only
    where the instruction itself decides them (hives of a base); everything else inherits. ``identity`` names a
    file's content: equal identities mean equal bytes, and the cache goes by it. It is empty for files of a context.
    """

    path: Components
    kind: Kind
    size: int = 0
    content: Content | None = None
    identity: str = ""
    target: str = ""
    modified: int | None = None
    attributes: int | None = None
    security: bytes | None = None
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Plain files of one folder of a context that go to one folder of the image under their own names.

    It stands for the changes that :meth:`singles` gives, without an object for each. ``path`` is the folder in the
    image, ``source`` the one in the context. Names are plain (:func:`~imagebuild.windows.names.are_plain`), in the
    order of ``keys``, their folded forms, each above the one before. ``facts`` are those of the listing.
    """

    path: Components
    context: Context
    source: str
    names: list[str]
    keys: list[str]
    facts: array[int]

    @classmethod
    def of(cls, path: Components, context: Context, listing: Listing) -> tuple[Row | None, list[int]]:
        """The files of a listing as a row, and the places of those that have to be looked at one by one."""
        names, odd = listing.names, list[int]()
        facts = listing.facts
        if not are_plain(names):
            odd = [at for at, name in enumerate(names) if not are_plain((name,))]
            left = set(odd)
            plain = [at for at in range(len(names)) if at not in left]
            names, facts = [names[at] for at in plain], chosen(facts, plain)
        keys = plain_keys(names)
        if not ascend(keys):
            order = sorted(range(len(keys)), key=keys.__getitem__)
            names, keys, facts = [names[at] for at in order], [keys[at] for at in order], chosen(facts, order)
            if not ascend(keys):  # two that differ only in case
                return None, list(range(len(listing.names)))
        return (cls(path, context, listing.folder, names, keys, facts) if names else None), odd

    @property
    def sizes(self) -> array[int]:
        """How many bytes each file has."""
        return self.facts[::FACTS]

    @property
    def moments(self) -> array[int]:
        """When each file was changed last, in nanoseconds since 1970."""
        return self.facts[1::FACTS]

    @property
    def key(self) -> tuple[int, str, str]:
        """What the files are, as the key of a dictionary: the context, the folder, the names divided by slashes."""
        return id(self.context.tree), self.source, "/".join(self.names)

    def inside(self, folder: Components) -> Row:
        """The same row with its folder below another."""
        return replace(self, path=(*folder, *self.path)) if folder else self

    def part(self, low: int, high: int) -> Row:
        """The files from ``low`` to below ``high``."""
        return Row(self.path, self.context, self.source, self.names[low:high], self.keys[low:high],
                   self.facts[FACTS * low:FACTS * high])

    def at(self, places: list[int]) -> Row:
        """The files at some places, in order."""
        return Row(self.path, self.context, self.source, [self.names[at] for at in places],
                   [self.keys[at] for at in places], chosen(self.facts, places))

    def has(self, key: str) -> bool:
        """Whether one of the files has this folded name."""
        at = bisect_left(self.keys, key)
        return at < len(self.keys) and self.keys[at] == key

    def singles(self) -> Iterator[Change]:
        """The files as single changes."""
        prefix = f"{self.source}/" if self.source else ""
        for at, name in enumerate(self.names):
            size, mtime_ns = self.facts[FACTS * at:FACTS * at + 2]
            yield Change((*self.path, name), Kind.FILE, size, Local(self.context, prefix + name),
                         modified=from_unix_ns(mtime_ns))


@dataclass(frozen=True, slots=True)
class Changes:
    """All an instruction wants; of two things at one path the later counts. ``owner`` is the account of ``--chown``."""

    items: tuple[Change | Row, ...]
    owner: Sid | None = None
