# SPDX-License-Identifier: Apache-2.0
"""One HTML page about an image, or about what two do not have in common: self-contained, for a browser, from disk.

The page asks nobody for anything: style, script (``page.css``, ``page.js`` and ``page_registry.js`` beside this file)
and data stand in it, and its content security policy lets exactly this script run and nothing be loaded. What came
from an image reaches the page only as JSON, which the script shows as text.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...events import Event, Result
from ...oci import Image
from ..compare.config import config_fields
from ..compare.difference import Difference
from ..compare.pairs import Side, Walk, side_of_layer
from ..inspect.tree import shown
from .data import KINDS, Tables, Tree, whole_tree
from .registry import registry_facts

LAYER_ROWS = 50_000
"""Layers with more entries than this all together are not shown one by one."""


@dataclass(frozen=True, slots=True)
class PageFinding:
    """What a linter says, for the page: ``severity`` is ``error``, ``warning`` or ``note``; ``path`` is a path in the
    layer with that number, where the finding has one; ``hint`` says what to do, ``source`` where the rule is from."""

    rule: str
    severity: str
    text: str
    path: str = ""
    layer: int | None = None
    importer: str = ""
    hint: str = ""
    source: str = ""


def make_page(difference: Difference, before: Side | None, after: Side, *,
              findings: Iterable[PageFinding] | None = None, path: str = "") -> Iterator[Event]:
    """The page as pieces of text, in the last event. ``findings`` is ``None`` when nobody looked for any.

    Both sides' indexes are there already: :func:`~..compare.compare.compare` made ``difference`` of them, with the
    same ``path``.
    """
    tables = Tables()
    trees = [whole_tree(difference, before, after, tables, path)]
    left = LAYER_ROWS
    for side, name in _layers(difference, before, after):
        if left <= 0 or path:
            break
        yield from side.rootfs.prepare()
        tree = Tree(name, tables)
        tree.fill(Walk(None, side).steps(), {})
        side.rootfs.close()
        left -= len(tree)
        if left > 0:
            trees.append(tree)
    data = _data(difference, before, after, trees, tables, findings)
    pieces = _fill(_title(difference), data)
    yield Result(pieces, {"bytes": sum(map(len, pieces)), "rows": sum(map(len, trees))})


def _layers(difference: Difference, before: Side | None, after: Side) -> Iterator[tuple[Side, str]]:
    """Each layer as its tar has it: those of the newer side, then those that only the older one has."""
    if after.layer is not None:
        return
    for pair in sorted(difference.layers, key=lambda pair: (pair.after is None, pair.after or 0, pair.before or 0)):
        if pair.after is not None:
            yield side_of_layer(after, pair.after), f"Layer {pair.after}"
        elif before is not None and pair.before is not None:
            yield side_of_layer(before, pair.before), f"Layer {pair.before} of {before.name}"


def _title(difference: Difference) -> str:
    after = shown(str(difference.after))
    return f"{shown(str(difference.before))} → {after}" if difference.before else after


def _data(difference: Difference, before: Side | None, after: Side, trees: list[Tree], tables: Tables,
          findings: Iterable[PageFinding] | None) -> dict[str, Any]:
    changed = {change.field: change for change in difference.config}
    fields: list[tuple[str, str | None, str | None, bool]] = [
        (name, changed[name].before if name in changed else value, value, name in changed)
        for name, value in config_fields(after.image)]
    fields += [(change.field, change.before, None, True) for change in difference.config if change.after is None]
    return {
        "before": _subject(before, difference.before), "after": _subject(after, difference.after),
        "equal": difference.equal, "identical": difference.identical, "counts": difference.counts(),
        "layers": [{**pair.facts(), "mark": pair.mark, "by": shown(_made_by(before, after, pair.before, pair.after))}
                   for pair in difference.layers],
        "config": [[shown(name), None if old is None else shown(old), None if new is None else shown(new), differs]
                   for name, old, new, differs in fields],
        "history": _history(difference, after.image),
        "registry": registry_facts(difference.registry),
        "findings": None if findings is None else [
            {name: shown(value) if isinstance(value, str) else value for name, value in asdict(finding).items()}
            for finding in findings],
        "kinds": KINDS, **tables.facts(), "trees": [tree.facts() for tree in trees],
    }


def _subject(side: Side | None, subject: Any) -> dict[str, Any] | None:
    if side is None or subject is None:
        return None
    return {"name": shown(str(subject)), "digest": subject.digest, "platform": str(side.image.config.platform),
            "created": shown(side.image.config.created), "size": sum(layer.size for layer in side.image.layers)}


def _history(difference: Difference, image: Image) -> list[list[Any]]:
    """The newer side's steps, and before them those that only the older one has."""
    new = {change.number for change in difference.history if change.mark == "+"} if difference.before else set()
    gone = [["-", shown(change.created), shown(change.created_by), change.empty_layer]
            for change in difference.history if change.mark == "-"]
    return gone + [["+" if number in new else "", shown(step.created), shown(step.created_by or step.comment),
                    step.empty_layer] for number, step in enumerate(image.config.history)]


def _made_by(before: Side | None, after: Side, old: int | None, new: int | None) -> str:
    """The step of the history that made a layer."""
    side, number = (after, new) if new is not None else (before, old)
    if side is None or number is None:
        return ""
    steps = [step for step in side.image.config.history if not step.empty_layer]
    return steps[number].created_by if len(steps) == len(side.image.layers) and number < len(steps) else ""


def _fill(title: str, data: dict[str, Any]) -> tuple[str, ...]:
    """The template with its parts. Nothing in the data can end the element it stands in."""
    style, script = _part("page.css"), _part("page_registry.js") + _part("page.js")
    policy = (f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
              "base-uri 'none'; form-action 'none'")
    packed = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c").replace(">", "\\u003e")
    parts = {"title": html.escape(title), "policy": html.escape(policy), "style": style, "script": script,
             "data": packed.replace("&", "\\u0026")}
    pieces = _part("page.html").split("%%")  # text, name, text, name, … text
    return tuple(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _part(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


__all__ = ["PageFinding", "make_page"]
