# SPDX-License-Identifier: Apache-2.0
"""Ids and names."""

from __future__ import annotations

import pytest

from imagebuild.dockerapi import faults, names


def test_ids_are_64_digits_and_their_short_form_is_no_number() -> None:
    made = {names.new_id() for _ in range(200)}
    assert len(made) == 200 and all(names.is_id(one) for one in made)
    assert not any(names.short_id(one).isdecimal() for one in made)


def test_an_all_decimal_beginning_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["1" * 64, "a" * 64])
    monkeypatch.setattr(names.secrets, "token_hex", lambda _: next(given))
    assert names.new_id() == "a" * 64


def test_a_short_id_has_no_algorithm() -> None:
    assert names.short_id("sha256:" + "ab" * 32) == "abababababab"
    assert not names.is_id("sha256:" + "ab" * 32) and not names.is_id("AB" * 32)


@pytest.mark.parametrize("name", ["ab", "/ab", "a.b-c_d", "0a", "A" * 200])
def test_names_within_the_rule_pass_without_their_slash(name: str) -> None:
    assert names.check_container_name(name) == name.removeprefix("/")


@pytest.mark.parametrize("name", ["", "a", "/", "_ab", "a b", "ab\n", "a/b", "é1", "//ab"])
def test_names_outside_the_rule_are_refused(name: str) -> None:
    with pytest.raises(faults.BadRequest, match=r"(?s)Invalid container name \(.*\), only \[a-zA-Z0-9\]"):
        names.check_container_name(name)
    with pytest.raises(faults.BadRequest, match="includes invalid characters for a local volume name"):
        names.check_volume_name(name)


def test_made_up_names_keep_the_rule_and_avoid_the_taken() -> None:
    for _ in range(50):
        names.check_container_name(names.random_name())
    every = {f"{one}_{other}" for one in names.QUALITIES for other in names.PEOPLE}
    assert names.random_name(every) not in every
    assert len(set(names.QUALITIES)) == len(names.QUALITIES) and len(set(names.PEOPLE)) == len(names.PEOPLE)


def test_the_beginning_of_an_id_finds_the_one_that_has_it() -> None:
    ids = ["abc1", "abd2", "abd2ef"]
    assert names.by_prefix("abc", ids) == "abc1"
    assert names.by_prefix("abd2", ids) == "abd2"  # the whole id, though another begins with it
    assert [names.by_prefix(none, ids) for none in ("f", "", "xyz")] == [None] * 3
    with pytest.raises(faults.BadRequest, match="multiple IDs found with provided prefix: ab"):
        names.by_prefix("ab", ids)
