# SPDX-License-Identifier: Apache-2.0
"""The rule of engines in its four generations."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.vectors import group

from imagebuild.compat.rules.generations import GENERATIONS, LTSC, Generation, accepts, floor, matches, parts

builds = st.integers() | st.sampled_from([14393, 17763, 19045, 20347, 20348, 20349, 26099, 26100, 26101, 26200, 65535])
generations = st.sampled_from(GENERATIONS)


@given(generations, builds, builds)
def test_every_pair_of_integers_has_an_answer(generation: Generation, host: int, image: int) -> None:
    assert accepts(generation, host, image) in (True, False)


@given(generations, builds, builds)
def test_no_engine_takes_an_image_above_the_host(generation: Generation, host: int, image: int) -> None:
    if image > host:
        assert not accepts(generation, host, image)


@given(generations, builds)
def test_every_host_takes_its_own_build(generation: Generation, host: int) -> None:
    assert accepts(generation, host, host)


@given(generations, builds, builds, builds)
def test_between_an_image_that_is_taken_and_the_host_all_are(generation: Generation, host: int, image: int,
                                                             between: int) -> None:
    if accepts(generation, host, image) and image <= between <= host:
        assert accepts(generation, host, between)


@given(generations, builds, builds)
def test_the_floor_never_falls_as_hosts_rise(generation: Generation, host: int, higher: int) -> None:
    low, high = sorted((host, higher))
    if generation == "G0" or low >= LTSC[0] or high < LTSC[0]:
        assert floor(generation, low) <= floor(generation, high)
    else:
        assert floor(generation, high) >= LTSC[0] > floor(generation, low)


@given(builds, builds)
def test_g1_is_the_widest_and_g0_the_narrowest(host: int, image: int) -> None:
    taken = {generation: accepts(generation, host, image) for generation in GENERATIONS}
    assert taken["G0"] <= taken["G2"] <= taken["G3"] <= taken["G1"]


@given(builds, builds)
def test_g1_to_g3_agree_on_every_host_up_to_26100(host: int, image: int) -> None:
    if host <= LTSC[-1]:
        assert len({accepts(generation, host, image) for generation in ("G1", "G2", "G3")}) == 1


@pytest.mark.parametrize(("generation", "host", "lowest"), [
    ("G0", 26200, 26200), ("G1", 26200, 20348), ("G2", 26200, 26100), ("G3", 26200, 20348), ("G2", 26100, 20348),
    ("G3", 26100, 20348), ("G2", 20348, 20348), ("G3", 20348, 20348), ("G1", 20347, 20347), ("G3", 22631, 20348),
])
def test_floors(generation: Generation, host: int, lowest: int) -> None:
    assert floor(generation, host) == lowest


@pytest.mark.parametrize("vector", group("build-rule-public"))
def test_public_tests_of_the_engines(vector: dict[str, Any]) -> None:
    assert accepts(vector["rule"], vector["host_build"], vector["image_build"]) is vector["match"]


@pytest.mark.parametrize("vector", group("build-rule-grid"))
def test_every_generation_on_the_grid(vector: dict[str, Any]) -> None:
    assert {name: accepts(name, vector["host_build"], vector["image_build"]) for name in GENERATIONS} == {
        name: vector[name] for name in GENERATIONS}


@given(st.text() | st.from_regex(r"[0-9+\-]{1,6}(\.[0-9x]{0,6}){1,4}", fullmatch=True))
def test_parts_of_any_text_are_three_small_numbers(text: str) -> None:
    major, minor, build = parts(text)
    assert 0 <= major < 256
    assert 0 <= minor < 256
    assert 0 <= build < 65536


@pytest.mark.parametrize(("text", "expected"), [
    ("10.0.20348.2527", (10, 0, 20348)), ("10.0.20348", (10, 0, 20348)), ("10.0", (0, 0, 0)), ("", (0, 0, 0)),
    ("10.0.x.1", (0, 0, 0)), ("10.0.65536", (0, 0, 0)), ("256.0.1", (0, 0, 0)), ("10.0.+5", (0, 0, 0)),
    ("10.0.20348.x.y", (10, 0, 20348)), ("10.0.", (0, 0, 0)), ("10.0." + "1" * 5000, (0, 0, 0)),
])
def test_parts(text: str, expected: tuple[int, int, int]) -> None:
    assert parts(text) == expected


@given(generations, st.text(), st.text(), st.booleans())
def test_matching_any_two_texts_has_an_answer(generation: Generation, host: str, candidate: str, empty: bool) -> None:
    assert matches(generation, host, candidate, empty=empty) in (True, False)


@pytest.mark.parametrize("generation", ["G1", "G2", "G3"])
def test_a_host_that_cannot_be_read_takes_everything(generation: Generation) -> None:
    assert matches(generation, "", "10.0.20348")
    assert matches(generation, "10.0.x", "", empty=False)


def test_an_image_without_version_is_taken_by_all_but_the_oldest() -> None:
    assert matches("G2", "10.0.20348", "")
    assert matches("G0", "10.0.20348", "")
    assert not matches("G0", "10.0.20348", "", empty=False)
    assert not matches("G1", "10.0.20348", "", empty=False)


def test_the_oldest_compares_text_without_a_dot_at_the_end() -> None:
    assert matches("G0", "10.0.1836", "10.0.18362.1")
    assert not matches("G0", "10.0.18362", "10.0.1836.1")
    assert not matches("G1", "10.0.1836", "10.0.18362.1")
