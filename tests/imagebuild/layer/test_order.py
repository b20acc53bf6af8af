# SPDX-License-Identifier: Apache-2.0
"""One order for the entries of a layer, whatever order they were collected in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support.layers import HIVES, entry, folder, write

from imagebuild.layer import Kind, order

CANONICAL = [
    folder("Files"), entry("Files/zz", Kind.WHITEOUT), folder("Files/A"), entry("Files/A/a", Kind.WHITEOUT),
    entry("Files/A/z", Kind.WHITEOUT), entry("Files/A/B"), entry("Files/A/c"), entry("Files/A b"), entry("Files/A!"),
    folder("Files/b"), entry("Files/b/first", Kind.HARD_LINK, target="Files/A/c"), entry("Files/ü"), folder("Hives"),
    entry("Hives/Sam_Delta"), entry("Hives/System_Delta"), folder("UtilityVM"), folder("UtilityVM/Files"),
    entry("UtilityVM/Files/x"), entry("Files/A/a2", Kind.HARD_LINK, target="Files/A/c"),
    entry("Files/b/u", Kind.HARD_LINK, target="UtilityVM/Files/x"),
]


@given(st.permutations(CANONICAL))
def test_any_order_becomes_the_one_order(entries: list[object]) -> None:
    assert order(entries) == CANONICAL  # type: ignore[arg-type]


def test_the_writer_takes_that_order() -> None:
    write([item for item in CANONICAL if item not in HIVES and not item.path.startswith("Hives")])


def test_a_hard_link_into_a_parent_layer_stays_where_it_is() -> None:
    link = entry("Files/a", Kind.HARD_LINK, target="Files/elsewhere")
    assert order([entry("Files/b"), link, folder("Files")]) == [folder("Files"), link, entry("Files/b")]


def test_a_hard_link_into_a_parent_layer_may_be_the_first_entry() -> None:
    link = entry("Files/a", Kind.HARD_LINK, target="Files/elsewhere")
    assert order([entry("Files/b"), entry("Files/c"), link]) == [link, entry("Files/b"), entry("Files/c")]


def test_a_name_that_belongs_nowhere_comes_last() -> None:
    known = [folder("Files"), folder("Hives"), folder("UtilityVM")]
    assert order([entry("Alpha"), *reversed(known), entry("Zulu")]) == [*known, entry("Alpha"), entry("Zulu")]
