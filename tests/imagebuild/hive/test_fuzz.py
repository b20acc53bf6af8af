# SPDX-License-Identifier: Apache-2.0
"""Twenty thousand broken hives, always the same: none crashes a reader, the examination or the writer, none hangs.

``make fuzz`` tries a million, of more and larger seeds.
"""

from __future__ import annotations

from collections import Counter

import pytest
from support.hivefuzz import examine, mutated, other_seeds, own_seeds
from support.hives import SHARED

from imagebuild.hive import freeze, read
from imagebuild.hive.checks.check import check

SEEDS = own_seeds(large=False)
ALL = own_seeds()
PART = 2400
MANY = 800


@pytest.mark.parametrize("first", range(0, 8 * PART, PART))
def test_broken_hives_are_read_or_refused_and_nothing_else(first: int) -> None:
    said = Counter(examine(mutated(SEEDS, number), closely=number % 8 == 0) for number in range(first, first + PART))
    # The changes are worth something: none of the outcomes is rare.
    assert said["read"] > PART / 4 and said["forgiven"] > PART / 5 and said["refused"] > PART / 20
    assert sum(said.values()) == PART


def test_broken_hives_with_big_data_and_lists_of_lists_are_read_or_refused_and_nothing_else() -> None:
    said = Counter(examine(mutated(ALL[3:], number), closely=number % 8 == 0) for number in range(MANY))
    assert said["read"] > MANY / 4 and said["forgiven"] > MANY / 20


def test_the_seeds_are_whole() -> None:
    assert [list(check(seed)) for seed in ALL] == [[]] * len(ALL)
    assert [freeze(read(seed).root).name for seed in ALL] == ["ROOT", "ROOT", "level 19", "ROOT", "ROOT", "ROOT"]


def test_the_same_number_is_the_same_hive() -> None:
    assert [mutated(SEEDS, number) for number in range(50)] == [mutated(SEEDS, number) for number in range(50)]
    assert len({mutated(SEEDS, number) for number in range(50)}) == 50


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"{SHARED} is not there (set WCOW_SHARED)")
def test_hives_of_others_that_are_broken_are_read_or_refused_and_nothing_else() -> None:
    seeds = other_seeds(SHARED)
    assert len(seeds) > 20
    for number in range(300):
        examine(mutated(seeds, number))
