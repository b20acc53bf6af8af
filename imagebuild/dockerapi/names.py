# SPDX-License-Identifier: Apache-2.0
"""Ids and names of containers, networks and volumes.

Rules: moby ``daemon/names/names.go`` and ``pkg/stringid``. The names that are made up are of our own making: a quality
and somebody who made software, Windows or containers what they are.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable

from . import faults

_NAME = re.compile(rf"{faults.NAME_CHARACTERS}+")
_ID = re.compile(r"[0-9a-f]{64}")

_QUALITIES = """
    able amber apt brave brisk bright calm candid careful clever cosy crisp daring deft eager early easy fair
    fleet fond frank fresh gentle glad golden grand handy happy hardy honest jolly keen kind lively loyal
    lucid lucky mellow merry modest neat nimble noble patient placid polite prompt proud quick quiet rapid
    ready robust rosy serene sharp silent smooth snug sober solid sound spry steady stout subtle sunny swift
    tidy trusty upbeat vivid warm wise witty zesty
"""
_PEOPLE = """
    aiken allen amdahl backus bartik berners boole booth borg brooks cerf church clarke codd conway cutler
    dijkstra easley eckert engelbart estrin floyd gates goldberg gosling gray hamming hamilton hejlsberg
    hennessy hoare holberton hopper iverson jennings johnson kahn karp kay kernighan kildall kleinrock knuth
    lamport lampson landin liskov lovelace mauchly mccarthy mcilroy milner minsky moore naur neumann nygaard
    patterson perlis perlman postel rabin ritchie robinson rosenblum russinovich sammet scott shannon shaw
    snow spence stroustrup sutherland tanenbaum tarjan thompson torvalds turing ullman wilkes wirth zuse
"""
QUALITIES = tuple(_QUALITIES.split())
PEOPLE = tuple(_PEOPLE.split())


def new_id() -> str:
    """64 hexadecimal digits. The first twelve are never all decimal: such an id could pass for a number."""
    while True:
        made = secrets.token_hex(32)
        if not made[:12].isdecimal():
            return made


def short_id(identifier: str) -> str:
    """The first twelve digits, without ``sha256:``."""
    return identifier.rpartition(":")[2][:12]


def is_id(text: str) -> bool:
    """Whether this is a whole id."""
    return _ID.fullmatch(text) is not None


def check_container_name(name: str) -> str:
    """The name without its slash. BadRequest when it breaks the rule (two characters at least)."""
    plain = name.removeprefix("/")
    if not _NAME.fullmatch(plain):
        raise faults.bad_container_name(name)
    return plain


def check_volume_name(name: str) -> str:
    """The name. BadRequest when it breaks the rule."""
    if not _NAME.fullmatch(name):
        raise faults.bad_volume_name(name)
    return name


def random_name(taken: Collection[str] = ()) -> str:
    """A name that is not ``taken``: ``calm_hopper``; with a number behind it when chance finds none."""
    for attempt in range(8):
        name = f"{secrets.choice(QUALITIES)}_{secrets.choice(PEOPLE)}"
        if attempt >= 4:
            name += str(secrets.randbelow(10 ** (attempt - 3)))
        if name not in taken:
            return name
    return f"container_{secrets.token_hex(8)}"


def by_prefix(prefix: str, ids: Iterable[str]) -> str | None:
    """The one id that begins with ``prefix``; None when there is none. BadRequest when several do, as moby answers."""
    if not prefix or not re.fullmatch(r"[0-9a-f]+", prefix):
        return None
    found = [one for one in ids if one.startswith(prefix)]
    if len(found) > 1 and prefix not in found:
        raise faults.BadRequest(f"multiple IDs found with provided prefix: {prefix}")
    return prefix if prefix in found else found[0] if found else None
