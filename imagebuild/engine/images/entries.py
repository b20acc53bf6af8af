# SPDX-License-Identifier: Apache-2.0
"""The entries of a layer from what a container changed: as its image spells names, with the security Windows gives.

What is there keeps its descriptor unless a program gave it another (``icacls``, ``Set-Acl``); what is new inherits from
its folder, as NTFS does it. Wine's own files that the
image does not have are none of the image's: when they go, there is nothing to white out. ``Hives`` stays empty: what
changed in the registry goes into a layer of its own.
"""

from __future__ import annotations

from dataclasses import replace

from ...builder.compose.view import layer_path
from ...builder.execute.view_of import over_union
from ...images.inspect.rootfs import Rootfs
from ...layer import Entry, Kind, Times
from ...layer.order import order
from ...runtime.registry import identity
from ...runtime.snapshots.changes import Changed
from ...runtime.snapshots.merged import Parts
from ...runtime.snapshots.security import with_account
from ...windows import attributes as attribute
from ...windows.acl.inherit import inherited
from ...windows.security import SecurityDescriptor
from ...windows.sid import ADMINISTRATORS, CONTAINER_ADMINISTRATOR, CONTAINER_USER
from ...windows.upcase import fold

KEPT = attribute.READONLY | attribute.HIDDEN | attribute.SYSTEM

Content = bytes | Parts | None
"""What a file holds: bytes, or the path of a file that the container changed."""


class Entries:
    """Collects the entries of one layer over a prepared image. ``epoch`` is the FILETIME of what has no time of its
    own."""

    def __init__(self, rootfs: Rootfs, epoch: int) -> None:
        self._rootfs = rootfs
        self._view = over_union(rootfs.union(), rootfs.image.config, rootfs.name)
        self._times = Times.all(epoch)
        self._entries: dict[str, tuple[Entry, Content]] = {}
        self._folders: dict[str, bytes] = {}  # descriptors of those that have an entry
        self._spellings: dict[Parts, str] = {}
        user = identity.account(rootfs.image.config.run.user)
        self._account = CONTAINER_USER if user == identity.OTHER_USER else CONTAINER_ADMINISTRATOR
        root = self._view.get(())
        self._put(replace(root, path="Files", times=root.times or self._times, security=None) if root is not None
                  else Entry("Files", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=self._times), None)
        self._put(Entry("Hives", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=self._times), None)

    def add(self, change: Changed) -> None:
        """One change; a folder comes before what is in it."""
        existing = self._view.get(change.path)
        if change.kind is Kind.WHITEOUT:
            if existing is not None:
                self._folder(change.path[:-1])
                self._put(Entry(self._spelt(change.path), Kind.WHITEOUT), None)
            return
        if change.kind is Kind.DIRECTORY:
            self._folder(change.path, change.attributes, self._given(change))
            return
        security = self._folder(change.path[:-1])
        entry = Entry(self._spelt(change.path), change.kind, change.size if change.kind is Kind.FILE else 0,
                      _attributes(change, existing), None, self._moment(change, existing), self._target(change))
        if change.kind is not Kind.HARD_LINK:
            own = existing.security if existing is not None and existing.kind is change.kind else None
            entry = replace(entry, security=self._given(change) or own or _inherit(security, directory=bool(
                (entry.attributes or 0) & attribute.DIRECTORY)))
        self._put(entry, change.path if change.kind is Kind.FILE else None)

    def ordered(self) -> list[tuple[Entry, Content]]:
        """Every entry with its content, in the order a layer has them."""
        contents = {entry.path: content for entry, content in self._entries.values()}
        return [(entry, contents[entry.path]) for entry in order(entry for entry, _content in self._entries.values())]

    def _given(self, change: Changed) -> bytes:
        """The descriptor that a program gave a file; empty where none did."""
        return with_account(change.security, self._account) if change.security else b""

    def _folder(self, path: Parts, attributes: int | None = None, given: bytes = b"") -> bytes:
        """The descriptor of a folder, which gets an entry with all on the way to it. ``given`` is the one it has got.
        """
        above, count = self._known(path if attributes is None else path[:-1])
        for end in range(count + 1, len(path) + 1):
            last = end == len(path)
            above = self._put_folder(path[:end], above, attributes if last else None, given if last else b"")
        return above

    def _known(self, path: Parts) -> tuple[bytes, int]:
        """The descriptor of the nearest folder on this way that has an entry, and the number of its parts."""
        for count in range(len(path), 0, -1):
            if (known := self._folders.get(fold("\\".join(path[:count])))) is not None:
                return known, count
        return self._view.root_security, 0

    def _put_folder(self, path: Parts, above: bytes, attributes: int | None, given: bytes) -> bytes:
        existing = self._view.get(path)
        there = existing is not None and existing.kind is Kind.DIRECTORY
        old = existing.attributes if there and existing and existing.attributes is not None else attribute.DIRECTORY
        wanted = old if attributes is None else (old & ~(attribute.HIDDEN | attribute.SYSTEM)) | attributes
        security = given or (existing.security if there and existing else None) or _inherit(above, directory=True)
        times = existing.times if there and existing else None
        self._put(Entry(self._spelt(path), Kind.DIRECTORY, attributes=wanted | attribute.DIRECTORY, security=security,
                        times=times or self._times), None)
        self._folders[fold("\\".join(path))] = security
        return security

    def _spelt(self, path: Parts) -> str:
        """A layer path as the image, or this layer before it, spells it."""
        known = next((count for count in range(len(path) - 1, 0, -1) if path[:count] in self._spellings), 0)
        spelt = self._spellings[path[:known]] if known else layer_path(())
        for end in range(known + 1, len(path) + 1):
            entry = self._entries.get(fold(layer_path(path[:end])))
            found = self._view.get(path[:end]) or (entry[0] if entry else None)
            spelt = f"{spelt}/{found.path.rpartition('/')[2] if found is not None else path[end - 1]}"
            if end < len(path):
                self._spellings[path[:end]] = spelt
        return spelt

    def _target(self, change: Changed) -> str:
        if change.kind is not Kind.HARD_LINK:
            return change.target
        return self._spelt(tuple(change.target.split("/")[1:]))

    def _moment(self, change: Changed, existing: Entry | None) -> Times:
        created = existing.times.created if existing is not None and existing.times is not None else change.modified
        return Times(created, change.modified, change.modified, change.modified)

    def _put(self, entry: Entry, content: Content) -> None:
        self._entries[fold(entry.path)] = entry, content


def _inherit(parent: bytes, *, directory: bool) -> bytes:
    return inherited(SecurityDescriptor.from_bytes(parent), directory=directory, owner=ADMINISTRATORS).to_bytes()


def _attributes(change: Changed, existing: Entry | None) -> int:
    if change.kind in (Kind.DIRECTORY_SYMLINK, Kind.JUNCTION):
        return attribute.DIRECTORY | attribute.REPARSE_POINT
    if change.kind is Kind.SYMLINK:
        return attribute.ARCHIVE | attribute.REPARSE_POINT
    old = existing.attributes if existing is not None and existing.kind is Kind.FILE and existing.attributes else 0
    return (old & ~(KEPT | attribute.NORMAL)) | (change.attributes & KEPT) | attribute.ARCHIVE


__all__ = ["Content", "Entries"]
