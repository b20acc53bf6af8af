# SPDX-License-Identifier: Apache-2.0
"""Filters of the list, prune and events calls: ``{"label": {"a=b": true}}`` (moby ``api/types/filters/parse.go``)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from . import faults, gojson

#: Each container, image or event is compared with each value, on the thread that answers everybody. A program that
#: asks for a hundred ids at once is served; moby has no bound but the length of a query.
MAX_VALUES = 1000
#: Filters whose values are regular expressions, for at least one kind of thing; the others are compared as text.
PATTERNS = frozenset({"id", "isolation", "name", "status"})
#: Of those values so many may be more than plain text, and so few may repeat something, which costs a thousand times
#: what the others do.
MAX_PATTERNS, MAX_REPEATING = 100, 8


@dataclass(frozen=True, slots=True)
class Filters:
    """Wanted values by the name of what is filtered. A name without values filters nothing."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _patterns: dict[str, _Patterns] = field(default_factory=dict, init=False, compare=False, repr=False)

    @classmethod
    def of(cls, **values: str | Collection[str]) -> Filters:
        """``Filters.of(label="a=b", status=("exited", "dead"))``."""
        return cls({name: (value,) if isinstance(value, str) else tuple(value) for name, value in values.items()})

    @classmethod
    def parse(cls, text: str) -> Filters:
        """From the query: the form of today, or lists as clients before API 1.22 sent them. BadRequest else."""
        if not text:
            return cls()
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise faults.bad_filter() from None
        if not isinstance(document, dict):
            raise faults.bad_filter()
        fields: dict[str, tuple[str, ...]] = {}
        for name, values in document.items():
            if isinstance(values, dict) and all(isinstance(value, bool) for value in values.values()):
                fields[name] = tuple(values)
            elif isinstance(values, list) and all(isinstance(value, str) for value in values):
                fields[name] = tuple(dict.fromkeys(values))
            else:
                raise faults.bad_filter()
        if sum(map(len, fields.values())) > MAX_VALUES:
            raise faults.BadRequest(f"invalid filter: more than {MAX_VALUES} values")
        for name in PATTERNS & fields.keys():
            _check_patterns(name, fields[name])
        return cls(fields)

    def text(self) -> str:
        """As it goes into a query; empty when nothing is filtered."""
        if not self.fields:
            return ""
        return gojson.dumps({name: dict.fromkeys(values, True) for name, values in self.fields.items()}).decode()

    def __bool__(self) -> bool:
        return bool(self.fields)

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def get(self, name: str) -> tuple[str, ...]:
        """The wanted values."""
        return tuple(self.fields.get(name, ()))

    def check(self, accepted: Collection[str]) -> Filters:
        """Itself, when it has only names that the call knows; BadRequest else."""
        for name in self.fields:
            if name not in accepted:
                raise faults.bad_filter(name)
        return self

    def flag(self, name: str, default: bool = False) -> bool:
        """A filter that is yes or no (``dangling``). BadRequest when it is neither or both."""
        if name not in self.fields:
            return default
        values = set(self.get(name))
        no, yes = values & {"0", "false"}, values & {"1", "true"}
        if bool(no) == bool(yes):
            raise faults.bad_filter(name, self.get(name) or None)
        return bool(yes)

    def exact(self, name: str, value: str) -> bool:
        """Whether ``value`` is one of the wanted, or none is wanted."""
        values = self.get(name)
        return not values or value in values

    def match(self, name: str, value: str) -> bool:
        """As ``exact``, or one of the wanted is a regular expression found in ``value`` (names of containers)."""
        if not self.get(name):
            return True
        patterns = self._patterns.get(name)
        if patterns is None:
            patterns = self._patterns[name] = _Patterns.of(self.get(name))
        return patterns.take(value)

    def prefix(self, name: str, value: str) -> bool:
        """As ``exact``, or ``value`` begins with one of the wanted (ids)."""
        return self.exact(name, value) or any(value.startswith(wanted) for wanted in self.get(name))

    def labels(self, labels: Mapping[str, str] | None, name: str = "label") -> bool:
        """Whether every wanted ``key`` or ``key=value`` is there."""
        for wanted in self.get(name):
            key, equals, value = wanted.partition("=")
            if key not in (labels or {}) or (equals and (labels or {})[key] != value):
                return False
        return True

    def without_labels(self, labels: Mapping[str, str] | None, name: str = "label!") -> bool:
        """Prune's ``label!``: whether none of the unwanted ``key`` or ``key=value`` is there."""
        return not self.get(name) or not self.labels(labels, name)


#: Python's regular expressions try every way there is, Go's none twice. A pattern that may need more steps than this
#: over a value, has more repetitions or choices, or meets a longer value, is compared as text.
_STEPS, _REPEATS, _BRANCHES, _LONGEST = 300_000, 3, 8, 128
_SPECIAL = re.compile(r"[\\^$.|?*+()\[{]")
_REPEATED_TWICE = re.compile(r"[*+}][)\]]*[*+{]|\)[*+{]")


@dataclass(frozen=True, slots=True)
class _Patterns:
    """The values of one filter, read once: all of them as texts, and those that are regular expressions, with how deep
    each may search."""

    texts: tuple[str, ...]
    exact: frozenset[str]
    expressions: tuple[tuple[re.Pattern[str], int], ...]

    @classmethod
    def of(cls, values: Collection[str]) -> _Patterns:
        found, plain = [], []
        for value in values:
            if not _is_expression(value):
                plain.append(value)
                continue
            with suppress(re.error, RecursionError, OverflowError):  # moby leaves out what it cannot read
                found.append((re.compile(value), _depth(value)))
        return cls(tuple(plain), frozenset(values), tuple(found))

    def take(self, value: str) -> bool:
        """Whether one of the values is this one, is a part of it, or is an expression that is found in it."""
        if value in self.exact or any(text in value for text in self.texts):
            return True
        return any(_found(expression, depth, value) for expression, depth in self.expressions)


def _check_patterns(name: str, values: Collection[str]) -> None:
    """BadRequest for more regular expressions than a client may ask for."""
    if sum(_SPECIAL.search(value) is not None for value in values) > MAX_PATTERNS:
        raise faults.BadRequest(f"invalid filter '{name}': more than {MAX_PATTERNS} patterns")
    if sum(_repeats(value) > 0 for value in values) > MAX_REPEATING:
        raise faults.BadRequest(f"invalid filter '{name}': more than {MAX_REPEATING} patterns that repeat something")


def _is_expression(value: str) -> bool:
    """Whether a value is compared as a regular expression. Plain text is not, nor what would keep the engine busy,
    which answers everybody on one thread."""
    return _SPECIAL.search(value) is not None and len(value) <= 256 and _repeats(value) <= _REPEATS \
        and value.count("|") <= _BRANCHES and _REPEATED_TWICE.search(value) is None


def _found(expression: re.Pattern[str], depth: int, value: str) -> bool:
    if len(value) > _LONGEST or len(value) ** depth > _STEPS:
        return expression.pattern in value
    return expression.search(value) is not None


def _depth(pattern: str) -> int:
    # Each repetition may end at every place of the value; a pattern that is not held to its start begins at every one.
    return _repeats(pattern) + (not pattern.startswith("^"))


def _repeats(pattern: str) -> int:
    return sum(map(pattern.count, "*+?{"))
