# SPDX-License-Identifier: Apache-2.0
"""The failure catalogue as data: its form, its sources, its regexes."""

from __future__ import annotations

import json
import os
import re
import re._constants as opcodes
import re._parser as parser
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from imagebuild.compat.failures import catalogue
from imagebuild.compat.failures.catalogue import Failure, Phrase, failures
from imagebuild.errors import NotFoundError
from imagebuild.windows.status import canonical, find, hexadecimal

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared")) / "research" / "failures.json"
FOLDER = Path(catalogue.__file__).parent
PHRASES = [pytest.param(entry, phrase, id=f"{entry.id}-{number}") for entry in failures()
           for number, phrase in enumerate(entry.patterns)]
PRINTABLE = st.characters(min_codepoint=32, max_codepoint=126)


def test_the_catalogue_has_the_form_that_its_schema_says() -> None:
    schema = json.loads((FOLDER / "failures.schema.json").read_bytes())
    document = json.loads((FOLDER / "failures.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    validator.validate(document)
    phrase = {"regex": "x", "anchor": "xxxxxxx", "by": "engine", "example": "x"}
    for wrong in ({"id": "Not An Id"}, {"codes": ["80370101"]}, {"codes": []}, {"citations": []}, {"stage": "later"},
                  {"citations": ["somebody told me"]}, {"confidence": "certain"}, {"priority": 101}, {"surprise": 1},
                  {"patterns": [phrase | {"by": "me"}]}, {"patterns": [phrase | {"anchor": "short"}]}):
        assert not validator.is_valid(document | {"failures": [document["failures"][0] | wrong]}), wrong
    bare = {key: value for key, value in document["failures"][0].items() if key not in ("codes", "patterns")}
    assert not validator.is_valid(document | {"failures": [bare]}), "an entry with no sign"


def test_the_catalogue_is_not_stale() -> None:
    assert datetime.now(UTC).date() - catalogue.updated() < timedelta(days=400), (
        "look at the sources of failures.json for new wordings, codes and causes, then set \"updated\"")


def test_every_researched_failure_is_there_with_its_codes_and_sources() -> None:
    if not SHARED.exists():
        pytest.skip(f"{SHARED} is not there")
    document = json.loads(SHARED.read_bytes())
    assert len(document["entries"]) == 70
    for row in document["entries"]:
        entry = catalogue.failure(row["id"])
        assert {canonical(int(code, 16)) for code in row["codes"]} <= set(entry.codes), entry.id
        cited = {" ".join(source.split()).replace(" #", "#") for source in row["citations"]}
        assert cited <= set(entry.citations), entry.id
    for name in ("hcs", "hcn"):
        for row in document["tables"][name]["codes"]:
            found = find(int(row["hresult"], 16))
            assert found is not None
            assert found.name == row["name"]


def test_neighbours_are_entries_and_codes_have_names() -> None:
    names = {entry.id for entry in failures()}
    assert len(names) == len(failures()) == 103
    for entry in failures():
        assert set(entry.neighbours) <= names - {entry.id}
        assert all(find(code) is not None for code in entry.codes), entry.id


@pytest.mark.parametrize("entry", failures(), ids=lambda entry: entry.id)
def test_generic_codes_have_an_operation(entry: Failure) -> None:
    for code in entry.codes:
        assert entry.tells_alone(code) or entry.operations, hexadecimal(code)
    assert not entry.operation_alone or entry.operations


def test_generic_are_the_codes_of_win32_and_no_others() -> None:
    assert [hexadecimal(code) for code in (0x80070005, 0x80004005, 0x80370106, 0x803B0013, 0xC0351000)
            if catalogue.is_generic(code)] == ["0x80070005", "0x80004005"]
    assert [entry.id for entry in failures() if entry.code_alone] == ["logon-type", "paging-file",
                                                                      "insufficient-resources"]
    assert catalogue.failure("paging-file").tells_alone(0x800705AF)
    assert not catalogue.failure("importlayer").tells_alone(0x80070003)
    assert not catalogue.failure("importlayer").tells_alone(0x80370106)


@pytest.mark.parametrize(("entry", "phrase"), PHRASES)
def test_an_example_matches_and_has_the_anchor(entry: Failure, phrase: Phrase) -> None:
    text = phrase.example if phrase.span else " ".join(phrase.example.split())
    assert phrase.pattern.search(text)
    assert phrase.anchor in text.lower()
    assert phrase.anchor == phrase.anchor.lower()
    assert not set(phrase.anchor) & set("\\\""), "logs escape these"


@settings(max_examples=8)
@given(st.data())
@pytest.mark.parametrize(("entry", "phrase"), PHRASES)
def test_whatever_a_regex_matches_has_the_anchor(entry: Failure, phrase: Phrase, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(phrase.pattern, fullmatch=True, alphabet=PRINTABLE)
                     .filter(lambda text: phrase.pattern.fullmatch(text) is not None))
    assert phrase.anchor in text.lower()


@pytest.mark.parametrize(("entry", "phrase"), PHRASES)
def test_no_regex_can_take_forever(entry: Failure, phrase: Phrase) -> None:
    """A search takes for each place of a text at most as many steps as the bounds of its repeats multiplied: every
    repeat has a bound, none is inside another, and at most two may be long."""
    tree = parser.parse(phrase.regex)
    assert not [op for op, inside in repeats(tree) if any(True for _ in repeats(inside))], "a repeat in a repeat"
    assert max(bounds(tree), default=0) <= 1000
    assert len([upper for upper in bounds(tree) if upper > 80]) <= 2
    for near in (phrase.example[:-3] * 2000, phrase.anchor * 3000, phrase.anchor + " " * 9000, "\\" * 9000):
        phrase.pattern.search(near)


def repeats(tree: Iterable[Any]) -> Iterator[tuple[Any, Iterable[Any]]]:
    """The repeats of a regex that may match more than once, at any depth, with what they repeat."""
    for op, value in tree:
        if op in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT, opcodes.POSSESSIVE_REPEAT):
            if value[1] > 1:
                yield op, value[2]
            else:
                yield from repeats(value[2])
        elif op is opcodes.SUBPATTERN:
            yield from repeats(value[3])
        elif op is opcodes.BRANCH:
            for branch in value[1]:
                yield from repeats(branch)


def bounds(tree: Iterable[Any]) -> Iterator[int]:
    """How often each repeat of a regex matches at most."""
    for op, value in tree:
        if op in (opcodes.MAX_REPEAT, opcodes.MIN_REPEAT, opcodes.POSSESSIVE_REPEAT):
            yield int(value[1])
            yield from bounds(value[2])
        elif op is opcodes.SUBPATTERN:
            yield from bounds(value[3])
        elif op is opcodes.BRANCH:
            for branch in value[1]:
                yield from bounds(branch)


def test_the_check_for_endless_regexes_sees_them() -> None:
    assert [op for op, inside in repeats(parser.parse(r"(?:a+)+b")) if any(True for _ in repeats(inside))]
    assert list(bounds(parser.parse(r"x(?:.{0,300}|a*)"))) == [300, int(opcodes.MAXREPEAT)]


def test_entries_are_found_by_name_and_by_code() -> None:
    assert catalogue.failure("ubr-skew").codes == (0x80370106,)
    assert [entry.id for entry in catalogue.by_code(0xC0370106)] == ["ubr-skew", "arm64-amd64", "start-memory"]
    assert catalogue.by_code(0x12345678) == ()
    with pytest.raises(NotFoundError, match="there is no failure 'x'"):
        catalogue.failure("x")


def test_an_entry_for_json_has_everything_that_is_said_of_it() -> None:
    facts = catalogue.failure("ubr-skew").facts()
    assert facts["codes"] == ["0x80370106"]
    assert all(facts[name] for name in ("title", "stage", "cause", "detect", "lookup", "remedy", "citations"))
    json.dumps(facts)


def test_sentences_are_plain() -> None:
    for entry in failures():
        for sentence in (entry.cause, entry.detect, entry.remedy):
            assert sentence.endswith((".", ")")), (entry.id, sentence)
            assert not re.search(r"  |\n", sentence), (entry.id, sentence)
