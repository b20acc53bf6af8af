# SPDX-License-Identifier: Apache-2.0
"""Two images (or layers) walked side by side: each path once, with what either has there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...layer import Found, Index, Kind
from ...oci import Image
from ...stores import Store
from ...windows.upcase import fold
from ..inspect.listing import Files, Item, rootfs_of_layer
from ..inspect.rootfs import IndexCache, Rootfs
from ..inspect.selection import Selection, State
from ..library import Found as FoundImage


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: an image, or with ``layer`` that layer of it alone, and the store that has its blobs."""

    name: str
    digest: str
    image: Image
    rootfs: Rootfs
    store: Store
    cache: IndexCache
    layer: int | None = None

    def windows(self) -> bool:
        """Whether names are compared without case."""
        return self.image.config.os == "windows"

    def holder(self, item: Item) -> Found | None:
        """The entry with the bytes of a file, by the number of its layer in :attr:`rootfs`; through hard links."""
        return self.rootfs.union().content_of(Found(item.entry, 0 if self.layer is not None else item.layer))


def side_of(found: FoundImage, cache: IndexCache, *, layer: int | None = None) -> Side:
    """An image that was found, or a layer of it. UsageError when it has no such layer."""
    rootfs = Rootfs(found.image, found.store, cache, name=found.name)
    whole = Side(found.name, str(found.descriptor.digest), found.image, rootfs, found.store, cache)
    return whole if layer is None else side_of_layer(whole, layer)


def side_of_layer(side: Side, layer: int) -> Side:
    """A layer of an image alone. UsageError when there is none of that number."""
    rootfs = rootfs_of_layer(side.image, layer, side.store, side.cache, name=side.name)
    return replace(side, rootfs=rootfs, layer=layer)


Pair = tuple[Item | None, Item | None]


@dataclass(frozen=True, slots=True)
class Step:
    """A path of a walk: how deep it lies (0 is the root), what either side has there, whether the pattern chose it."""

    depth: int
    pair: Pair
    chosen: bool


Skip = Callable[[Item, Item], bool]


class Walk:
    """The two trees laid beside each other; both sides' :meth:`~..inspect.rootfs.Rootfs.prepare` has run.

    ``pattern`` chooses paths (see :mod:`..inspect.selection`); in a layer, one that starts at the root (``C:\\app``) is
    looked for below ``Files``. ``skip`` says of a folder that both have that all below is alike; it is asked after the
    folder itself was given.
    """

    def __init__(self, before: Side | None, after: Side, *, pattern: str = "", skip: Skip | None = None) -> None:
        self._before = _Tree(before) if before is not None else None
        self._after = _Tree(after)
        folded = after.windows() and (before is None or before.windows())
        self._key: Callable[[str], str] = fold if folded else str
        rooted = pattern.startswith(("/", "\\")) or pattern[1:2] == ":"
        below = ("Files",) if after.layer is not None and after.windows() and rooted else ()
        self._select = Selection(pattern, key=self._key, below=below)
        self._skip = skip

    def __iter__(self) -> Iterator[Pair]:
        """Each chosen path, a folder before what it holds, siblings by name."""
        return (step.pair for step in self.steps() if step.chosen)

    def steps(self) -> Iterator[Step]:
        """Each path with its depth, the folders that lead to chosen ones included."""
        root: Pair = (self._before.root() if self._before else None, self._after.root())
        yield Step(0, root, self._select.chosen(self._select.start))
        stack = [self._below(root, self._select.start)]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            pair, state = found
            yield Step(len(stack), pair, self._select.chosen(state))
            old, new = pair
            if old is not None and new is not None and self._skip is not None and _folder(old) and _folder(new) \
                    and self._skip(old, new):
                continue
            if (old is not None and _folder(old)) or (new is not None and _folder(new)):
                stack.append(self._below(pair, state))

    def _below(self, pair: Pair, state: State) -> Iterator[tuple[Pair, State]]:
        old = self._named(self._before, pair[0])
        new = self._named(self._after, pair[1])
        for key in sorted({*old, *new}):
            left, right = old.get(key), new.get(key)
            item = right or left
            assert item is not None
            reached = self._select.step(state, item.name)
            if reached:
                yield (left, right), reached

    def _named(self, tree: _Tree | None, folder: Item | None) -> dict[tuple[str, bool], Item]:
        """What a folder holds; a layer may take a name away and have it anew, so whiteouts count apart, and an image
        may have a ``C:\\UtilityVM``."""
        if tree is None or folder is None or not _folder(folder):
            return {}
        return {(self._key(item.name), item.entry.kind is Kind.WHITEOUT or item.path == _VM): item
                for item in tree.children(folder)}


class _Tree:
    """The files of one side, below them ``UtilityVM`` where a whole image has one: no container sees that, but a host
    boots from it."""

    def __init__(self, side: Side) -> None:
        self._files = Files(side.rootfs, layer=side.layer)
        self._union = side.rootfs.union()
        self._vm = side.layer is None and side.rootfs.layout() == "Files"

    def root(self) -> Item:
        return self._files.get("")

    def children(self, folder: Item) -> list[Item]:
        if self._vm and folder.path.startswith(_VM):
            return [self._item(found) for found in self._union.children(folder.entry.path)]
        below = self._files.children(folder)
        if self._vm and folder.path == "C:\\":
            found = self._union.get("UtilityVM")
            below += [self._item(found)] if found is not None else []
        return below

    def _item(self, found: Found) -> Item:
        held = self._union.content_of(found)
        return Item(found.entry.path, found.entry, found.layer, held.entry.size if held else found.entry.size)


_VM = "UtilityVM"


def skip_shared(before: Side, after: Side) -> Skip | None:
    """Folders that both sides take, with all they hold, from the layers that both have at the bottom: no layer above
    says a word about anything directly in them."""
    if before.layer is not None or after.layer is not None or before.windows() is not after.windows():
        return None
    shared = shared_layers(before.image, after.image)
    above: tuple[Index, ...] = before.rootfs.union().indexes[shared:] + after.rootfs.union().indexes[shared:]

    def skip(old: Item, new: Item) -> bool:
        if old.layer != new.layer or old.layer >= shared or old.entry.path != new.entry.path:
            return False
        return not any(index.named(index.key(old.entry.path)) for index in above)

    return skip


def shared_layers(before: Image, after: Image) -> int:
    """How many layers, from the lowest up, are the same."""
    count = 0
    for old, new in zip(before.diff_ids, after.diff_ids, strict=False):
        if old != new:
            break
        count += 1
    return count


def _folder(item: Item) -> bool:
    return item.entry.kind is Kind.DIRECTORY


__all__ = ["Pair", "Side", "Skip", "Step", "Walk", "shared_layers", "side_of", "side_of_layer", "skip_shared"]
