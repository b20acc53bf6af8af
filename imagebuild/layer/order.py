# SPDX-License-Identifier: Apache-2.0
"""The one order of a layer's entries: whoever collects them in whatever order gets the same bytes.

``Files`` with all below it, then ``Hives``, then ``UtilityVM``; parents before children; a directory's whiteouts
directly after it, as Windows' exporter writes them; siblings by folded name. A hard link whose target comes later
moves to the end, since importers look only backwards.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..windows.upcase import fold
from .entry import Entry, Kind

_TOPS = {"FILES": "0", "HIVES": "1", "UTILITYVM": "2"}


def order(entries: Iterable[Entry]) -> list[Entry]:
    """The entries in the order in which :class:`LayerWriter` takes them.

    It only sorts: a missing parent stays missing. Ties (which the writer refuses) keep the order they came in.
    """
    ordered = sorted(entries, key=sort_key)
    links = [entry for entry in ordered if entry.kind is Kind.HARD_LINK]
    if not links:
        return ordered
    place = {entry.path: index for index, entry in enumerate(ordered) if entry.kind is not Kind.HARD_LINK}
    late = {index for index, entry in enumerate(ordered)
            if entry.kind is Kind.HARD_LINK and place.get(entry.target, -1) > index}
    return [entry for index, entry in enumerate(ordered) if index not in late] + [ordered[i] for i in sorted(late)]


def sort_key(entry: Entry) -> str:
    """A text by which entries sort into that order. NUL separates, because it is below every character of a name."""
    key = fold(entry.path).replace("/", "\0")
    top, nul, rest = key.partition("\0")
    key = _TOPS.get(top, "3" + top) + nul + rest
    if entry.kind is Kind.WHITEOUT:
        head, nul, name = key.rpartition("\0")
        return f"{head}{nul}\0{name}"
    return key
