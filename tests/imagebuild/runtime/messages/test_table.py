# SPDX-License-Identifier: Apache-2.0
"""A table of messages is written as it is read, and a damaged one is a format error."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.runtime.messages.table import parse, serialise

TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
MESSAGES = st.dictionaries(st.one_of(st.integers(0, 40), st.integers(0, 0xFFFFFFFF)), TEXTS, max_size=30)


@given(MESSAGES)
def test_what_is_written_is_read_again(messages: dict[int, str]) -> None:
    assert parse(serialise(messages)) == messages


def test_neighbours_share_a_block() -> None:
    data = serialise({1: "a\r\n", 2: "b\r\n", 9: "c\r\n"})
    assert data[:16] == bytes.fromhex("02000000" "01000000" "02000000" "1c000000")


def test_texts_in_the_ansi_code_page_are_read() -> None:
    data = bytes.fromhex("01000000" "05000000" "05000000" "10000000" "08000000") + b"Nah\xe9"
    assert parse(data + b"\0\0\0\0") == {5: "Nah\xe9"}


@given(st.binary(max_size=120))
def test_bytes_that_are_not_a_table_are_a_format_error_or_a_small_mapping(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        assert len(parse(data)) <= len(data)


def test_a_block_without_end_does_not_hang() -> None:
    with pytest.raises(FormatError):
        parse(bytes.fromhex("01000000" "00000000" "ffffffff" "10000000"))
