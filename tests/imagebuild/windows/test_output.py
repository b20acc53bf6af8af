# SPDX-License-Identifier: Apache-2.0
"""What a Windows program printed is read right, whatever encoding it wrote in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows.output import decode, encoding_of

TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r\ufeff"), min_size=1)
LATIN = st.text(st.characters(min_codepoint=32, max_codepoint=0xFF), min_size=4)


@pytest.mark.parametrize(("data", "text", "encoding"), [
    (b"hello\r\n", "hello\n", "utf-8"),
    (b"", "", "utf-8"),
    (b"\xef\xbb\xbfna\xc3\xafve", "na\u00efve", "utf-8"),
    ("na\u00efve\r\n".encode(), "na\u00efve\n", "utf-8"),
    (b"na\x8bve", "na\u00efve", "cp437"),
    (b"\xff\xfeh\0i\0\r\0\n\0", "hi\n", "utf-16-le"),
    (b"\xfe\xff\0h\0i", "hi", "utf-16-be"),
    ("Caption  Version \r\r\n".encode("utf-16-le"), "Caption  Version \n\n", "utf-16-le"),
    (b"one\rtwo\r\n", "one\ntwo\n", "utf-8"),
], ids=str)
def test_the_order_is_mark_then_utf16_then_utf8_then_code_page(data: bytes, text: str, encoding: str) -> None:
    assert decode(data) == text
    assert encoding_of(data) == encoding


def test_broken_utf16_keeps_all_that_can_be_read() -> None:
    assert decode(b"\xff\xfeh\0i\0\x21") == "hi\\x21"
    assert decode(b"\xff\xfeh\0\x00\xd8i\0") == "h\\x00\\xd8i"


def test_a_nul_alone_does_not_make_a_text_utf16() -> None:
    assert decode(b"one\0two\0three") == "one\0two\0three"


def test_newlines_stay_where_that_is_asked() -> None:
    assert decode(b"a\r\nb", newlines=False) == "a\r\nb"


def test_a_code_page_that_does_not_fit_gives_bytes_in_hexadecimal() -> None:
    assert decode(b"a\x81b", "cp1252") == "a\\x81b"
    assert encoding_of(b"a\x81b", "cp1252") == ""


def test_a_code_page_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(LookupError):
        decode(b"\xe9", "cp0")


@given(TEXT)
def test_utf8_with_a_mark_and_utf16_with_a_mark_come_back_as_they_were(text: str) -> None:
    assert decode(text.encode("utf-8-sig")) == text
    assert decode(b"\xff\xfe" + text.encode("utf-16-le")) == text


@given(LATIN)
def test_latin_text_in_utf16_without_a_mark_comes_back_as_it_was(text: str) -> None:
    assert decode(text.encode("utf-16-le"), newlines=False) == text


@given(st.binary(max_size=200), st.sampled_from(["cp437", "cp1252", "cp932", "utf-8"]))
def test_any_bytes_give_a_text(data: bytes, code_page: str) -> None:
    decode(data, code_page)
