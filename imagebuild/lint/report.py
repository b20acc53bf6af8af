# SPDX-License-Identifier: Apache-2.0
"""Which rules count in a run, and how bad each is: the tables of rules, importers and the layer's place laid together.

Checkers report every breach they see; whether it matters for the asked importers, and for a base or a layer above one,
is decided here, by the tables alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..errors import UsageError, quoted
from .rules.finding import IMPORTERS, Finding, Importer, Severity, Where
from .rules.rules import RULES, find_rule

_Active = dict[str, tuple[Severity, tuple[Importer, ...]]]
_Held = tuple[str, str, str, int | None, Where]

HELD = 50_000
"""Breaches kept back until it is known whether the layer is a base."""
SHOWN = 1000
"""Characters of a path or a message that a finding keeps: a hostile name has a million."""


def check_names(importers: Iterable[str], ignore: Iterable[str]) -> None:
    """``UsageError`` for an importer or a rule that does not exist."""
    for name in importers:
        if name not in IMPORTERS:
            raise UsageError(f"there is no importer {quoted(name)}", hint=f"there are {', '.join(IMPORTERS)}")
    for name in ignore:
        find_rule(name)


class Report:
    """Takes breaches and gives findings.

    ``base`` says whether the layer is the first of its image, ``None`` that this will be told later (:meth:`decide`);
    until then findings are held back. :attr:`found` collects; the owner empties it with :meth:`take`.
    """

    def __init__(self, *, importers: Collection[Importer] = IMPORTERS, ignore: Collection[str] = (),
                 base: bool | None = None, layer: int | None = None, digest: str = "") -> None:
        check_names(importers, ignore)
        self.found: list[Finding] = []
        self.base = base
        self._layer = layer
        self._digest = digest
        self._held: list[_Held] = []
        self._tables = {place: _active(importers, ignore, place) for place in (True, False)}

    def __call__(self, rule: str, message: str, path: str = "", offset: int | None = None,
                 where: Where = "any") -> None:
        """One breach; with ``where`` it counts only in such layers. What is longer than :data:`SHOWN` is cut."""
        if len(path) > SHOWN or len(message) > SHOWN:
            path, message = _cut(path), _cut(message)
        if self.base is None:
            if rule in self._tables[True] or rule in self._tables[False]:
                self._held.append((rule, message, path, offset, where))
                if len(self._held) > HELD:
                    self.decide(False)
            return
        self._give(rule, message, path, offset, where)

    def minds(self, rule: str) -> bool:
        """Whether a breach of the rule could become a finding: a checker may save itself work."""
        return any(rule in table for place, table in self._tables.items() if self.base in (None, place))

    def decide(self, base: bool) -> None:
        """Now it is known whether the layer is a base."""
        if self.base is None:
            self.base = base
            for breach in self._held:
                self._give(*breach)
            self._held.clear()

    def take(self) -> list[Finding]:
        """The findings since the last call."""
        found = self.found
        if found:
            self.found = []
        return found

    def _give(self, rule: str, message: str, path: str, offset: int | None, where: Where) -> None:
        active = self._tables[bool(self.base)].get(rule)
        if active is None or (where != "any" and (where == "base") != self.base):
            return
        self.found.append(Finding(rule, active[0], message, path, offset, self._layer, self._digest, active[1]))


def _cut(text: str) -> str:
    return text if len(text) <= SHOWN else text[:SHOWN - 3] + "..."


def _active(importers: Collection[Importer], ignore: Collection[str], base: bool) -> _Active:
    """The rules that count at a place, with severity and the importers that mind."""
    absent = "wcifs" if base else "base"
    here = [name for name in IMPORTERS if name in importers and name != absent]
    active: _Active = {}
    for rule in RULES.values():
        if rule.id in ignore or (rule.where != "any" and (rule.where == "base") != base):
            continue
        minding = tuple(name for name in here if name in rule.severity)
        if minding:
            active[rule.id] = (max(rule.severity[name] for name in minding), minding)
    return active


__all__ = ["Report", "check_names"]
