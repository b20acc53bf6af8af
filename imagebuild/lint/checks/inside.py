# SPDX-License-Identifier: Apache-2.0
"""What is in a hive, examined as ``hive.check`` does, and told by the rules of ``rules_hives.py``.

How much is looked at: a delta, and any hive of at most a mebibyte, key by key; a larger one by its first page and the
heads of its bins, because to look at every key takes a tenth of a second a megabyte. ``full`` looks at every key of all
of them. Nothing above :data:`LIMIT`, or beyond :data:`BUDGET` in one layer, is looked at key by key; nor is a hive of a
base or a user that was not closed cleanly: what seems wrong may be right in its logs.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from ...errors import FormatError
from ...hive import Hive, read
from ...hive.base_block import parse_base_block
from ...hive.checks.check import check
from ...hive.checks.damage import Damage
from ...hive.tree import SYMLINK, TOMBSTONE
from ..hives import HEAD, Place, is_dirty, problem_of
from ..report import Report
from ..rules.finding import Where
from ..rules.hives import DIRTY, INVALID, rule_of
from ..spool import SPOOL, Content

Depth = Literal["quick", "full"]
DEPTHS: tuple[Depth, ...] = ("quick", "full")

SMALL = 1 << 20
"""Hives of at most this many bytes are always looked at key by key."""
LIMIT = 64 << 20
"""The largest hive that is looked at key by key: several seconds, some 200 MB of memory."""
BUDGET = 4 * LIMIT
"""Bytes of hives that are looked at key by key in one layer."""
TOLD = 10
"""Breaches of one rule in one hive that are told one by one."""


class Inside:
    """Looks into the hives of one layer."""

    def __init__(self, report: Report, depth: Depth = "quick") -> None:
        self._report = report
        self._depth = depth
        self._left = BUDGET

    def examine(self, place: Place, content: Content, size: int, path: str, offset: int | None) -> Hive | None:
        """Everything about one hive of ``size`` bytes, of which ``content`` is the whole or at least the beginning.
        Returned is the hive to read on in, ``None`` where it is none or not at hand."""
        where = _WHERE[place.where]
        head = content[:HEAD]
        problem = problem_of(head, size)
        if problem:
            self._report(INVALID[place.where], f"it is no hive: {problem}", path, offset, where)
            return None
        if place.where == "boot":
            return None
        dirty = is_dirty(head)
        if dirty:
            self._report(DIRTY[place.where], "its two sequence numbers differ", path, offset, where)
        self._version(place, head, path, offset, where)
        if size > SPOOL:
            self._report("hive-too-large", f"it has {size >> 20:,} MiB, of which only the first page was looked at",
                         path, offset, where)
        if len(content) < size or size > SPOOL:
            return None
        if not dirty or place.where == "delta":
            self._damage(place, content, path, offset, where)
        try:
            hive = read(content, source=path, forgiving=True)
        except FormatError:
            return None  # then the damage was told
        if place.hive == "SYSTEM":
            self._control_set(hive, path, offset, where)
        return hive

    def _version(self, place: Place, head: bytes, path: str, offset: int | None, where: Where) -> None:
        block = parse_base_block(head)
        layered = block.version == (1, 6) and block.layered()
        found = f"it is of version {block.version[0]}.{block.version[1]} with the flags {block.flags:#x}"
        if place.where == "delta" and not layered:
            self._report("delta-version", found, path, offset, where)
        elif place.where != "delta" and layered:
            self._report("layered-plain-hive", found, path, offset, where)

    def _damage(self, place: Place, content: Content, path: str, offset: int | None, where: Where) -> None:
        size = len(content)
        wanted = self._depth == "full" or place.where == "delta" or size <= SMALL
        whole = wanted and size <= min(LIMIT, self._left)
        if whole:
            self._left -= size
        elif wanted:
            self._report("hive-too-large", f"it has {size >> 20:,} MiB, of which only the bins were looked at", path,
                         offset, where)
        told: Counter[str] = Counter()
        for damage in check(content, quick=not whole):
            rule = rule_of(damage.id, place.where)
            if rule:
                told[rule] += 1
                if told[rule] <= TOLD:
                    self._report(rule, _sentence(damage), path, offset, where)
        for rule, count in told.items():
            if count > TOLD:
                self._report(rule, f"and {count - TOLD:,} more of this kind", path, offset, where)

    def _control_set(self, hive: Hive, path: str, offset: int | None, where: Where) -> None:
        key = hive.root.child("CurrentControlSet")
        if key is not None and key.semantics != TOMBSTONE and not key.flags & SYMLINK:
            self._report("hive-current-control-set", f"{key.name} is a key of its own", path, offset, where)


def _sentence(damage: Damage) -> str:
    where = f"{damage.path}: " if damage.path else ""
    return f"{where}{damage.sentence} (byte {damage.offset} of the hive)"


_WHERE: dict[str, Where] = {"delta": "layer", "base": "base", "user": "any", "boot": "base"}

__all__ = ["BUDGET", "DEPTHS", "LIMIT", "SMALL", "TOLD", "Depth", "Inside"]
