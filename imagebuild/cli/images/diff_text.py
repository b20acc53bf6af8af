# SPDX-License-Identifier: Apache-2.0
"""A difference as text for people: ``+`` came, ``-`` went, ``~`` changed, each section sorted, a summary last."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from ...images.compare.difference import Aspect, ConfigChange, Difference, FileChange, LayerPair, moments
from ...images.inspect.listing import Item
from ...images.inspect.tree import shown
from ...layer import Kind
from ..render import human
from .diff_registry import registry_lines, registry_summary

Acl = Literal["sddl", "words"]

_COLOURS = {"+": "32", "-": "31", "~": "33"}
_LONG = 100


def difference_text(difference: Difference, *, acl: Acl = "words", colour: bool = False) -> Iterator[str]:
    """Lines for a terminal or a file; ``colour`` paints the marks."""
    for line in _lines(difference, acl):
        stripped = line.lstrip()
        code = _COLOURS.get(stripped[:1]) if colour and stripped[1:2] in (" ", "-", "+") else None
        yield f"\x1b[{code}m{line}\x1b[0m" if code else line


def _lines(difference: Difference, acl: Acl) -> Iterator[str]:
    if difference.before is not None:
        yield f"--- {shown(str(difference.before))}  {difference.before.digest}"
    yield f"+++ {shown(str(difference.after))}  {difference.after.digest}"
    if difference.files:
        yield from ("", "Files")
        for change in difference.files:
            yield from _file(change, acl)
    if difference.registry:
        yield from ("", "Registry")
        yield from registry_lines(difference.registry, acl=acl)
    if difference.config:
        yield from ("", "Config")
        for field in difference.config:
            yield from _config(field)
    if difference.history:
        yield from ("", "History")
        for step in difference.history:
            kind = "     " if step.empty_layer else "layer"
            yield f"{step.mark} {step.number:>3}  {kind}  {_cut(shown(step.created_by or '-'))}"
    if any(pair.mark != "=" for pair in difference.layers):
        yield from ("", "Layers")
        yield from map(_layer, difference.layers)
    yield ""
    yield summary(difference)


def summary(difference: Difference) -> str:
    """All of it in one line."""
    if difference.identical:
        return "identical: one digest"
    marks = [pair.mark for pair in difference.layers]
    told = ((marks.count("=") + marks.count("≈"), "shared"), (marks.count("-"), "gone"), (marks.count("+"), "new"))
    layers = "layers: " + (", ".join(f"{count} {word}" for count, word in told if count) or "none")
    if difference.equal:
        return f"equal, though not the same bytes; {layers}"
    counts = difference.counts()
    parts = []
    if difference.files:
        words = ", ".join(f"{counts[name]} {name}" for name in ("added", "removed", "changed") if counts[name])
        grown = counts["bytes"]
        parts.append(f"files: {words}" + (f" ({'+' if grown > 0 else '-'}{human(abs(grown))})" if grown else ""))
    if difference.registry:
        parts.append(registry_summary(difference.registry))
    if difference.config:
        parts.append(f"config: {len(difference.config)} changed")
    if difference.history:
        parts.append(f"history: {len(difference.history)} changed")
    return "; ".join([*parts, layers])


def _file(change: FileChange, acl: Acl) -> Iterator[str]:
    if change.before is None or change.after is None:
        facts = _facts(change.item)
        yield f"{change.mark} {shown(change.path)}" + (f"  {facts}" if facts else "") + (
            " (registry hive)" if change.hive else "")
        return
    words = ", ".join(_aspect(aspect, change.before, change.after) for aspect in change.aspects
                      if not (aspect is Aspect.CONTENT and Aspect.SIZE in change.aspects))
    yield f"~ {shown(change.path)}  {words}" + (" (registry hive)" if change.hive else "")
    entries = change.acl(sddl=acl == "sddl")
    if entries is not None:
        yield from (f"    - {shown(line)}" for line in entries.gone)
        yield from (f"    + {shown(line)}" for line in entries.came)
        if entries.reordered:
            yield "    ~ the same entries in another order"
    if Aspect.TIMES in change.aspects:
        old, new = dict(moments(change.before)), dict(moments(change.after))
        for name in ("created", "modified", "accessed", "changed"):
            if old.get(name) != new.get(name):
                yield f"    ~ {name} {old.get(name, 'not said')} -> {new.get(name, 'not said')}"


def _facts(item: Item) -> str:
    """What there is to say of a path that one side alone has."""
    kind = item.entry.kind
    if kind is Kind.WHITEOUT:
        return "takes it away from the layers below"
    if kind in (Kind.FILE, Kind.HARD_LINK):
        size = f"{item.size:,} B"
        return f"{size} = {shown(item.entry.target)}" if kind is Kind.HARD_LINK else size
    if item.entry.target:
        return f"{kind.value} -> {shown(item.entry.target)}"
    return str(kind.value)


def _aspect(aspect: Aspect, old: Item, new: Item) -> str:
    if aspect is Aspect.CASE:
        return f"was written {shown(old.name)}"
    if aspect is Aspect.KIND:
        return f"{old.entry.kind.value} -> {new.entry.kind.value}"
    if aspect is Aspect.SIZE:
        return f"size {old.size:,} -> {new.size:,} B"
    if aspect is Aspect.LINK:
        return f"link {shown(old.entry.target) or 'none'} -> {shown(new.entry.target) or 'none'}"
    if aspect is Aspect.ATTRIBUTES:
        return f"attributes {_attributes(old)} -> {_attributes(new)}"
    return str(aspect.value)


def _attributes(item: Item) -> str:
    if item.entry.attributes is None:
        return "not said"
    return item.letters or f"0x{item.entry.attributes:x}"


def _config(change: ConfigChange) -> Iterator[str]:
    name = shown(change.field)
    if change.before is None or change.after is None:
        value = change.after if change.before is None else change.before
        yield f"{change.mark} {name}: {shown(value or '')}"
        return
    yield f"~ {name}"
    yield f"    - {shown(change.before)}"
    yield f"    + {shown(change.after)}"


def _layer(pair: LayerPair) -> str:
    number = "/".join(str(one) for one in dict.fromkeys((pair.before, pair.after)) if one is not None)
    size = human(pair.size_before if pair.after is None else pair.size_after)
    note = f"  was {human(pair.size_before)}, compressed otherwise" if pair.mark == "≈" else ""
    return f"{pair.mark} {number:>5}  {size:>8}  {pair.diff_id[:19]}{note}"


def _cut(text: str) -> str:
    return text if len(text) <= _LONG else text[:_LONG - 1] + "…"


__all__ = ["difference_text", "summary"]
