# SPDX-License-Identifier: Apache-2.0
"""Checks of the tree that a layer's entries make: parents, doubles, links, whiteouts, and what stands at the top."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from ...errors import FormatError, WcowError, quoted
from ...layer import Batch, Kind
from ...layer.spellings import Spellings
from ...windows.names import parse_path
from ...windows.upcase import fold
from ..hives import DELTAS
from ..report import Report
from .item import Item
from .lower import LowerHives
from .names import SUSPICIOUS, check_component

MEMORY = 1 << 30
"""About how many bytes of names are kept for one layer; a layer with more is refused."""
BELOW = 4_000_000
"""How many names of lower layers are kept for hard links into them; beyond that such links are not verified."""
PLAIN_COST = 500
"""About how many bytes one more plain file takes, its name included."""
_LINKABLE = ("Files/", "UtilityVM/Files/")
_UTILITY_VM = fold("UtilityVM/Files")
_OPAQUE, _AUFS = ".wh..opq", ".wh."


@dataclass(slots=True)
class Below:
    """What the lower layers of an image hold, as far as rules ask. ``names``: folded path to whether it is a folder,
    ``None`` when not all of them are known."""

    names: dict[str, bool] | None = field(default_factory=dict)
    folders: dict[str, tuple[int | None, bytes | None]] = field(default_factory=dict)
    deltas: frozenset[str] | None = None
    hives: LowerHives = field(default_factory=LowerHives)

    def has(self, key: str) -> bool | None:
        """Whether a lower layer has something there; ``None`` when nobody knows."""
        return None if self.names is None else key in self.names

    def absorb(self, tree: Tree) -> None:
        """Lay a layer on top. Whiteouts are not carried out: a link to what is gone is not noticed."""
        if self.names is None:
            return
        folders = set(tree.dirs.values())
        if len(self.names) + len(tree.seen) > BELOW:
            self.names = None
        else:
            self.names.update((key, key + "/" in folders) for key in tree.seen)


class Tree:
    """The names of one layer so far, and the questions that only its end can answer."""

    def __init__(self, report: Report, below: Below | None = None) -> None:
        self.seen = Spellings()
        self.dirs: dict[str, str] = {"": ""}  # spelling of a folder -> folded path with its slash
        self.memory = 0
        self.whiteouts = False
        self.gone: dict[str, str] = {}
        self.last_folder: str | None = None
        self._report = report
        self._below = below
        self._tops: set[str] = set()
        self._reparse: set[str] = set()
        self._missing: dict[str, tuple[str, str, int | None]] = {}  # folder -> spelling, first content, offset
        self._links: list[tuple[str, str, int | None]] = []
        self._symlinks: list[tuple[str, str, bool, int | None]] = []

    def place(self, item: Item) -> None:
        """Give an entry that is no whiteout its place."""
        folder, kind = item.folder, item.kind
        prefix = self.dirs.get(folder)
        if prefix is None:
            prefix = self._parent(item)
        if not folder or not item.path.startswith("Files/"):
            self._outside_files(item)
        item.key = key = prefix + fold(item.base)
        if key in self.seen:
            self._double(item)
        elif key in self._missing:
            self._late(item)
        self._kept(item.path)
        self.seen[key] = item.path
        if self.gone and key in self.gone:
            self._own_whiteout(item.path, item.offset)
        if kind is Kind.FILE:
            self.last_folder = None
        elif kind is Kind.DIRECTORY:
            self.dirs[item.path] = key + "/"
            self.last_folder = item.path
        else:
            self.last_folder = None
            if kind is Kind.HARD_LINK:
                self._hard_link(item)
            else:
                self._reparse.add(key)
                self._symlink(item)

    def open_questions(self) -> bool:
        """Whether a plain file at the right place could still answer something that was asked before it came."""
        return bool(self.gone or self._missing)

    def place_batch(self, batch: Batch) -> bool:
        """Give all files of a batch their place, if nothing about any of them needs a closer look."""
        prefix = self.dirs.get(batch.folder)
        if prefix is None or self.open_questions() or self.seen.meets(prefix, batch):
            return False
        self.seen.add(prefix, batch)
        self.memory += PLAIN_COST * len(batch)
        self.last_folder = None
        return True

    def _parent(self, item: Item) -> str:
        """The folded path of a parent that was not met under this spelling; each fault of a folder is told once."""
        folder = item.folder
        key = fold(folder)
        known = self.seen.get(key)
        if known is not None:
            if key in self._reparse:
                self._report("below-reparse-point", f"{known} is a symlink or junction", item.path, item.offset)
            elif self.dirs.get(known) != key + "/":
                self._report("below-file", f"{known} is no folder", item.path, item.offset)
        else:
            parts = folder.split("/")
            for count in range(len(parts), 0, -1):
                above = "/".join(parts[:count])
                above_key = fold(above)
                if above_key in self.seen or above_key in self._missing:
                    break
                # Whether it never comes or comes too late, only the end of the layer tells.
                self._missing[above_key] = (above, item.path, item.offset)
                self._kept(above)
                name = parts[count - 1]
                if len(name) > 255 or SUSPICIOUS.search(name):
                    check_component(name, above, item.offset, self._report)
        self.dirs[folder] = key + "/"
        return key + "/"

    def _double(self, item: Item) -> None:
        other = self.seen[item.key]
        if other == item.path:
            self._report("duplicate-entry", "it was there before", item.path, item.offset)
        else:
            self._report("case-collision", f"{other} was there before, and is the same name to Windows", item.path,
                         item.offset)

    def _late(self, item: Item) -> None:
        _kind, content, _size = self._missing.pop(item.key)
        if item.kind is Kind.DIRECTORY:
            self._report("parent-late", f"its content {content} came before it", item.path, item.offset)
        else:
            self._report("below-file", f"{content} was before it, and it is no folder", item.path, item.offset)

    def _outside_files(self, item: Item) -> None:
        top, _unused, below = item.path.partition("/")
        report, name, offset = self._report, item.name, item.offset
        if top not in self._tops:
            self._tops.add(top)
            if top == "Hives":
                report("hives-in-base", "Windows makes Hives of a base itself", item.path, offset)
            elif top == "UtilityVM":
                report("utilityvm-in-cim-layer", "CimFS takes it in a base only", item.path, offset)
                if self._below is not None and self._below.has(_UTILITY_VM) is False:
                    report("utilityvm-without-parent", "no layer below has UtilityVM/Files", item.path, offset)
            elif top != "Files":
                near = {"FILES": "Files", "HIVES": "Hives", "UTILITYVM": "UtilityVM"}.get(fold(top))
                report("unknown-top-level", f"{quoted(top[:100])} stands at the top of the layer"
                       + (f", {near} is spelt otherwise" if near else ""), item.path, offset)
        if top == "Hives":
            if below:
                proper = DELTAS.get(fold(below))
                if proper != below or item.kind is not Kind.FILE:
                    report("unknown-hive", f"it is a {item.kind.value}" if proper == below else
                           f"it is spelt {proper}" if proper else "it is none of the five deltas", item.path, offset)
        elif name.endswith("/") and item.path == "UtilityVM":
            report("utilityvm-trailing-slash", "'UtilityVM/' is overlooked, and every entry below it fails", name,
                   offset, "layer")
        elif name.endswith("/") and item.path == "UtilityVM/Files":
            report("utilityvm-trailing-slash", "'UtilityVM/Files/' is overlooked, the utility VM not prepared", name,
                   offset, "base")

    def whiteout(self, item: Item) -> None:
        """An entry that takes a path away."""
        report, path, name, offset = self._report, item.path, item.name, item.offset
        self.whiteouts = True
        report("whiteout-in-base", "it takes something away, and there is nothing below", name, offset)
        if item.base == _OPAQUE:
            report("whiteout-opaque", f"it is meant to empty {item.folder}", name, offset)
        elif item.base in ("", ".", "..") or item.base.startswith(_AUFS):
            report("whiteout-name", f"{quoted(item.base)} is no name that could go", name, offset)
            return
        if not path.startswith(_LINKABLE):
            report("whiteout-outside-files", f"{path} is not below Files or UtilityVM/Files", name, offset)
        elif self.last_folder != item.folder:
            report("whiteout-order", f"it does not stand behind the entry of {item.folder}", name, offset)
        key = fold(path)
        self._kept(path)
        self.gone[key] = path
        if key in self.seen:
            self._own_whiteout(name, offset)

    def _own_whiteout(self, name: str, offset: int | None) -> None:
        self._report("whiteout-of-own-entry", "the layer both brings it and takes it away", name, offset)

    def _hard_link(self, item: Item) -> None:
        target, report = item.target, self._report
        if not target.startswith(_LINKABLE):
            report("hard-link-unprefixed", f"its target is {target[:200] or 'empty'}", item.path, item.offset)
            return
        if not item.path.startswith(_LINKABLE):
            report("hard-link-unprefixed", f"the link itself is not below {' or '.join(_LINKABLE)}", item.path,
                   item.offset)
        key = fold(target)
        known = self.seen.get(key)
        if known is None or key == item.key:
            self._kept(target)
            self._links.append((item.path, target, item.offset))
        elif self.dirs.get(known) == key + "/":
            report("hard-link-to-folder", f"{known} is a folder", item.path, item.offset)
        elif known != target:
            report("hard-link-spelling", f"its target {target} is spelt {known} there", item.path, item.offset)

    def _symlink(self, item: Item) -> None:
        """Symlinks are looked at when all is there that they could lead to."""
        target = item.target.replace("/", "\\")
        as_file = item.kind is Kind.SYMLINK
        if item.path.startswith("Files/") and (as_file or target.startswith("Files\\")):
            self._kept(target)
            self._symlinks.append((item.path, target, as_file, item.offset))

    def finish(self) -> None:
        """What only the end of the layer tells."""
        report = self._report
        for spelling, content, offset in self._missing.values():
            if spelling != "Files" and spelling != "Hives":
                report("parent-missing", f"{spelling} has no entry of its own before {content}", spelling, offset)
        if "Files" not in self.dirs or "FILES" in self._missing:
            report("missing-files", "no entry Files: this is no layer of Windows" if "FILES" not in self._missing else
                   "no entry for Files itself, only for what is in it")
        if self.dirs.get("Hives") != "HIVES/" or "HIVES" in self._missing:
            report("missing-hives", "no entry Hives")
        for path, target, offset in self._links:
            self._finish_link(path, target, offset)
        if self._symlinks:
            folders = set(self.dirs.values())
            for path, target, as_file, offset in self._symlinks:
                self._finish_symlink(path, target, as_file, offset, lambda key: key + "/" in folders)

    def _finish_link(self, path: str, target: str, offset: int | None) -> None:
        key = fold(target)
        if key in self.seen and self.seen[key] != path:
            self._report("hard-link-late", f"its target {target} comes after it", path, offset)
            return
        below = None if self._below is None else self._below.has(key)
        if below is None and self._report.base is not True:
            self._report("hard-link-unverified", f"its target {target} must be in a lower layer", path, offset, "layer")
            self._report("hard-link-missing", f"its target {target} is not there", path, offset, "base")
        elif not below:
            self._report("hard-link-missing", f"its target {target} is not there", path, offset)

    def _finish_symlink(self, path: str, target: str, as_file: bool, offset: int | None,
                        is_folder: Callable[[str], bool]) -> None:
        below = self._below.names if self._below is not None else None
        folder = path.rpartition("/")[0].split("/")[1:]
        if target.startswith("Files\\"):
            beside = fold("/".join(("Files", *folder, "Files")))
            if beside not in self.seen and beside not in self._missing and beside not in (below or {}):
                self._report("symlink-files-prefix", f"its target is {target[:200]}", path, offset)
                return
        if not as_file or not target:  # that a target is empty is told with the entry
            return
        try:
            led = parse_path(target, tuple(folder))
        except WcowError:  # a target that is no path leads to no folder
            return
        key = fold("/".join(("Files", *led)))
        if is_folder(key) or (below or {}).get(key):
            self._report("symlink-to-folder", f"its target {target[:200]} is a folder", path, offset)

    def _kept(self, path: str) -> None:
        """Count what is kept in memory."""
        self.memory += 2 * len(path) + 200
        if self.memory > MEMORY:
            raise FormatError("cannot examine the layer", why=f"it has more names than {MEMORY >> 20} MiB hold")


__all__ = ["Below", "Tree"]
