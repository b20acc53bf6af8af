# SPDX-License-Identifier: Apache-2.0
"""Files of an image by the paths people use, with what Windows keeps for each: owner, ACL, attributes, links.

:class:`Files` looks at what a container would see (all layers laid over one another) or at one layer as it is, with
its whiteouts and hives. Reading the layers' indexes is :class:`~imagebuild.images.inspect.rootfs.Rootfs`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from ...errors import FormatError, NotFoundError, UsageError
from ...layer import Entry, Found, Kind, Union
from ...oci import Image
from ...stores import Store
from ...windows import attributes as attribute
from ...windows.filetime import to_iso
from ...windows.names import join, parse_path
from ...windows.upcase import fold
from .rootfs import IndexCache, Rootfs

if TYPE_CHECKING:
    from ...windows.security import SecurityDescriptor

MAX_LINKS = 63
"""Links followed on the way to a file; Windows gives up after 63."""
_DEVICE = ("\\??\\", "\\\\?\\")
_TOPS = ("files", "hives", "utilityvm")


@dataclass(frozen=True, slots=True)
class Item:
    """One file or folder: ``path`` as it is shown (``C:\\app\\x.txt``; in one layer ``Files/app/x.txt``), its entry,
    and the number of the layer it comes from, 0 for the lowest. ``implied`` folders have no entry of their own."""

    path: str
    entry: Entry
    layer: int
    size: int = 0

    @property
    def name(self) -> str:
        """The last component."""
        return self.path.replace("\\", "/").rstrip("/").rpartition("/")[2] or self.path

    @property
    def owner(self) -> str:
        """The owner's name, or SID where it has none; empty when the entry has no security descriptor."""
        return _owner(self.entry.security) if self.entry.security is not None else ""

    @property
    def letters(self) -> str:
        """Attributes as letters, ``RHSDA…``; empty when the layer does not say."""
        return attribute.letters(self.entry.attributes) if self.entry.attributes is not None else ""

    @property
    def modified(self) -> str:
        """ISO 8601, empty when the layer does not say."""
        return to_iso(self.entry.times.modified) if self.entry.times is not None else ""

    def sddl(self) -> str:
        """The security descriptor as SDDL; empty when there is none."""
        return _sddl(self.entry.security) if self.entry.security is not None else ""

    def words(self) -> list[str]:
        """The security descriptor in words, one line each."""
        return list(_words(self.entry.security)) if self.entry.security is not None else []

    def facts(self) -> dict[str, Any]:
        """For JSON: everything the layer says."""
        entry = self.entry
        times = entry.times
        return {
            "path": self.path, "layer_path": entry.path, "kind": entry.kind.value, "size": self.size,
            "attributes": entry.attributes, "attribute_letters": self.letters, "owner": self.owner,
            "sddl": self.sddl() or None, "layer": self.layer, "target": entry.target or None,
            "times": None if times is None else {
                "created": to_iso(times.created), "modified": to_iso(times.modified),
                "accessed": to_iso(times.accessed), "changed": to_iso(times.changed)},
            "eas": {name: value.hex() for name, value in entry.eas},
        }


# The files of an image share a few hundred security descriptors, so each is read once.

@lru_cache(maxsize=4096)
def _descriptor(security: bytes) -> SecurityDescriptor | None:
    from ...windows.security import SecurityDescriptor

    try:
        return SecurityDescriptor.from_bytes(security)
    except FormatError:  # what cannot be read is not spelt out; lint says what is wrong with it
        return None


@lru_cache(maxsize=4096)
def _owner(security: bytes) -> str:
    from ...windows.sid import account_name

    sd = _descriptor(security)
    return account_name(sd.owner) if sd is not None and sd.owner is not None else ""


@lru_cache(maxsize=4096)
def _sddl(security: bytes) -> str:
    from ...windows.acl.sddl import format_sddl

    sd = _descriptor(security)
    return f"(damaged: {len(security)} bytes that are no security descriptor)" if sd is None else format_sddl(sd)


@lru_cache(maxsize=4096)
def _words(security: bytes) -> tuple[str, ...]:
    from ...windows.acl.text import describe

    sd = _descriptor(security)
    return (_sddl(security),) if sd is None else tuple(describe(sd))


class Files:
    """The files of ``rootfs``, whose :meth:`~.rootfs.Rootfs.prepare` has run.

    With ``layer``, one layer is shown as its tar has it, whiteouts and hives included (``rootfs`` may then be one of
    :func:`rootfs_of_layer`, which reads no other): paths are then those of the layer (``Files/app``, ``Hives``), and a
    path that starts at the root (``C:\\app``, ``/app``) is looked for below ``Files``.
    """

    def __init__(self, rootfs: Rootfs, *, layer: int | None = None) -> None:
        self.rootfs = rootfs
        self.layer = layer
        self._prefix = rootfs.layout()
        self._union = rootfs.union()
        if layer is not None and len(self._union.indexes) > 1:
            _check_number(layer, len(self._union.indexes), rootfs.name)
            self._union = Union(self._union.indexes[layer:layer + 1])

    # --- looking ----------------------------------------------------------------------------------------------------

    def get(self, path: str) -> Item:
        """What stands at ``path``, links on the way to it followed, itself not. NotFoundError when nothing does."""
        components = self._components(path)
        return self._at(self._resolved(components, path, last=False), path)

    def target(self, path: str) -> Item:
        """What stands at ``path`` in the end, with every link followed."""
        return self._at(self._resolved(self._components(path), path, last=True), path)

    def find(self, path: str = "", *, recursive: bool = False, itself: bool = False) -> Iterator[Item]:
        """What is in the folder ``path`` (or the one thing it is, or what matches it as a pattern of ``*``, ``?`` and
        ``[…]``), siblings by name; ``recursive`` goes on below. ``itself`` shows a folder and not what it holds.

        A link to a folder is shown as the link it is, and not entered.
        """
        components = self._components(path)
        # A name may hold brackets: what is there under exactly this name is meant before what it matches.
        if any(_wild(name) for name in components) and self._get(components) is None:
            found = list(self._matches(components))
            if not found:
                raise NotFoundError(f"nothing in {self._what()} matches {path}", path=path)
            for item in found:
                yield item
                if recursive and not itself and item.entry.kind is Kind.DIRECTORY:
                    yield from self._below(self._layer_components(item.entry), recursive=True)
            return
        item = self._at(self._resolved(components, path, last=False), path)
        if item.entry.kind is not Kind.DIRECTORY or itself:
            yield item
            return
        yield from self._below(self._layer_components(item.entry), recursive=recursive)

    def children(self, item: Item) -> list[Item]:
        """What is directly in a folder."""
        return list(self._below(self._layer_components(item.entry), recursive=False))

    def layer_path(self, item: Item) -> str:
        """The path under which :meth:`~.rootfs.Rootfs.fetch` finds an item's content."""
        return item.entry.path

    # --- details ----------------------------------------------------------------------------------------------------

    def _what(self) -> str:
        name = self.rootfs.name or "the image"
        return name if self.layer is None else f"layer {self.layer} of {name}"

    def _components(self, path: str) -> tuple[str, ...]:
        if self.layer is None:
            return parse_path(path)
        plain = path.replace("\\", "/")
        first = plain.strip("/").partition("/")[0].lower()
        if not plain.startswith("/") and plain[1:2] != ":" and (first in _TOPS or not self._prefix or not first):
            return parse_path(plain)
        return (self._prefix, *parse_path(path)) if self._prefix else parse_path(path)

    def _layer_path(self, components: tuple[str, ...]) -> str:
        if self.layer is None and self._prefix:
            return "/".join((self._prefix, *components))
        return "/".join(components)

    def _layer_components(self, entry: Entry) -> tuple[str, ...]:
        parts = tuple(entry.path.split("/")) if entry.path else ()
        return parts[1:] if self.layer is None and self._prefix else parts

    def _get(self, components: tuple[str, ...]) -> Found | None:
        path = self._layer_path(components)
        if self.layer is None:
            found = self._union.get(path) if path else None
        else:
            entry = self._union.indexes[0].get(path) if path else None
            found = Found(entry, 0) if entry is not None else None
        if found is None and not components:
            return Found(Entry(path, Kind.DIRECTORY), self.layer or 0)  # the root is there, whatever the tar says
        return found

    def _at(self, components: tuple[str, ...], asked: str) -> Item:
        found = self._get(components)
        if found is None:
            raise NotFoundError(f"there is no {asked or 'root'} in {self._what()}", path=asked,
                                hint=f"'wcow ls {self.rootfs.name}' shows what there is" if self.rootfs.name else "")
        return self._item(found)

    def _item(self, found: Found) -> Item:
        components = self._layer_components(found.entry)
        if self.layer is not None:
            shown = "/".join(components) or "/"
        else:
            shown = join(components) if self._prefix else "/" + "/".join(components)
        entry, size = found.entry, found.entry.size
        held = self._union.content_of(found) if entry.kind is Kind.HARD_LINK else None
        if held is not None:  # two names of one file: NTFS keeps all of this once, with the file
            entry = replace(entry, attributes=held.entry.attributes, security=held.entry.security,
                            times=held.entry.times, eas=held.entry.eas)
            size = held.entry.size
        return Item(shown, entry, found.layer if self.layer is None else self.layer, size)

    def _children(self, components: tuple[str, ...]) -> list[Found]:
        path = self._layer_path(components)
        if self.layer is None:
            return self._union.children(path)
        return [Found(entry, 0) for entry in self._union.indexes[0].children(path)]

    def _below(self, components: tuple[str, ...], *, recursive: bool) -> Iterator[Item]:
        stack = [iter(self._children(components))]
        while stack:
            found = next(stack[-1], None)
            if found is None:
                stack.pop()
                continue
            yield self._item(found)
            if recursive and found.entry.kind is Kind.DIRECTORY:
                stack.append(iter(self._children(self._layer_components(found.entry))))

    def _matches(self, pattern: tuple[str, ...]) -> Iterable[Item]:
        from ...dockerfile.patterns.globs import match

        key: Callable[[str], str] = fold if self._prefix else str  # Linux' names differ by case
        level: list[tuple[str, ...]] = [()]
        for name in pattern:
            if not _wild(name):
                level = [(*path, name) for path in level]
                continue
            level = [self._layer_components(found.entry) for path in level
                     for found in self._children(self._resolved(path, "/".join(path), last=True))
                     if match(key(name), key(found.entry.path.rpartition("/")[2]))]
        for path in level:
            found = self._get(self._resolved(path, "/".join(path), last=False))
            if found is not None:
                yield self._item(found)

    def _resolved(self, components: tuple[str, ...], asked: str, *, last: bool) -> tuple[str, ...]:
        """``components`` with the links on the way followed; with ``last`` the thing itself, too."""
        if self.layer is not None:
            return components  # one layer alone cannot tell where a link leads
        done: tuple[str, ...] = ()
        todo, links = list(components), 0
        while todo:
            here = (*done, todo.pop(0))
            found = self._get(here)
            if found is None or not found.entry.is_reparse() or not (todo or last):
                done = here
                continue
            links += 1
            if links > MAX_LINKS:
                raise NotFoundError(f"cannot follow {asked} in {self._what()}",
                                    why="the links on the way run in a circle", path=asked)
            todo = [*self._link(found.entry, done, asked), *todo]
            done = ()
        return done

    def _link(self, entry: Entry, folder: tuple[str, ...], asked: str) -> tuple[str, ...]:
        target = entry.target
        for device in _DEVICE:
            target = target.removeprefix(device)
        if target.lower().startswith("volume{"):
            raise NotFoundError(f"cannot follow {asked} in {self._what()}",
                                why=f"{entry.path} leads to another volume, {entry.target}", path=asked)
        return parse_path(target, folder)


def rootfs_of_layer(image: Image, number: int, store: Store, cache: IndexCache, *, name: str = "") -> Rootfs:
    """One layer of an image, counted from 0, the lowest. No other layer is read. UsageError when there is none."""
    _check_number(number, min(len(image.layers), len(image.diff_ids)), name)
    alone = Image(replace(image.manifest, layers=(image.layers[number],)),
                  replace(image.config, diff_ids=(image.diff_ids[number],)))
    return Rootfs(alone, store, cache, name=name)


def _check_number(number: int, count: int, name: str) -> None:
    if not 0 <= number < count:
        raise UsageError(f"{name or 'the image'} has no layer {number}", why="it has none at all" if not count else
                         f"it has {count}, numbered 0 (the lowest) to {count - 1}")


def _wild(name: str) -> bool:
    return any(char in name for char in "*?[")


__all__ = ["Files", "Item", "rootfs_of_layer"]
