# SPDX-License-Identifier: Apache-2.0
"""All rules, by id. The tables themselves: ``rules_tree.py``, ``rules_values.py``,
``rules_hives.py``, ``rules_image.py``."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UsageError, quoted
from .finding import Rule
from .hives import HIVE_RULES
from .image import IMAGE_RULES
from .tree import TREE_RULES
from .values import VALUE_RULES

RULES: Mapping[str, Rule] = {rule.id: rule for rule in (*TREE_RULES, *VALUE_RULES, *HIVE_RULES, *IMAGE_RULES)}
"""Every rule, in the order in which they are best read."""


def find_rule(name: str) -> Rule:
    """The rule of that id; ``UsageError`` that names near ones when there is none."""
    rule = RULES.get(name)
    if rule is None:
        from difflib import get_close_matches

        near = get_close_matches(name, RULES, n=3)
        raise UsageError(f"there is no rule {quoted(name[:80])}",
                         hint=f"did you mean {' or '.join(near)}?" if near else "'wcow lint --explain all' lists them")
    return rule


def explain(name: str) -> str:
    """A rule in words: what it forbids, for whom and how badly, why, what to do, and where the fact comes from."""
    rule = find_rule(name)
    layers = {"any": "any layer", "base": "a base layer (the first)", "layer": "a layer above the base"}[rule.where]
    minds = ", ".join(f"{importer}: {severity.word()}" for importer, severity in rule.severity.items())
    lines = [f"{rule.id}: {rule.title}", "", f"In:      {layers}" if rule.id not in _OF_IMAGES else
             "In:      the image's manifest, config or index", f"For:     {minds}", f"Why:     {rule.why}",
             f"Do:      {rule.fix}", f"Source:  {rule.source}"]
    if not rule.proven:
        lines.append("Unproven on a Windows host: this is the safe reading of the source.")
    return "\n".join(lines)


_OF_IMAGES = frozenset(rule.id for rule in IMAGE_RULES)

__all__ = ["RULES", "explain", "find_rule"]
