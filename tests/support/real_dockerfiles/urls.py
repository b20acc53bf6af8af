# SPDX-License-Identifier: Apache-2.0
"""The URLs that a RUN will ask for, read from its words: variables and PowerShell's ``-f`` are filled in, no more.

What is not found is asked for when the build runs, which takes another build; so this saves time and decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from imagebuild.builder import Plan

_URL = re.compile(r"https?://[^\s'\"`;|<>()]+")
_FORMAT = re.compile(r"'([^']*\{0\}[^']*)'\s*-f\s*((?:\$[\w:]+\s*,\s*)*\$[\w:]+)")
_ASSIGNED = re.compile(r"\$(\w+)\s*=\s*('[^']*'|\"[^\"]*\")\s*;")
_VARIABLE = re.compile(r"\$\(\s*\$(?:env:)?(\w+)\s*\)|\$\{?(?:env:)?(\w+)\}?|%(\w+)%", re.IGNORECASE)


def guessed(plan: Plan) -> list[str]:
    """Each URL once, in the order of the commands."""
    found: dict[str, None] = {}
    for _stage, step in plan.runs():
        pairs = [*step.run.env, *step.variables]
        values = {name.lower(): value for name, _, value in (pair.partition("=") for pair in pairs)}
        for url in _urls(step.instruction.place.text, values):
            found.setdefault(url)
    return list(found)


def _urls(text: str, values: Mapping[str, str]) -> Iterator[str]:
    known = dict(values)
    for name, value in _ASSIGNED.findall(text):
        known.setdefault(name.lower(), _filled(value[1:-1], known))
    text = _FORMAT.sub(lambda found: f"'{_formatted(found[1], found[2], known)}'", text)
    for value in (*_URL.findall(_filled(text, known)), *(one for one in known.values() if _URL.fullmatch(one))):
        if not set(value) & set("$%{}*"):
            yield value


def _formatted(template: str, words: str, known: Mapping[str, str]) -> str:
    for number, word in enumerate(words.split(",")):
        template = template.replace(f"{{{number}}}", _filled(word.strip(), known))
    return template


def _filled(text: str, known: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: known.get((found[1] or found[2] or found[3]).lower(), found[0]), text)
