# SPDX-License-Identifier: Apache-2.0
"""NAME=VALUE words."""

from __future__ import annotations

import pytest

from imagebuild.builder.request import pairs
from imagebuild.errors import UsageError


def test_words_become_pairs_and_only_the_first_equals_sign_counts() -> None:
    assert pairs(("a=1", "b=", "c=x=y"), "--label") == (("a", "1"), ("b", ""), ("c", "x=y"))


def test_a_bare_name_takes_its_value_from_the_environment_or_is_left_out() -> None:
    assert pairs(("A", "B", "C=3"), "--build-arg", environment={"A": "1"}) == (("A", "1"), ("C", "3"))


@pytest.mark.parametrize("word", ["a", "=x", ""])
def test_a_word_without_name_or_value_is_refused_with_the_flag(word: str) -> None:
    with pytest.raises(UsageError, match="--label"):
        pairs((word,), "--label")
