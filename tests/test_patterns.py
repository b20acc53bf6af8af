# SPDX-License-Identifier: Apache-2.0
"""No text makes a regular expression of the library slow: each takes time that grows as the text does.

A pattern that tries again at every place what it tried at the last one takes an hour for a megabyte, and the engine
answers everybody on one thread. So each pattern is listed here by being in the source, and meets texts made of its own
characters. One that is made while the program runs is named in a table, with the way it is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from .support.patterns import Found, TooSlow, held, of_the_library, within

OURS = {
    "dockerapi/http/routing.py:_PLACEHOLDER": "reads the templates of our own routes",
    "hive/regfile/read.py:_COMMON": "its empty match ends the search: held by regtext's own test",
}
"""Patterns that no stranger's text reaches, or that are not used as the finder thinks."""
MADE = {
    "compat/failures/catalogue.py:_compiled": "every phrase of the catalogue is held below",
    "compat/failures/messages.py:_patterns": "every phrase is held below",
    "containers/trouble.py:_compiled": "every row of the table is held below",
    "containers/wait.py:ready": "what a test's own author waits for, in the log of the author's own container",
    "dockerapi/filters.py:of": "a client's pattern: its number, length, repetitions and value are bounded first",
    "dockerapi/http/routing.py:_pattern": "made of our own routes: held below",
    "dockerfile/patterns/paths.py:__init__": "at most two runs, over short paths: held by its own test",
    "dockerfile/text/reader.py:__init__": "both are held below",
    "fetch/url.py:parse_checksum": "a fixed count",
    "layer/index.py:_pattern": "each star but the last takes what it needs once: held below",
    "oci/digest.py:parse": "a fixed count",
    "runtime/wine/altered.py:_apply": "the bytes of this machine's own Wine",
    "runtime/wine/altered.py:_missing": "the bytes of this machine's own Wine",
}
FAKES = ("runtime/memory.py",)
FOUND = [found for found in of_the_library() if str(found) not in OURS and found.file not in FAKES]
SIZE, LARGE = 100_000, 1_000_000
SECONDS = 5.0


def made() -> Iterator[Found]:
    """Patterns that are made while the program runs, as far as there is a list of them."""
    from imagebuild.compat.failures import catalogue, messages
    from imagebuild.containers import trouble
    from imagebuild.dockerapi.http.routing import _pattern
    from imagebuild.dockerfile.text.reader import Reader
    from imagebuild.engine.core import routes
    from imagebuild.layer import index

    for failure in catalogue.failures():
        for phrase in failure.patterns:
            yield Found("compat/failures.json", failure.id, frozenset({"search"}), catalogue._compiled(phrase.regex))
    for kind, pattern in messages._patterns():
        yield Found("compat/failures/messages.py", kind, frozenset({"finditer"}), pattern)
    for row, pattern in trouble._compiled():
        yield Found("containers/trouble.py", row.regex, frozenset({"search"}), pattern)
    for globs in (["a*a*a*b"], ["Files/*a*a*/a*", "Files/a*a*a*a*ab", "*/*a*b*"]):
        yield Found("layer/index.py", str(globs), frozenset({"fullmatch"}), index._pattern(globs))
    for route in routes():
        yield Found("engine/routes", route.path, frozenset({"fullmatch"}), _pattern(route.path))
    for escape in "\\`":
        yield Found("dockerfile/text/reader.py", escape, frozenset({"search"}), Reader([], escape, "")._continued)


def test_each_pattern_is_either_known_when_a_module_loads_or_in_the_table() -> None:
    assert {str(found) for found in FOUND if found.pattern is None} == set(MADE)
    every = {str(found) for found in of_the_library()}
    assert set(OURS) <= every


@pytest.mark.parametrize("folder", sorted({found.file.partition("/")[0] for found in FOUND}))
def test_no_text_of_its_own_characters_makes_a_pattern_slow(folder: str) -> None:
    _hold([found for found in FOUND if found.file.partition("/")[0] == folder], SIZE, pairs=False)


def test_no_text_makes_a_pattern_of_the_tables_slow() -> None:
    _hold(list(made()), SIZE, pairs=False)


@pytest.mark.slow
@pytest.mark.parametrize("folder", sorted({found.file.partition("/")[0] for found in FOUND}))
def test_no_megabyte_makes_a_pattern_slow(folder: str) -> None:
    _hold([found for found in FOUND if found.file.partition("/")[0] == folder], LARGE, pairs=True)


PARTS = 4
"""Of the tables, which together take minutes: each part has its own limit of time."""


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_no_megabyte_makes_a_pattern_of_the_tables_slow(part: int) -> None:
    _hold(list(made())[part::PARTS], LARGE, pairs=True)


def test_the_guard_sees_a_slow_pattern() -> None:
    slow: re.Pattern[Any] = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*://)?)\S*@(?!sha\d+:)")
    assert held(Found("", "", frozenset({"sub"}), slow), slow, SIZE, pairs=False, seconds=0.2)
    with pytest.raises(TooSlow):
        within(0.1, lambda: slow.sub("", "a" * 60_000))


def _hold(found: list[Found], size: int, *, pairs: bool) -> None:
    slow = {str(one): texts for one in found if one.pattern is not None
            and (texts := held(one, one.pattern, size, pairs=pairs, seconds=SECONDS))}
    assert not slow
