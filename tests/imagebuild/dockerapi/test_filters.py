# SPDX-License-Identifier: Apache-2.0
"""Filters of list calls."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import Filters, faults, filters
from imagebuild.dockerapi.filters import MAX_PATTERNS, MAX_REPEATING, MAX_VALUES, PATTERNS

FIELDS = st.dictionaries(st.text(max_size=5), st.lists(st.text(max_size=5), max_size=3, unique=True).map(tuple),
                         max_size=3)


@given(FIELDS)
def test_filters_are_read_as_they_were_written(fields: dict[str, tuple[str, ...]]) -> None:
    assert Filters.parse(Filters(fields).text()) == Filters(fields)


@given(st.text(max_size=40))
def test_any_text_is_filters_or_a_bad_request(text: str) -> None:
    try:
        Filters.parse(text)
    except faults.BadRequest as fault:
        assert fault.message == "invalid filter"


def test_lists_of_old_clients_are_read_too() -> None:
    assert Filters.parse('{"label":["a","a=b"]}') == Filters.parse('{"label":{"a":true,"a=b":true}}')


@pytest.mark.parametrize("text", ["[]", "7", '{"a":1}', '{"a":{"b":1}}', '{"a":[1]}', "{", "[" * 5000])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(faults.BadRequest, match="invalid filter"):
        Filters.parse(text)


def test_a_filter_the_call_does_not_know_is_refused_by_name() -> None:
    assert Filters.of(name="a").check({"name"}) == Filters.of(name="a")
    with pytest.raises(faults.BadRequest, match=r"^invalid filter 'colour'$"):
        Filters.of(colour="red").check({"name"})


@pytest.mark.parametrize(("values", "flag"), [(("true",), True), (("1",), True), (("false",), False), (("0",), False)])
def test_a_flag_is_yes_or_no(values: tuple[str, ...], flag: bool) -> None:
    assert Filters({"dangling": values}).flag("dangling", not flag) is flag
    assert Filters().flag("dangling", flag) is flag


@pytest.mark.parametrize(("values", "said"), [(("true", "false"), "dangling=[true false]"), (("x",), "dangling=[x]"),
                                              ((), "dangling")])
def test_a_flag_that_is_neither_or_both_is_refused(values: tuple[str, ...], said: str) -> None:
    with pytest.raises(faults.BadRequest) as refused:
        Filters({"dangling": values}).flag("dangling")
    assert refused.value.message == f"invalid filter '{said}'"


def test_nothing_wanted_lets_everything_through() -> None:
    none = Filters()
    assert none.exact("a", "x") and none.match("a", "x") and none.prefix("a", "x") and none.labels({}) and not none


def test_values_are_compared_whole_by_pattern_and_by_beginning() -> None:
    some = Filters.of(a=("web", "^/db"))
    assert some.exact("a", "web") and not some.exact("a", "web2")
    assert some.match("a", "/my-web-1") and some.match("a", "/db") and not some.match("a", "/my/db")
    assert some.prefix("a", "web2") and not some.prefix("a", "my-web")
    assert not Filters.of(a="[").match("a", "x") and Filters.of(a="[").match("a", "[")


def test_every_wanted_label_has_to_be_there() -> None:
    labels = {"a": "1", "b": ""}
    assert Filters.of(label=("a", "b=")).labels(labels) and Filters.of(label="a=1").labels(labels)
    assert not Filters.of(label=("a", "c")).labels(labels) and not Filters.of(label="a=2").labels(labels)
    assert not Filters.of(label="a").labels(None)
    assert not Filters({"label!": ("a",)}).without_labels(labels)
    assert Filters({"label!": ("c",)}).without_labels(labels) and Filters().without_labels(labels)


@pytest.mark.parametrize(("pattern", "value"), [
    ("a?" * 12 + "a" * 12, "a" * 12), ("(b|a)" * 9, "a" * 9), ("a*" * 4, "aaaa"), ("a{0,9}" * 4, "aaaa"),
    ("a*", "a" * 200), ("(a+)+", "a")])
def test_a_pattern_with_many_choices_or_a_long_name_is_compared_as_text(pattern: str, value: str) -> None:
    assert not Filters.of(name=pattern).match("name", value)
    assert Filters.of(name=pattern).match("name", f"x{pattern}")


def test_a_pattern_with_some_choices_is_a_pattern() -> None:
    assert Filters.of(name="^/?web-.*-[0-9]+$").match("name", "/web-a-12")
    assert Filters.of(name="web|db|cache").match("name", "/cache")


def test_a_pattern_made_to_take_for_ever_does_not() -> None:
    start = time.perf_counter()
    for pattern in ("(a+)+$", "(a*)*b", "(a|aa)+$", "((a+))+$", "(.*){9}x"):
        Filters.of(name=pattern).match("name", "a" * 200 + "!")
    assert time.perf_counter() - start < 5


def test_a_document_has_a_bounded_number_of_values() -> None:
    values = {str(number): True for number in range(MAX_VALUES)}
    assert len(Filters.parse(json.dumps({"id": values})).get("id")) == MAX_VALUES
    with pytest.raises(faults.BadRequest, match="more than 1000 values"):
        Filters.parse(json.dumps({"id": values, "label": {"a": True}}))


@pytest.mark.parametrize("name", sorted(PATTERNS))
def test_what_asks_for_too_many_patterns_is_refused_where_it_is_read(name: str) -> None:
    """Also by an engine that has nothing to compare with."""
    plain = [f"web{number}" for number in range(MAX_VALUES)]
    anchored = [f"^/web{number}$" for number in range(MAX_PATTERNS)]
    repeating = [f"{number}x*" for number in range(MAX_REPEATING)]
    for values in (plain, anchored, repeating):
        assert Filters.parse(json.dumps({name: values})).get(name) == tuple(values)
    with pytest.raises(faults.BadRequest, match=f"invalid filter '{name}': more than 100 patterns"):
        Filters.parse(json.dumps({name: [*anchored, "^x"]}))
    with pytest.raises(faults.BadRequest, match="more than 8 patterns that repeat something"):
        Filters.parse(json.dumps({name: [*repeating, "y+"]}))
    assert Filters.parse(json.dumps({"label": [*anchored, *repeating, "y+"]}))


def test_a_pattern_is_read_once_for_all_it_is_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    compiled = filters.re.compile
    monkeypatch.setattr(filters.re, "compile", lambda pattern: read.append(pattern) or compiled(pattern))
    some = Filters.of(name=("^/db-[0-9]$", "web", "x*"))
    assert [some.match("name", value) for value in ("/db-1", "a-web-2", "/db-x", "db-1")] == [True, True, True, True]
    assert read == ["^/db-[0-9]$", "x*"]
