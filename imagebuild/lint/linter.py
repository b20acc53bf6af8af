# SPDX-License-Identifier: Apache-2.0
"""Examines one layer, entry by entry, while it is read or while it is written."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from ..codec.readers import Readable
from ..hive import Hive
from ..layer import Batch, Entry, Kind, Limits
from ..layer.tarstream import DEFAULT_LIMITS, Header
from ..windows.upcase import fold
from .checks.inside import Depth, Inside
from .checks.item import TYPEFLAGS, Item, kind_of, records_of
from .checks.lower import compare
from .checks.names import DEVICES, HARMLESS, SUSPICIOUS, check_component, is_stream, text_of, tidy
from .checks.tree import PLAIN_COST, Below, Tree
from .checks.values import Records, check_values
from .hives import BASE_HIVES, BCD, CONFIG, PLACES, Place, place_of
from .report import Report
from .rules.finding import IMPORTERS, Finding, Importer
from .spool import Content, spool

_WHITEOUT = ".wh."
_SPECIAL = frozenset(PLACES)
_SPECIAL_FOLDERS = frozenset(key.rpartition("/")[0] for key in _SPECIAL)


class LayerLinter:
    """The checks of one layer.

    Either :meth:`header` is called with each header of a tar, or :meth:`entry` with each entry of a layer that is
    being written, in their order; then :meth:`finish`. Each call gives the findings it led to, most often none.

    ``base`` says whether it is the first layer of its image; ``None`` leaves that to be found out: a layer with hives
    in ``Files/Windows/System32/config``, without ``Hives`` and without whiteouts is one. ``number`` and ``digest`` are
    handed on in findings. ``below`` is what lower layers hold, where they are known. ``hives`` says how much of them is
    looked at (see ``inside.py``).
    """

    def __init__(self, *, base: bool | None = False, number: int | None = None, digest: str = "",
                 importers: Collection[Importer] = IMPORTERS, ignore: Collection[str] = (),
                 below: Below | None = None, limits: Limits = DEFAULT_LIMITS, hives: Depth = "quick") -> None:
        self.report = Report(importers=importers, ignore=ignore, base=base, layer=number, digest=digest)
        self.tree = Tree(self.report, below)
        self.folders: dict[str, tuple[int | None, bytes | None]] = {}
        self.deltas: dict[str, tuple[str, int | None]] = {}
        self._below = below
        self._limits = limits
        self._records = Records()
        self._inside = Inside(self.report, hives)
        self._config_hives: set[str] = set()
        self._opened: dict[str, Hive | None] = {}  # by the name of the machine's hive
        self._bcd = False
        self._owner = ""  # the name, as written, of the entry that an alternate stream could belong to
        self._last: Entry | None = None
        self._well_known = _well_known() if below is not None else frozenset()

    def header(self, header: Header, body: Readable | None = None) -> list[Finding]:
        """One header of a tar; ``body`` is its content, which is read for hives only."""
        report, offset = self.report, header.offset
        name = text_of(header.name, offset, report)
        path = tidy(name, offset, report, self._limits)
        if path:
            facts = self._records.facts(header.pax)
            kind = kind_of(header.typeflag, facts)
            target = ""
            if kind is Kind.HARD_LINK or header.typeflag == b"2":
                target = text_of(header.linkname, offset, report)
            if kind is Kind.HARD_LINK:
                target = target.replace("\\", "/").rstrip("/")
            item = Item(name, path, kind, facts, typeflag=header.typeflag, size=header.size, target=target,
                        offset=offset)
            self._examine(item)
            place = place_of(item.key)
            if place is not None:
                wanted = body is not None and self._counts(item, place)
                self._hive(item, place, spool(body, header.size) if wanted and body is not None else None)
        return report.take()

    def global_header(self, offset: int) -> list[Finding]:
        """A global PAX header, which stands at ``offset``."""
        self.report("global-header", "its records are for all entries, and it is one itself", "pax_global_header",
                    offset)
        return self.report.take()

    def entry(self, entry: Entry, content: Content | None = None) -> Sequence[Finding]:
        """One entry of a layer that is being written. ``content`` is that of a file which ``hives.place_of`` knows;
        without it hives are not looked into. The beginning of the content is better than nothing."""
        path = entry.path
        last = self._last
        folder, _unused, base = path.rpartition("/")
        tree = self.tree
        if last is not None and content is None and entry.security is last.security and entry.times is last.times \
                and entry.attributes == last.attributes and entry.kind is last.kind and not entry.eas \
                and not entry.target:
            # One file after another with the same records: all but the name is known to be right.
            prefix = tree.dirs.get(folder)
            if prefix is not None and HARMLESS(base):
                upper = base.upper()
                key = prefix + upper
                if key not in tree.seen and key not in _SPECIAL and upper[:3] not in DEVICES and len(path) < 1000 \
                        and not tree.open_questions():
                    tree.seen[key] = path
                    tree.memory += PLAIN_COST
                    tree.last_folder = None
                    self._owner = path
                    return ()
        return self._slowly(entry, path, base, content)

    def batch(self, batch: Batch) -> Sequence[Finding]:
        """Files of one folder with the same records: the findings that :meth:`entry` gives for one after the other.

        The names of a batch are plain, and their records those of the first, which is looked at in full and remembered
        when nothing is wrong with it; what is left is whether a name was there before.
        """
        first = batch.entry(0)
        findings = list(self.entry(first))
        if len(batch) == 1:
            return findings
        rest = batch.part(1, len(batch))
        if self._last is not None and fold(batch.folder) not in _SPECIAL_FOLDERS and self.tree.place_batch(rest):
            self._owner = f"{rest.folder}/{rest.names[-1]}"
            return findings
        for entry in rest.entries():
            findings += self.entry(entry)
        return findings

    def _slowly(self, entry: Entry, path: str, base: str, content: Content | None) -> list[Finding]:
        name = path
        if entry.kind is Kind.WHITEOUT:
            name = path[:len(path) - len(base)] + _WHITEOUT + base
        if entry.kind is Kind.WHITEOUT or entry.times is not None:
            facts = self._records.facts(records_of(entry), timed=True)
        else:
            facts = self._records.facts({**records_of(entry), b"-": b""})
        item = Item(name, path, entry.kind, facts, typeflag=TYPEFLAGS[entry.kind], size=entry.size, target=entry.target)
        if len(path) <= 1000 or tidy(path, None, self.report, self._limits):
            self._examine(item)
            place = place_of(item.key)
            if place is not None:
                self._hive(item, place, content)
        plain = entry.kind is Kind.FILE and not self.report.found and self.report.base is not None \
            and not entry.eas and path.startswith("Files/")
        self._last = entry if plain else None
        return self.report.take()

    def _examine(self, item: Item) -> None:
        """Everything about an entry but the content of hives."""
        report, base = self.report, item.base
        if item.kind is not Kind.WHITEOUT and base.startswith(_WHITEOUT):
            gone = base[len(_WHITEOUT):]
            item = Item(item.name, f"{item.folder}/{gone}" if item.folder else gone, Kind.WHITEOUT, item.facts,
                        typeflag=item.typeflag, offset=item.offset)
        if item.kind is Kind.WHITEOUT:
            self.tree.whiteout(item)
            report.decide(False)
            return
        if HARMLESS(base) and base[:3].upper() not in DEVICES and ":" not in item.folder:
            pass
        elif len(base) >= 250 or SUSPICIOUS.search(base):
            if ":" in item.name and is_stream(item.name, self._owner, item.path, item.offset, report):
                return
            check_component(base, item.path, item.offset, report)
        elif ":" in item.folder and item.name.partition(":")[0] == self._owner \
                and is_stream(item.name, self._owner, item.path, item.offset, report):
            return  # the stream of a folder, whose name has a slash before the colon
        self._owner = item.name
        self.tree.place(item)
        check_values(item, report)
        if item.kind is Kind.DIRECTORY and item.key in self._well_known:
            self._well_known_folder(item)
        if report.base is None and item.path.startswith("Hives"):
            report.decide(False)

    def _well_known_folder(self, item: Item) -> None:
        """A folder that Windows brings: does the layer replace what the base says about it?"""
        now = (item.facts.attributes, item.facts.security)
        before = self._below.folders.get(item.key) if self._below is not None else None
        if before is not None:
            changed = [what for what, old, new in (("attributes", before[0], now[0]), ("security", before[1], now[1]))
                       if new is not None and old is not None and old != new]
            if changed:
                self.report("base-folder-changed", f"its {' and '.join(changed)} are not those of the layers below",
                            item.path, item.offset)
        self.folders[item.key] = now

    def _hive(self, item: Item, place: Place, content: Content | None) -> None:
        """A file that has to be a hive."""
        report, path, offset, name = self.report, item.path, item.offset, place.hive
        if place.where == "base":
            if item.kind not in (Kind.FILE, Kind.HARD_LINK):
                return
            self._config_hives.add(name)
            report("config-hive-in-layer", "what it holds has no effect in a container", path, offset)
        elif place.where == "boot":
            self._bcd = True
        elif place.where == "delta":
            self.deltas[item.key] = (path, offset)
            self._opened[name] = None
        if self._counts(item, place) and (content is not None or not item.size):
            hive = self._inside.examine(place, content or b"", item.size, path, offset)
            if self._below is None or hive is None or not name:
                return
            self._opened[name] = hive
            lower = self._below.hives.root(name) if place.where == "delta" and hive.layered else None
            if lower is not None:
                compare(hive, lower, path, offset, report)

    def _counts(self, item: Item, place: Place) -> bool:
        """Whether Windows looks into the file here: hives of a base only in one, deltas only above it."""
        unheard = {True: "delta", False: "base"}.get(self.report.base) if self.report.base is not None else None
        return item.kind is Kind.FILE and place.where != unheard

    def finish(self) -> list[Finding]:
        """What only the end of the layer tells."""
        report, tree = self.report, self.tree
        report.decide(bool(self._config_hives) and "Hives" not in tree.dirs and not tree.whiteouts)
        if len(self._config_hives) < len(BASE_HIVES):
            missing = ", ".join(name for name in BASE_HIVES if name not in self._config_hives)
            report("base-hive-missing", f"it has no {missing}", CONFIG)
        if "UtilityVM/Files" in tree.dirs and not self._bcd:
            report("utilityvm-bcd", f"there is no {BCD}", "UtilityVM/Files")
        deltas = self._below.deltas if self._below is not None else None
        if deltas is not None:
            for key, (path, offset) in self.deltas.items():
                if key not in deltas:
                    report("delta-above-no-delta", f"the layer below has no {path.rpartition('/')[2]}", path, offset)
        tree.finish()
        return report.take()

    def lay_on(self, below: Below) -> None:
        """Let the next layer see this one, which is finished."""
        below.absorb(self.tree)
        below.folders.update(self.folders)
        # What a layer needs for deltas above it: a base always has all, Windows makes them of System32\config.
        if self.report.base:
            below.deltas = frozenset(key for key, place in PLACES.items() if place.where == "delta")
            below.hives.lay_base(self._opened)
        else:
            below.deltas = frozenset(self.deltas)
            below.hives.lay_deltas(self._opened)


@lru_cache(maxsize=1)
def _well_known() -> frozenset[str]:
    """The folders of Windows images whose metadata we know to matter, folded."""
    from ..windows.folders import folders

    return frozenset(fold("/".join(("Files", *folder.path))) for flavour in ("nanoserver", "servercore")
                     for folder in folders(flavour, 20348))


__all__ = ["LayerLinter"]
