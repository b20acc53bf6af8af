# SPDX-License-Identifier: Apache-2.0
"""Codes of Windows in their many spellings."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows import status

codes = st.integers(0, 0xFFFF_FFFF)


@given(codes)
def test_every_spelling_of_a_code_is_read_as_that_code(value: int) -> None:
    code = status.canonical(value)
    if code:
        assert {status.parse(text) for text in status.spellings(code)} == {code}
        assert status.canonical(code) == code
        if 0x8000_0000 <= code < 0xF000_0000:  # above, a signed decimal is too short to be told from other numbers
            for text in status.spellings(code):
                assert [found.code for found in status.codes_in(f"it said ({text}).")] == [code], text


@given(st.integers(1, 0xFFFF))
@example(1)
@example(0xFFFF)
def test_a_win32_code_is_its_hresult(number: int) -> None:
    assert status.canonical(number) == status.canonical(0xC007_0000 | number) == 0x8007_0000 | number


@given(st.integers(0, 0x0FFF_FFFF))
@example(0x35)
def test_an_ntstatus_wrapped_in_an_hresult_is_unwrapped(number: int) -> None:
    assert status.canonical(0xD000_0000 | number) == status.canonical(0xC000_0000 | number)


def test_zero_and_what_is_too_large_for_win32_stay_as_they_are() -> None:
    assert [status.canonical(value) for value in (0, 0x10000, 0xC0000035)] == [0, 0x10000, 0xC0000035]


@pytest.mark.parametrize(("code", "spellings"), [
    (0x80370106, ("0x80370106", "0xc0370106", "2151088390", "3224830214", "-2143878906", "-1070137082")),
    (0x800705B4, ("0x800705b4", "0xc00705b4", "2147943860", "3221685684", "-2147023436", "-1073281612", "0x5b4")),
    (0x80070000, ("0x80070000", "0xc0070000", "2147942400", "3221684224", "-2147024896", "-1073283072")),
    (0x80080005, ("0x80080005", "2148007941", "-2146959355")), (0x00040001, ("0x00040001", "262145")),
])
def test_a_code_has_exactly_the_spellings_of_its_forms(code: int, spellings: tuple[str, ...]) -> None:
    assert status.spellings(code) == spellings


@given(st.text())
def test_any_text_has_codes_or_none(text: str) -> None:
    for found in status.codes_in(text):
        assert text[found.start:].startswith(found.written)
        assert 0 < found.code <= 0xFFFF_FFFF
    try:
        assert 0 <= status.parse(text) <= 0xFFFF_FFFF
    except FormatError as error:
        assert "cannot read" in error.what


@pytest.mark.parametrize(("text", "code"), [
    ("0x80370106", 0x80370106), ("0xC0370106", 0x80370106), ("-1070137082", 0x80370106), ("3224830214", 0x80370106),
    ("-2143878906", 0x80370106), ("0xffffffffc0370106", 0x80370106), ("3221226505", 0xC0000409),
    ("-1073741502", 0xC0000142), ("0x5b4", 0x800705B4), ("0x800705b4", 0x800705B4), ("0xC00705B4", 0x800705B4),
    ("0xD000070A", 0xC000070A), ("0x2", 0x80070002), ("0xC03B0013", 0x803B0013),
])
def test_forms_of_one_condition_are_one_code_in_a_text(text: str, code: int) -> None:
    assert [found.code for found in status.codes_in(f"failed: {text} extra info: {{}}")] == [code]
    assert [found.bare for found in status.codes_in(text)] == [len(text) < 6]


@pytest.mark.parametrize("text", [
    "0x1F4a2", "1700000000", "-2147483649", "4294967296", "sha256:80370106", "0x80370106g", "10.0.80370106", "x0x5",
    "3221226505.5", "0x00000000", "0000000000", "-000000000", "0x7fffffff", "2147483647", "0x",
    "v3224830214", "id-3224830214", "0xdeadbeefcafe",
])
def test_numbers_of_another_form_are_no_codes(text: str) -> None:
    assert not list(status.codes_in(text))


@pytest.mark.parametrize(("text", "code"), [
    ("0x80000000", 0x80000000), ("2147483648", 0x80000000), ("-2147483648", 0x80000000),
    ("0xffffffff", 0xFFFFFFFF), ("4294967295", 0xFFFFFFFF), ("0x0001", 0x80070001),
])
def test_the_first_and_the_last_code_of_a_range_are_found(text: str, code: int) -> None:
    assert list(status.codes_in(f"({text})")) == [status.Found(code, text, 1, len(text) == 6)]


def test_numbers_of_another_form_do_not_hide_the_codes_behind_them() -> None:
    text = "0x0 0x1F4a2 0xC0370106 1700000000 4294967296 0x5b4"
    assert list(status.codes_in(text)) == [
        status.Found(0x80370106, "0xC0370106", 12, False), status.Found(0x800705B4, "0x5b4", 45, True)]


@pytest.mark.parametrize(("text", "code"), [
    ("1460", 0x800705B4), (" HCS_E_UNEXPECTED_EXIT ", 0x80370106), ("hcn_e_port_already_exists", 0x803B0013),
    ("ERROR_ACCESS_DENIED", 0x80070005), ("0", 0), ("-1", 0xFFFFFFFF),
    ("-2147483648", 0x80000000), ("4294967295", 0xFFFFFFFF),
])
def test_people_may_type_numbers_and_names(text: str, code: int) -> None:
    assert status.parse(text) == code


@pytest.mark.parametrize("text", ["", "0x", "ja", "0x1_0", "1_0", "0x1ffffffff", "-2147483649", "\u0661", "HCS_E_",
                                  "1.5"])
def test_what_is_no_code_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        status.parse(text)
    assert repr(text) in caught.value.what
    assert caught.value.why == "expected like 0xc0370106, -1070137082, 0x5b4 or HCS_E_UNEXPECTED_EXIT"


def test_a_long_text_that_is_no_code_is_cut_in_the_message() -> None:
    with pytest.raises(FormatError) as caught:
        status.parse("x" * 61)
    assert caught.value.what == f"cannot read {'x' * 60!r} as a Windows code"


def test_names_and_words_are_found_by_any_form() -> None:
    for value in (0xC0370106, 0x80370106, 0xC0370106 - (1 << 32)):
        found = status.find(value)
        assert found is not None
        assert found.name == "HCS_E_UNEXPECTED_EXIT"
        assert str(found) == f"0x80370106 HCS_E_UNEXPECTED_EXIT: {found.meaning}"
    assert status.find(0x80371234) is None
    nameless = status.find(0x80048016)
    assert nameless is not None
    assert str(nameless).startswith("0x80048016: ")


def test_the_tables_are_whole() -> None:
    families = Counter(row.family for row in status.statuses() if "HResult.md" in row.source)
    assert families == {"HCS": 30, "HCN": 55}
    assert len({row.code for row in status.statuses()}) == len(status.statuses())
    for row in status.statuses():
        assert row.code == status.canonical(row.code)
        assert row.meaning
        assert not row.meaning.endswith(".")
        assert row.source
        assert row.family in {"HCS", "HCN", "Win32", "NTSTATUS", "HRESULT"}


def test_the_table_is_not_stale() -> None:
    assert datetime.now(UTC).date() - status.updated() < timedelta(days=400), (
        "compare status.json with the pages it names, then set \"updated\"")


def test_a_code_that_only_looks_wrapped_stays_as_it_was_typed() -> None:
    assert status.parse("0xdeadbeef") == 0xDEADBEEF
    assert status.parse("0xd0000022") == status.canonical(0xD0000022) == status.parse("0xc0000022")
