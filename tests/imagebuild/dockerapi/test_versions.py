# SPDX-License-Identifier: Apache-2.0
"""API versions, compared as moby compares them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import VersionRange, api_version, faults


@given(st.lists(st.integers(0, 99), min_size=1, max_size=3), st.lists(st.integers(0, 99), min_size=1, max_size=3))
def test_versions_are_ordered_by_their_numbers(one: list[int], other: list[int]) -> None:
    longest = max(len(one), len(other))
    numbers = [part + [0] * (longest - len(part)) for part in (one, other)]
    texts = [api_version(".".join(map(str, part))) for part in (one, other)]
    assert (texts[0] < texts[1]) is (numbers[0] < numbers[1])
    assert (texts[0] == texts[1]) is (numbers[0] == numbers[1])


@pytest.mark.parametrize(("text", "least", "yes"), [("1.9", "1.10", False), ("1.44", "1.44", True), ("2", "1.99", True),
                                                     ("1.41", "1.41.0", True), ("...", "1.24", False)])
def test_a_version_has_what_came_before_it(text: str, least: str, yes: bool) -> None:
    assert api_version(text).at_least(least) is yes
    assert str(api_version(text)) == text


def test_a_range_answers_in_its_newest_when_nothing_is_asked() -> None:
    served = VersionRange("1.24", "1.45")
    assert str(served.choose("")) == "1.45" and str(served.choose("1.30")) == "1.30"
    for asked in ("1.23", "1.46", "...", "9" * 5000):
        with pytest.raises(faults.BadRequest, match=r"is too (old|new)"):
            served.choose(asked)
