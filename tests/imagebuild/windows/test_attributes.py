# SPDX-License-Identifier: Apache-2.0
"""Attributes read and change as attrib does it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError, UnsupportedError
from imagebuild.windows import attributes as a

DOCUMENTED = {
    "READONLY": 0x1, "HIDDEN": 0x2, "SYSTEM": 0x4, "DIRECTORY": 0x10, "ARCHIVE": 0x20, "DEVICE": 0x40, "NORMAL": 0x80,
    "TEMPORARY": 0x100, "SPARSE_FILE": 0x200, "REPARSE_POINT": 0x400, "COMPRESSED": 0x800, "OFFLINE": 0x1000,
    "NOT_CONTENT_INDEXED": 0x2000, "ENCRYPTED": 0x4000, "INTEGRITY_STREAM": 0x8000, "VIRTUAL": 0x10000,
    "NO_SCRUB_DATA": 0x20000, "EA": 0x40000, "PINNED": 0x80000, "UNPINNED": 0x100000,
    "RECALL_ON_DATA_ACCESS": 0x400000,
}


def test_the_values_are_those_of_winnt_h() -> None:
    assert {name: getattr(a, name) for name in DOCUMENTED} == DOCUMENTED
    assert sorted(value for value, _, _ in a.NAMES) == sorted(DOCUMENTED.values())
    letters = [letter for _, letter, _ in a.NAMES if letter]
    assert len(set(letters)) == len(letters)


@pytest.mark.parametrize(("value", "letters"), [
    (0, ""), (0x80, "N"), (0x16, "HSD"), (0x27, "RHSA"), (0x410, "DL"), (0x2820, "ACI"), (0x40, ""),
    (0xFFFF_FFFF, "RHSDANTLCOIEVXPUM"),
])
def test_attributes_as_letters(value: int, letters: str) -> None:
    assert a.letters(value) == letters


def test_attributes_in_words_keep_the_bits_that_have_none() -> None:
    assert a.describe(0x12) == ["hidden", "directory"]
    assert a.describe(0x8000_0001) == ["read-only", "0x80000000"]
    assert a.describe(0) == []


@pytest.mark.parametrize(("before", "text", "after"), [
    (0x20, "+R", 0x21), (0x21, "-R", 0x20), (0, "+RHS", 7), (7, "+A-RH", 0x24), (0, "+r +h", 3), (0x10, "-R", 0x10),
    (0x80, "+H", 2), (0x80, "-H", 0x80), (0x20, "-A", 0), (0, "+I", 0x2000), (0x20, "+R-R", 0x20), (7, "-S+S", 7),
])
def test_changes_apply_from_left_to_right(before: int, text: str, after: int) -> None:
    assert a.change(before, text) == after


NOTHING = "it names no attribute; write like +RH-S"
UNSIGNED = "it must begin with + or - (at byte {})"
UNKNOWN = "{!r} is no attribute; allowed are R H S A I (at byte {})"


@pytest.mark.parametrize(("text", "why", "offset"), [
    ("", NOTHING, None), ("+", NOTHING, None), ("++", NOTHING, None), (" ", NOTHING, None),
    ("R", UNSIGNED.format(0), 0), (" R+H", UNSIGNED.format(1), 1), ("+Z", UNKNOWN.format("Z", 1), 1),
    ("+R=H", UNKNOWN.format("=", 2), 2), ("+XR", None, None), ("+r-x", None, None),
])
def test_a_change_without_meaning_is_refused(text: str, why: str | None, offset: int | None) -> None:
    with pytest.raises((FormatError, UnsupportedError)) as caught:
        a.change(0, text)
    assert caught.value.what == f"cannot change attributes by {text!r}"
    if why is None:  # a letter that says what the file is
        assert type(caught.value) is UnsupportedError
    else:
        assert (caught.value.why, getattr(caught.value, "offset", None)) == (why, offset)


@pytest.mark.parametrize(("text", "letter", "word"), [
    ("+D", "D", "directory"), ("+L", "L", "reparse point"), ("-c", "C", "compressed"),
])
def test_what_a_file_is_cannot_be_set(text: str, letter: str, word: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        a.change(0, text)
    assert str(caught.value) == (f"cannot change attributes by {text!r}: {letter} ({word}) says what the file is and "
                                 "cannot be set; allowed are R H S A I")


@given(st.integers(0, 0xFFFF_FFFF), st.lists(st.sampled_from("RHSAI"), min_size=1))
def test_setting_then_clearing_leaves_no_such_bit(before: int, chosen: list[str]) -> None:
    text = "".join(chosen)
    bits = sum({a.SETTABLE[letter] for letter in chosen})
    assert a.change(before, "+" + text) & bits == bits
    assert a.change(before, "+" + text + "-" + text) == before & ~bits & ~a.NORMAL
