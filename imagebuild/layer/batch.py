# SPDX-License-Identifier: Apache-2.0
"""Many files of one folder as one value: what they have in common is looked at, written and remembered once.

Folders with thousands of files that have equal records are what layers are made of. A batch says nothing that single
entries could not say: :meth:`Batch.entries` are those entries, and whoever takes a batch does what it would do for
each of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import InputError
from ..windows.names import are_plain, ascend, plain_keys
from .entry import Entry, Kind, Times

LONGEST_FOLDER = 700
"""Characters of a batch's folder: no path in a batch can then be too long for Windows."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Plain files that differ in name, size and content only.

    ``folder`` is their layer path (``Files/app``). ``names`` are plain (:func:`~imagebuild.windows.names.are_plain`)
    and in the order of ``keys``, their folded forms, each above the one before; ``sizes`` belong to them one by one.
    Raises InputError for anything else, so whoever has a batch need not look at its names again.
    """

    folder: str
    names: Sequence[str]
    sizes: Sequence[int]
    attributes: int
    security: bytes
    times: Times
    keys: list[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        keys = plain_keys(self.names)
        if not keys or len(keys) != len(self.sizes) or len(self.folder) > LONGEST_FOLDER or not ascend(keys) \
                or not are_plain(self.names) or min(self.sizes) < 0:
            raise InputError(f"cannot take the files of {self.folder[:100]} as one batch",
                             why="their names are not plain and in order, each once, with a size")
        object.__setattr__(self, "keys", keys)

    def __len__(self) -> int:
        return len(self.names)

    def entry(self, at: int) -> Entry:
        """One of the files as an entry."""
        return Entry(f"{self.folder}/{self.names[at]}", Kind.FILE, self.sizes[at], self.attributes, self.security,
                     self.times)

    def entries(self) -> Iterator[Entry]:
        """All of them, in order."""
        return map(self.entry, range(len(self.names)))

    def part(self, low: int, high: int) -> Batch:
        """The files from ``low`` to below ``high``, of which there is at least one: names in order stay so."""
        made = object.__new__(Batch)
        for name, value in (("folder", self.folder), ("names", self.names[low:high]), ("sizes", self.sizes[low:high]),
                            ("attributes", self.attributes), ("security", self.security), ("times", self.times),
                            ("keys", self.keys[low:high])):
            object.__setattr__(made, name, value)
        return made

    def find(self, key: str) -> int:
        """Where the file with a folded name is; -1 when it is not there."""
        at = bisect_left(self.keys, key)
        return at if at < len(self.keys) and self.keys[at] == key else -1
