# SPDX-License-Identifier: Apache-2.0
"""Filters of the list, prune and events calls: ``{"label": {"a=b": true}}`` (moby ``api/types/filters/parse.go``)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from . import faults, gojson

#: Each container, image or event is compared with each value, on the thread that answers everybody. A program that
#: asks for a hundred ids at once is served; moby has no bound but the length of a query.
MAX_VALUES = 1000
#: A pattern that repeats something costs a thousand times what a plain one does.
MAX_PATTERNS = 8


@dataclass(frozen=True, slots=True)
class Filters:
    """Wanted values by the name of what is filtered. A name without values filters nothing."""

    fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

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
        if self.exact(name, value):
            return True
        if sum(_repeats(pattern) > 0 for pattern in self.get(name)) > MAX_PATTERNS:
            raise faults.BadRequest(f"invalid filter '{name}': more than {MAX_PATTERNS} patterns that repeat something")
        return any(_found(pattern, value) for pattern in self.get(name))

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


def _found(pattern: str, value: str) -> bool:
    # A client's pattern must not keep the engine busy, which answers everybody on one thread.
    if (len(pattern) > 256 or len(value) > _LONGEST or _repeats(pattern) > _REPEATS
            or len(value) ** _depth(pattern) > _STEPS or pattern.count("|") > _BRANCHES
            or re.search(r"[*+}][)\]]*[*+{]|\)[*+{]", pattern)):
        return pattern in value
    try:
        return re.search(pattern, value) is not None
    except (re.error, RecursionError, OverflowError):
        return False


def _depth(pattern: str) -> int:
    # Each repetition may end at every place of the value; a pattern that is not held to its start begins at every one.
    return _repeats(pattern) + (not pattern.startswith("^"))


def _repeats(pattern: str) -> int:
    return sum(map(pattern.count, "*+?{"))
