# SPDX-License-Identifier: Apache-2.0
"""Changes become layer entries: parents, casing, security, attributes and times, as NTFS would have given them.

A layer must carry an entry for every folder on the way to what it writes, and on import those entries *replace* what
the base said about the folder (hcsshim ``legacy.go``; image-spec ``layer.md``). So a folder that exists is written
exactly as it is, and only what is new gets a descriptor of ours: the one NTFS makes when a file is created there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from ...layer import Batch, Entry, Kind, Times
from ...lint.hives import CONFIG, USER_FILES
from ...windows import attributes as attribute
from ...windows.acl.inherit import inherited
from ...windows.filetime import from_unix_ns
from ...windows.security import Ace, Acl, SecurityDescriptor
from ...windows.sid import Sid, find_account
from ...windows.upcase import fold
from ..context.changes import Change, Changes, Row
from .step_tree import Node, StepTree
from .view import View, layer_path

FULL_ACCESS = 0x1F01FF
INHERIT_TO_ALL = 0x03
"""OBJECT_INHERIT_ACE | CONTAINER_INHERIT_ACE: this folder, subfolders and files."""

SPECIAL_FOLDERS = frozenset({fold(CONFIG)})
"""Folders whose files are looked at one by one: some of them are hives."""

KEPT_ATTRIBUTES = (attribute.READONLY | attribute.HIDDEN | attribute.SYSTEM | attribute.ARCHIVE
                   | attribute.NOT_CONTENT_INDEXED)
"""What CopyFile carries from a source file to its copy and a layer can express."""


def _account(name: str) -> Sid:
    sid = find_account(name)
    assert sid is not None
    return sid


@dataclass(frozen=True, slots=True)
class Looks:
    """How new things look: whose they are, when they were made, and what the user asked for by path.

    ``epoch`` is a FILETIME. With ``source_times`` a file keeps its source's modification time. ``acls`` and
    ``attributes`` are keyed by folded layer path and hold the descriptor of ``--acl`` and the change of ``--attr``;
    ``shown`` has such a path as the user wrote it.
    """

    epoch: int
    source_times: bool = False
    owner: Sid = field(default_factory=lambda: _account("BA"))
    group: Sid = field(default_factory=lambda: _account("SY"))
    acls: Mapping[str, SecurityDescriptor] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, str] = field(default_factory=dict)


Fresh = tuple[Entry, Change | None] | tuple[Batch, Row]
"""What a step writes and what it is made of: one entry, or a batch of entries."""


@dataclass(slots=True)
class Composed:
    """A layer's entries: folders as the base has them, then what is new or replaced, parents always first."""

    root: Entry
    parents: list[Entry]
    fresh: list[Fresh]

    def entries(self) -> list[Entry]:
        """Every entry below ``Files``, in order."""
        out = list(self.parents)
        for what, _unused in self.fresh:
            out += what.entries() if isinstance(what, Batch) else (what,)
        return out

    def size(self) -> int:
        """How many bytes the files have together."""
        return sum(sum(what.sizes) if isinstance(what, Batch) else what.size for what, _unused in self.fresh)

    def is_empty(self) -> bool:
        """Whether the step changes nothing."""
        return not self.fresh


class Composer:
    """Turns the changes of one step into entries, against the view of the stage before the step."""

    def __init__(self, view: View, looks: Looks) -> None:
        self._view = view
        self._looks = looks
        self._memo: dict[tuple[bytes, bool, bytes, bool], bytes] = {}
        asked = {key.rpartition("/")[0] for key in (*looks.acls, *looks.attributes)}
        self._apart = frozenset({*asked, *SPECIAL_FOLDERS})
        self._epoch = Times.all(looks.epoch)  # one value for all: what is the same object need not be compared

    def compose(self, changes: Changes) -> Composed:
        """The entries for ``changes``. Raises ContextError where a file would have to be a folder or names collide."""
        tree = StepTree(self._view, self._apart, USER_FILES)
        for change in changes.items:
            if isinstance(change, Row):
                tree.put_row(change)
            else:
                tree.put(change)
        out = Composed(self._root(), [], [])
        owner = changes.owner or self._looks.owner
        stack: list[tuple[Node | Row, bytes, bool]] = [(node, self._view.root_security, False)
                                                       for node in reversed(tree.root.sorted())]
        while stack:
            node, parent_security, in_fresh = stack.pop()
            if isinstance(node, Row):
                security = self._inherit(parent_security, False, owner, changes.owner is not None and not in_fresh)
                out.fresh += self._batches(node, security)
                continue
            security = self._place(node, parent_security, in_fresh, owner, changes.owner is not None, out)
            fresh = node.existing is None
            stack.extend((child, security, fresh) for child in reversed(node.sorted()))
        return out

    def _batches(self, row: Row, security: bytes) -> Iterator[tuple[Batch, Row]]:
        """The entries of a row, as many at once as have equal times."""
        folder, moments = layer_path(row.path), row.moments
        if not self._looks.source_times or moments.count(moments[0]) == len(moments):
            ends = [len(moments)]
        else:
            ends = [at for at in range(1, len(moments)) if moments[at] != moments[at - 1]] + [len(moments)]
        start = 0
        for end in ends:
            part = row if len(ends) == 1 else row.part(start, end)
            times = Times.all(from_unix_ns(moments[start])) if self._looks.source_times else self._epoch
            yield Batch(folder, part.names, part.sizes, attribute.ARCHIVE, security, times), part
            start = end

    def _root(self) -> Entry:
        existing = self._view.get(())
        epoch = self._epoch
        if existing is None:
            return Entry("Files", Kind.DIRECTORY, attributes=attribute.DIRECTORY, times=epoch)
        return replace(existing, path="Files", times=existing.times or epoch,
                       attributes=existing.attributes or attribute.DIRECTORY)

    def _place(self, node: Node, parent: bytes, in_fresh: bool, owner: Sid, chown: bool, out: Composed) -> bytes:
        """Put one node into ``out`` and return its descriptor, from which what is below it inherits."""
        path = layer_path(node.path)
        change, existing = node.change, node.existing
        directory = existing.is_directory() if change is None and existing is not None else (
            change is None or (change.kind is not Kind.FILE and change.kind is not Kind.SYMLINK))
        if existing is not None and (change is None or change.kind is Kind.DIRECTORY):
            security = existing.security or self._inherit(parent, True, owner, False)
            kept = replace(existing, path=path, size=0, security=security,
                           times=existing.times or self._epoch,
                           attributes=attribute.DIRECTORY if existing.attributes is None else existing.attributes)
            wanted = self._asked(kept, parent, True, owner)
            if wanted != kept:
                out.fresh.append((wanted, None))
                return wanted.security or security
            if node.children or node.rows:
                out.parents.append(kept)
            return security
        if change is not None and change.security is not None:
            security = change.security
        elif existing is not None and existing.security is not None and not chown:
            security = existing.security
        else:
            security = self._inherit(parent, directory, owner, chown and not in_fresh)
        entry = self._asked(self._entry(path, change, existing, security), parent, directory, owner)
        out.fresh.append((entry, change))
        return entry.security or security

    def _entry(self, path: str, change: Change | None, existing: Entry | None, security: bytes) -> Entry:
        if change is None:
            return Entry(path, Kind.DIRECTORY, attributes=attribute.DIRECTORY, security=security,
                         times=self._epoch)
        return Entry(path, change.kind, change.size if change.kind is Kind.FILE else 0,
                     attributes=_attributes(change, existing), security=security,
                     times=change.times or self._times(change, existing), target=change.target)

    def _times(self, change: Change, existing: Entry | None) -> Times:
        """A new thing is as old as the epoch, or its source; one that replaces another keeps what it replaces'."""
        old = existing.times if existing is not None else None
        if self._looks.source_times and change.modified is not None:
            moment = change.modified
            return Times(old.created if old else moment, moment, moment, moment)
        return old or self._epoch

    def _inherit(self, parent: bytes, directory: bool, owner: Sid, grant: bool) -> bytes:
        key = (parent, directory, owner.to_bytes(), grant)
        found = self._memo.get(key)
        if found is None:
            explicit = None
            if grant:
                ace = Ace(0, INHERIT_TO_ALL if directory else 0, FULL_ACCESS, owner)
                explicit = SecurityDescriptor(0x8004, owner, None, Acl((ace,)), None)
            made = inherited(SecurityDescriptor.from_bytes(parent), directory=directory, owner=owner,
                             group=self._looks.group, explicit=explicit)
            found = self._memo[key] = made.to_bytes()
        return found

    def _asked(self, entry: Entry, parent: bytes, directory: bool, owner: Sid) -> Entry:
        """``entry`` with what ``--acl`` and ``--attr`` ask for its path."""
        if not self._looks.acls and not self._looks.attributes:
            return entry
        key = fold(entry.path)
        wanted = self._looks.acls.get(key)
        if wanted is not None:
            made = inherited(SecurityDescriptor.from_bytes(parent), directory=directory, owner=wanted.owner or owner,
                             group=wanted.group or self._looks.group, explicit=wanted)
            entry = replace(entry, security=made.to_bytes())
        letters = self._looks.attributes.get(key)
        if letters is not None:
            entry = replace(entry, attributes=attribute.change(entry.attributes or 0, letters))
        return entry


def _attributes(change: Change, existing: Entry | None) -> int:
    if change.kind is Kind.DIRECTORY:
        return attribute.DIRECTORY | ((change.attributes or 0) & KEPT_ATTRIBUTES)
    if change.kind in (Kind.DIRECTORY_SYMLINK, Kind.JUNCTION):
        return attribute.DIRECTORY | attribute.REPARSE_POINT
    if change.kind is Kind.SYMLINK:
        return attribute.ARCHIVE | attribute.REPARSE_POINT
    if existing is not None and existing.attributes is not None and existing.kind is Kind.FILE:
        return (existing.attributes & KEPT_ATTRIBUTES) | attribute.ARCHIVE
    if change.attributes is not None:
        return (change.attributes & KEPT_ATTRIBUTES) or attribute.NORMAL
    return attribute.ARCHIVE
