# SPDX-License-Identifier: Apache-2.0
"""How the paths of a layer are spelt, by their folded form: single paths, and whole batches without a path for each."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

from .batch import Batch


class Spellings:
    """Folded path to spelling, as a dictionary has it, and :meth:`add` for a batch."""

    __slots__ = ("_batches", "_count", "_single")

    def __init__(self) -> None:
        self._single: dict[str, str] = {}
        self._batches: dict[str, tuple[list[str], list[Batch]]] = {}  # by folder: their first keys, and they
        self._count = 0

    def get(self, key: str) -> str | None:
        """How the path with this folded form is spelt; ``None`` when there is none."""
        found = self._single.get(key)
        if found is None and self._batches:
            slash = key.rfind("/") + 1
            batches = self._batches.get(key[:slash])
            if batches is not None:
                place = bisect_right(batches[0], key[slash:]) - 1
                if place >= 0:
                    batch = batches[1][place]
                    at = batch.find(key[slash:])
                    return f"{batch.folder}/{batch.names[at]}" if at >= 0 else None
        return found

    def meets(self, folder: str, batch: Batch) -> bool:
        """Whether a name of the batch may be there already, or the batch cannot be kept as one.

        ``folder`` is the folded path of its folder with a slash at the end.
        """
        batches = self._batches.get(folder)
        if batches is not None and batch.keys[0] <= batches[1][-1].keys[-1]:
            return True
        return not self._single.keys().isdisjoint(map(folder.__add__, batch.keys))

    def add(self, folder: str, batch: Batch) -> None:
        """Keep a batch that meets nothing."""
        firsts, batches = self._batches.setdefault(folder, ([], []))
        firsts.append(batch.keys[0])
        batches.append(batch)
        self._count += len(batch)

    def __contains__(self, key: str) -> bool:
        return self.get(key) is not None

    def __getitem__(self, key: str) -> str:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __setitem__(self, key: str, path: str) -> None:
        self._single[key] = path

    def __len__(self) -> int:
        return len(self._single) + self._count

    def __iter__(self) -> Iterator[str]:
        yield from self._single
        for folder, (_unused, batches) in self._batches.items():
            for batch in batches:
                yield from map(folder.__add__, batch.keys)
