# SPDX-License-Identifier: Apache-2.0
"""Values as people write and read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import UsageError
from imagebuild.hive.regfile.value_format import TYPE_NAMES, facts, plain, show, type_name, value_from
from imagebuild.hive.tree import (
    REG_BINARY,
    REG_DWORD,
    REG_DWORD_BIG_ENDIAN,
    REG_EXPAND_SZ,
    REG_LINK,
    REG_MULTI_SZ,
    REG_NONE,
    REG_QWORD,
    REG_SZ,
    Value,
)

texts = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@pytest.mark.parametrize(("kind", "said", "value", "shown", "data"), [
    ("none", [], Value("v", REG_NONE, b""), "", None),
    ("none", ["0aFF"], Value("v", REG_NONE, b"\n\xff"), "0AFF", None),
    ("sz", ["héllo"], Value.sz("v", "héllo"), "héllo", "héllo"),
    ("REG_SZ", [], Value.sz("v", ""), "", ""),
    ("expand_sz", ["%TEMP%"], Value.expand_sz("v", "%TEMP%"), "%TEMP%", "%TEMP%"),
    ("binary", ["01 02,03"], Value("v", REG_BINARY, b"\1\2\3"), "010203", None),
    ("binary", ["0x0102"], Value("v", REG_BINARY, b"\1\2"), "0102", None),
    ("dword", ["42"], Value.dword("v", 42), "0x2a", 42),
    ("dword", ["0xFFFFFFFF"], Value.dword("v", 0xFFFFFFFF), "0xffffffff", 0xFFFFFFFF),
    ("dword", ["-1"], Value.dword("v", 0xFFFFFFFF), "0xffffffff", 0xFFFFFFFF),
    ("dword", [], Value.dword("v", 0), "0x0", 0),
    ("dword_big_endian", ["1"], Value("v", REG_DWORD_BIG_ENDIAN, b"\0\0\0\1"), "0x1", 1),
    ("link", [r"\Registry\Machine"], Value("v", REG_LINK, r"\Registry\Machine".encode("utf-16-le")),
     r"\Registry\Machine", r"\Registry\Machine"),
    ("multi_sz", ["a", "b"], Value.multi_sz("v", ["a", "b"]), r"a\0b", ["a", "b"]),
    ("multi_sz", [], Value.multi_sz("v", []), "", []),
    ("qword", ["0xffffffffffffffff"], Value.qword("v", (1 << 64) - 1), "0xffffffffffffffff", (1 << 64) - 1),
    ("resource_list", ["00"], Value("v", 8, b"\0"), "00", None),
    ("full_resource_descriptor", ["00"], Value("v", 9, b"\0"), "00", None),
    ("resource_requirements_list", ["00"], Value("v", 10, b"\0"), "00", None),
    ("0xFFFF0011", ["ab"], Value("v", 0xFFFF0011, b"\xab"), "AB", None),
    ("4294967295", [""], Value("v", 0xFFFFFFFF, b""), "", None),
    ("7", ["x"], Value.multi_sz("v", ["x"]), "x", ["x"]),
])
def test_every_type_is_written_and_read(kind: str, said: list[str], value: Value, shown: str, data: object) -> None:
    assert value_from("v", kind, said) == value
    assert (show(value), plain(value)) == (shown, data)
    assert facts(value) == {"name": "v", "type": type_name(value.type), "data": data, "hex": value.data.hex()}


def test_each_name_of_a_type_is_understood_with_and_without_its_prefix() -> None:
    for number, name in TYPE_NAMES.items():
        assert type_name(number) == name
        for kind in (name, name.lower(), name.removeprefix("REG_").lower(), str(number), hex(number)):
            assert value_from("", kind, []).type == number
    assert type_name(0xFFFF0011) == "0xFFFF0011" and type_name(12) == "0x0000000C"


@given(st.sampled_from([REG_SZ, REG_EXPAND_SZ, REG_LINK]), texts)
def test_any_text_comes_back_as_it_was_said(kind: int, text: str) -> None:
    value = value_from("v", str(kind), [text])
    assert (plain(value), show(value)) == (text, text)


@given(st.lists(texts.filter(bool), max_size=4))
def test_any_list_of_texts_comes_back_as_it_was_said(said: list[str]) -> None:
    assert plain(value_from("v", "multi_sz", said)) == said


@given(st.sampled_from([(REG_DWORD, 32), (REG_DWORD_BIG_ENDIAN, 32), (REG_QWORD, 64)]), st.data())
def test_any_number_comes_back_as_it_was_said(width: tuple[int, int], data: st.DataObject) -> None:
    kind, bits = width
    number = data.draw(st.integers(-(1 << bits - 1), (1 << bits) - 1))
    assert plain(value_from("v", str(kind), [str(number)])) == number % (1 << bits)


@given(st.integers(0, 0xFFFFFFFF), st.binary(max_size=20))
def test_whatever_a_hive_holds_is_shown_in_one_piece_and_never_lost(kind: int, data: bytes) -> None:
    value = Value("v", kind, data)
    assert facts(value)["hex"] == data.hex() and isinstance(show(value), str)
    said = plain(value)
    if said is not None and not (isinstance(said, list) and "" in said):
        again = value_from("v", str(kind), said if isinstance(said, list) else [str(said)])
        assert plain(again) == said


@pytest.mark.parametrize("value", [
    Value("v", REG_DWORD, b"\1"), Value("v", REG_DWORD, b"\1\0\0\0\0"), Value("v", REG_QWORD, b"\1\0\0\0"),
    Value("v", REG_SZ, b"a\0b"), Value("v", REG_SZ, "a\0b\0".encode("utf-16-le")), Value("v", REG_SZ, b"\0\xd8"),
    Value("v", REG_MULTI_SZ, "a".encode("utf-16-le")),
    Value("v", REG_MULTI_SZ, b"\0\0\0\0"), Value("v", REG_MULTI_SZ, b""), Value("v", REG_MULTI_SZ, b"\1"),
    Value("v", REG_BINARY, b"a")])
def test_data_that_are_not_what_the_type_says_are_shown_as_bytes(value: Value) -> None:
    assert plain(value) is None
    assert show(value) == value.data.hex().upper()


def test_a_list_with_an_empty_text_in_it_is_told_in_full() -> None:
    """Programs stop at the first empty text; whoever compares has to see what is behind it."""
    value = Value("v", REG_MULTI_SZ, "a\0\0b\0\0".encode("utf-16-le"))
    assert (plain(value), show(value)) == (["a", "", "b"], r"a\0\0b")


def test_text_without_its_terminating_nul_is_text() -> None:
    assert plain(Value("v", REG_SZ, "ab".encode("utf-16-le"))) == "ab"


def test_a_tombstone_says_so() -> None:
    assert facts(Value.tombstone("v"))["deleted"] is True and "deleted" not in facts(Value.sz("v", ""))


@pytest.mark.parametrize(("kind", "said", "why"), [
    ("dword", ["4294967296"], "4 bytes"), ("dword", ["-2147483649"], "4 bytes"), ("qword", [str(1 << 64)], "8 bytes"),
    ("qword", [str(-(1 << 63) - 1)], "8 bytes"), ("dword_big_endian", ["0x100000000"], "4 bytes"),
    ("dword", ["0x"], "takes a number"), ("dword", ["1.5"], "takes a number"), ("dword", ["\u0663"], "takes a number"),
    ("dword", [" 1"], "takes a number"), ("dword", ["0X1"], "takes a number"), ("dword", ["1", "2"], "has one"),
    ("binary", ["abc"], "pairs"), ("binary", ["xy"], "pairs"), ("none", ["text"], "pairs"),
    ("sz", ["a", "b"], "has one"),
    ("multi_sz", ["a", "", "b"], "an empty text ends the list"), ("multi_sz", [""], "an empty text ends the list"),
])
def test_what_a_type_cannot_hold_is_refused_with_the_reason(kind: str, said: list[str], why: str) -> None:
    with pytest.raises(UsageError) as caught:
        value_from("v", kind, said)
    assert why in caught.value.why and "'v'" in caught.value.what


@pytest.mark.parametrize("kind", ["", "reg", "string", "4294967296", "0x100000000", "-1", "REG_", "1e3", "\u0661"])
def test_types_that_are_none_are_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="there is no type"):
        value_from("v", kind, [])
