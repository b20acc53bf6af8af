# SPDX-License-Identifier: Apache-2.0
"""Texts as Go prints them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.gotext import atoi, human_size, parse_bool, quoted, ram_in_bytes


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_quoted_as_in_json(text: str) -> None:
    assert quoted(text) == json.dumps(text)


def test_what_cannot_be_printed_is_escaped() -> None:
    assert quoted("a\0\t\x7f\u200bä\U0001f600") == '"a\\x00\\t\\x7f\\u200bä\U0001f600"'


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("20GB", 20 << 30), ("1.5g", 3 << 29), ("1 kib", 1024),
                                            ("2PB", 2 << 50)])
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert ram_in_bytes(text) == size


@pytest.mark.parametrize(("text", "said"), [
    ("", "invalid size: ''"), ("GB", "invalid size: 'GB'"), ("-1", "invalid size: '-1'"), ("1x", "invalid suffix: 'x'"),
    ("1kbb", "invalid suffix: 'kbb'"), ("1bb", "invalid suffix: 'bb'"),
    ("1.2.3", 'strconv.ParseFloat: parsing "1.2.3": invalid syntax'),
    ("1  k", 'strconv.ParseFloat: parsing "1 ": invalid syntax')])
def test_a_size_that_is_none_is_refused_by_name(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        ram_in_bytes(text)


def test_sizes_of_logs_count_by_thousands() -> None:
    assert [human_size(text) for text in ("10k", "1.5MB", "2GiB", "7")] == [10_000, 1_500_000, 2_000_000_000, 7]


def test_numbers_and_truths_are_gos() -> None:
    assert (atoi("-7"), atoi("+7"), parse_bool("T"), parse_bool("0")) == (-7, 7, True, False)
    for read, text, said in ((atoi, "1.5", 'strconv.Atoi: parsing "1.5": invalid syntax'),
                             (atoi, "9" * 30, f'strconv.Atoi: parsing "{"9" * 30}": value out of range'),
                             (parse_bool, "yes", 'strconv.ParseBool: parsing "yes": invalid syntax')):
        with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
            read(text)
