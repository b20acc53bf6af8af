# SPDX-License-Identifier: Apache-2.0
"""Mirrors: which places stand in for a registry, and under which names.

A rule ``mcr.microsoft.com=localhost:5000`` asks ``localhost:5000/windows/nanoserver`` for
``mcr.microsoft.com/windows/nanoserver``; ``mcr.microsoft.com=cache.corp/mcr`` asks ``cache.corp/mcr/windows/…``; the
left side may go on into the path (``mcr.microsoft.com/windows=cache.corp/win``), and then that much is replaced.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ...errors import UsageError, quoted
from ...oci import Reference
from ..redact import redact

_RIGHT = re.compile(r"(?:(?P<scheme>https?)://)?(?P<host>[^/\s@?#]+)(?P<path>(?:/[a-z0-9._-]+)*)/?")


@dataclass(frozen=True, slots=True)
class Place:
    """A repository at a host that can be asked. ``scheme`` is empty where it has to be found out."""

    host: str
    repository: str
    scheme: str = ""
    mirror: bool = False

    def __str__(self) -> str:
        return f"{self.host}/{self.repository}"


@dataclass(frozen=True, slots=True)
class Mirrors:
    """The rules, in the order given. With ``only`` nobody is asked but the hosts on their right sides, the mirrors: the
    air-gapped way. A name whose own registry is a mirror means that one, unless a rule for the name says otherwise.
    """

    rules: tuple[tuple[str, str], ...] = ()
    only: bool = False

    @classmethod
    def parse(cls, rules: Iterable[str], *, only: bool = False) -> Mirrors:
        """Rules as texts ``NAME=PLACE``. UsageError for one that is none."""
        out: list[tuple[str, str]] = []
        for rule in rules:
            left, equals, right = rule.partition("=")
            left, right = left.strip().rstrip("/"), right.strip()
            if not (left and equals) or "//" in left or not _RIGHT.fullmatch(right):
                raise UsageError(f"{quoted(redact(rule))} is not a mirror rule", why="wanted NAME=[http(s)://]HOST[:PORT][/PATH]",
                                 hint="mcr.microsoft.com=localhost:5000")
            out.append((left, right))
        return cls(tuple(out), only)

    def places(self, reference: Reference) -> tuple[Place, ...]:
        """Where to read ``reference`` from, best first: the mirrors of the longest matching rule, then the origin."""
        name = reference.repository
        matching = [(left, right) for left, right in self.rules if name == left or name.startswith(left + "/")]
        longest = max((len(left) for left, _unused in matching), default=0)
        out = [self._rewritten(name, left, right) for left, right in matching if len(left) == longest]
        if not self.only or (not out and self._is_mirror(reference.domain)):
            out.append(origin(reference))
        if not out:
            raise UsageError(f"no mirror for {name}", why="only mirrors may be asked, and no rule matches it",
                             hint=f"add a rule {reference.domain}=HOST, or allow the registry itself")
        return tuple(out)

    def home(self, reference: Reference) -> Place:
        """Where a push of ``reference`` goes: to the registry its name says, whatever stands in for that in reading.
        UsageError where only mirrors may be asked, and it is none."""
        if not self.may_push(reference):
            raise UsageError(f"cannot push to {reference.domain}", why="only mirrors may be asked, and it is none",
                             hint=f"push to a mirror, call it one with a rule {reference.domain}={reference.domain}, "
                                  "or leave --air-gapped out")
        return origin(reference)

    def may_push(self, reference: Reference) -> bool:
        """Whether ``reference`` has a :meth:`home`."""
        return not self.only or self._is_mirror(reference.domain)

    def _is_mirror(self, host: str) -> bool:
        found = (_RIGHT.fullmatch(right) for _unused, right in self.rules)
        return any(one is not None and one["host"] == host for one in found)

    @staticmethod
    def _rewritten(name: str, left: str, right: str) -> Place:
        found = _RIGHT.fullmatch(right)
        assert found is not None  # parse() let only matching ones in
        rest = name[len(left):].strip("/")
        path = found["path"].strip("/")
        return Place(found["host"], "/".join(part for part in (path, rest) if part), found["scheme"] or "", mirror=True)


def origin(reference: Reference) -> Place:
    """The registry a name itself says."""
    return Place(reference.domain, reference.path)
