# SPDX-License-Identifier: Apache-2.0
"""Texts as Go prints them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.engine.gotext import quoted, ram_in_bytes


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_quoted_as_in_json(text: str) -> None:
    assert quoted(text) == json.dumps(text)


def test_what_cannot_be_printed_is_escaped() -> None:
    assert quoted("a\0\t\x7f\u200bä\U0001f600") == '"a\\x00\\t\\x7f\\u200bä\U0001f600"'


@pytest.mark.parametrize(("text", "size"), [("512", 512), ("20GB", 20 << 30), ("1.5g", 3 << 29), ("1 kib", 1024),
                                            ("2PB", 2 << 50)])
def test_a_size_is_a_number_and_a_unit(text: str, size: int) -> None:
    assert ram_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "GB", "-1", "1x", "1.2.3", "1  k"])
def test_a_size_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="invalid size: '"):
        ram_in_bytes(text)
