# SPDX-License-Identifier: Apache-2.0
"""The registry's part of a difference as text: keys and values as ``wcow reg`` shows them, each with its mark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from ...hive.edits.compare import KeyChange
from ...images.compare.hive_change import HiveChange, keys_of, security_change, told, total
from ...images.inspect.tree import shown
from ..reg.text import head_line, value_line

_LONGEST = 160


def registry_lines(changes: Iterable[HiveChange], *, acl: Literal["sddl", "words"] = "words") -> Iterator[str]:
    """All keys that differ, by hive and path."""
    for hive in changes:
        if hive.why:
            yield f"~ {shown(hive.name)}  {_hives(len(hive.before))} -> {_hives(len(hive.after))}"
            yield f"    not compared key by key: {shown(hive.why)}"
        elif hive.like:
            yield f"~ {shown(hive.name)}  compared with {shown(hive.like)}, of which it is a copy at first"
        for change in hive.keys:
            yield from _key(change, acl == "sddl")


def registry_summary(changes: Iterable[HiveChange]) -> str:
    """``registry: 1 key added, 2 changed``."""
    counts = total(changes)
    parts = [f"{counts[name]:,} {name}" for name in ("added", "removed", "changed") if counts[name]]
    if parts:
        number, _unused, word = parts[0].partition(" ")
        parts[0] = f"{number} key{'' if number == '1' else 's'} {word}"
    if counts["unread"]:
        parts.append(f"{_hives(counts['unread'])} not compared")
    return f"registry: {', '.join(parts)}"


def _key(change: KeyChange, sddl: bool) -> Iterator[str]:
    mark = change.mark()
    if change.before is None:
        for path, key in keys_of(change):
            yield f"+ {head_line(path, key)}"
            yield from (f"    + {value_line(value, longest=_LONGEST)}" for value in key.values)
        return
    if change.after is None:
        below = len(keys_of(change)) - 1
        yield f"- {head_line(change.path, change.before)}" + (
            f"  and {below:,} key{'' if below == 1 else 's'} below it" if below else "")
        return
    words = ", ".join(f"{name} {shown(old)} -> {shown(new)}" for name, old, new in told(change))
    entries = security_change(change, sddl=sddl)
    aspects = ", ".join(filter(None, (words, "acl" if entries is not None else "")))
    yield f"{mark} {shown(change.path)}" + (f"  {aspects}" if aspects else "")
    for one in change.values:
        if one.before is not None:
            yield f"    - {value_line(one.before, longest=_LONGEST)}"
        if one.after is not None:
            yield f"    + {value_line(one.after, longest=_LONGEST)}"
    if entries is not None:
        yield from (f"    - {shown(line)}" for line in entries.gone)
        yield from (f"    + {shown(line)}" for line in entries.came)
        if entries.reordered:
            yield "    ~ the same entries in another order"


def _hives(count: int) -> str:
    return f"{count or 'no'} hive{'' if count == 1 else 's'}"


__all__ = ["registry_lines", "registry_summary"]
