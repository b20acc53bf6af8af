# SPDX-License-Identifier: Apache-2.0
"""What single lines of a .reg file mean, and what is wrong with those that mean nothing.

Taken and refused as the tests of Wine's developers saw Windows do it; where we differ the test says so.
"""

from __future__ import annotations

import pytest

from imagebuild.hive.regfile.lines import BLANK, Item, NeedMore, Problem, logical_line
from imagebuild.hive.tree import REG_BINARY, REG_DWORD, REG_NONE, REG_SZ, Value


def read(text: str) -> Item:
    item, after = logical_line(text, 0, True)
    assert after == len(text)
    return item


def value(number: int, data: bytes, name: str = "a") -> Item:
    return ("value", name, Value(name, number, data))


def sz(text: str, name: str = "a") -> Item:
    return ("value", name, Value.sz(name, text))


@pytest.mark.parametrize("text", ["", "\n", "\r\n", "\r", "  \t\n", ";", ";x\n", '  ; "a"="b"\n', "#x\n", ";x\\\n"])
def test_blank_lines_and_comments_say_nothing(text: str) -> None:
    assert read(text) == BLANK


@pytest.mark.parametrize(("text", "kind", "path"), [
    ("[HKLM\\a]", "key", "HKLM\\a"), ("[-HKLM\\a]\n", "-key", "HKLM\\a"), ("  [HKLM\\a]  \r\n", "key", "HKLM\\a"),
    ("[HKLM\\a ]", "key", "HKLM\\a "), ("[HKLM\\a] ;b\n", "key", "HKLM\\a"), ("[HKLM\\a];b\n", "key", "HKLM\\a"),
    ("[HKLM\\a]b]\n", "key", "HKLM\\a]b"), ("[HKLM\\[a]]\n", "key", "HKLM\\[a]"), ("[HKLM\\a;b]", "key", "HKLM\\a;b"),
    ('[HKLM\\"a"]', "key", 'HKLM\\"a"'), ("[HKLM\\--]", "key", "HKLM\\--"), ("[--x]", "-key", "-x"),
])
def test_a_key_reaches_to_the_last_bracket_of_its_line(text: str, kind: str, path: str) -> None:
    assert read(text) == (kind, path, None)


@pytest.mark.parametrize(("text", "item"), [
    ('"a"="b"', sz("b")), ('@="b"\n', sz("b", "")), ('""="b"\n', sz("b", "")), ('"@"="b"\n', sz("b", "@")),
    ('  "a"="b"  \r\n', sz("b")), ('"a" \t=\t "b"\n', sz("b")), ('@ = "b"\n', sz("b", "")),
    ('"a"="b";c\n', sz("b")), ('"a"="b"\t ; "c"\n', sz("b")), ('"a"=";b"\n', sz(";b")), ('"a"="#b;c"\n', sz("#b;c")),
    ('"a"=""\n', sz("")), ('"a"="C:\\\\b\\\\"\n', sz("C:\\b\\")), ('"a"="\\"b\\""\n', sz('"b"')),
    ('"a"="\\\\\\""\n', sz('\\"')), ('"a"="\\\\0"\n', sz("\\0")), ('"b\\\\\\"c"="d"\n', sz("d", 'b\\"c')),
    ('"b=c"="d=e"\n', sz("d=e", "b=c")), ('"a"="b\nc"\n', sz("b\nc")), ('"a"="b\r\nc\rd"\r\n', sz("b\r\nc\rd")),
    ('"b\r\nc"="d"\n', sz("d", "b\r\nc")), ('"a"="\x85\u2028\x0b\x1c"\n', sz("\x85\u2028\x0b\x1c")),
    ('"a"="b\0c"\n', sz("b\0c")), ('"a"="\ud800"\n', value(REG_SZ, b"\0\xd8\0\0")),
])
def test_strings_and_names(text: str, item: Item) -> None:
    assert read(text) == item


@pytest.mark.parametrize(("text", "number"), [
    ("dword:00000001", 1), ("dword:1\n", 1), ("dword:ABCDef01\n", 0xABCDEF01), ("DWORD:2a\n", 42),
    ("dword:1;2\n", 1), ("dword:1 ;2\n", 1), ("dword: 1\n", 1), ("dword:ffffffff  \n", 0xFFFFFFFF),
])
def test_dwords(text: str, number: int) -> None:
    assert read(f'"a"={text}') == value(REG_DWORD, number.to_bytes(4, "little"))


@pytest.mark.parametrize(("text", "number", "data"), [
    ("hex:", REG_BINARY, ""), ("hex:\n", REG_BINARY, ""), ("hex:0a,0B\n", REG_BINARY, "0a0b"),
    ("HEX:ff\n", REG_BINARY, "ff"), ("hex(0):\n", REG_NONE, ""), ("hex(b):1,2\n", 11, "0102"),
    ("hex(ffffffff):00\n", 0xFFFFFFFF, "00"), ("hex(0000000B):00\n", 11, "00"), ("Hex(4):\n", REG_DWORD, ""),
    ("hex:01,02,\n", REG_BINARY, "0102"), ("hex:01,;x\n", REG_BINARY, "01"), ("hex: 01 , 02 \n", REG_BINARY, "0102"),
    ("hex:01,\\\n  02\n", REG_BINARY, "0102"), ("hex:01,\\\r\n02,\\\r\n\t \t03\r\n", REG_BINARY, "010203"),
    ("hex:01,\\ \t\n  02\n", REG_BINARY, "0102"), ("hex:01,  \\  ;x\n  02\n", REG_BINARY, "0102"),
    ("hex:01,\\;x\n 02,\\;,03\n 04\n", REG_BINARY, "010204"), ("hex:01,\\\r  02\r", REG_BINARY, "0102"),
    ("hex:01,\\\n\n \n;x\n  ;y\n  02\n", REG_BINARY, "0102"), ("hex:\\\n  01\n", REG_BINARY, "01"),
    ("hex:01,\\", REG_BINARY, "01"), ("hex:01,\\\n", REG_BINARY, "01"), ("hex:01,\\\n\n", REG_BINARY, "01"),
    ("hex:01 ;x\n", REG_BINARY, "01"),
])
def test_bytes(text: str, number: int, data: str) -> None:
    assert read(f'"a"={text}') == value(number, bytes.fromhex(data))


@pytest.mark.parametrize("text", ["-", "-\n", "  -\n", " \t-\t \n", "- ;x\n", "-;x\n"])
def test_a_minus_deletes_a_value(text: str) -> None:
    assert read(f'"a"={text}') == ("-value", "a", None)
    assert read(f"@={text}") == ("-value", "", None)


@pytest.mark.parametrize(("text", "found"), [
    ("oops", "'oops'"), ("a=b", "'a=b'"), ('a"="b"', "'a\"=\"b\"'"), ("\\", "'\\'"), ("00,01", "'00,01'"),
    ("[HKLM", "without its closing bracket"), ("[HKLM] x", "'x' after a key"), ("[HKLM]#x", "'#x' after a key"),
    ('"a"', "nothing after a value's name"), ('"a"b="c"', "'b=\"c\"' after a value's name"), ("@", "nothing after"),
    ('"a"=', "nothing as data"), ('"a"=;"b"', "as data"), ('"a"=b', "'b' as data"), ('"a"=\\"b\\"', "as data"),
    ('"a"=#"b"', "as data"), ('"a"=str:"b"', "as data"), ('"a"="b"c', "'c' after a text"),
    ('"a"="b""c"', "after a text"), ('"a"="b"#c', "after a text"), ('"a"="b" #c', "'#c' after a text"),
    ('"a"="b\\n"', "'\\n' in a text"), ('"a"="C:\\b"', "'\\b' in a text"), ('"a\\b"="c"', "in a value's name"),
    ('"a"="\\0"', "in a text"), ('"a"="b \\\nc"', "in a text"), ('"a"="b', "never ends"), ('"a', "never ends"),
    ('"a"="b\\"', "never ends"), ('"a"=dword:', "a dword of 0 digits"), ('"a"=dword:012345678', "a dword of 9 digits"),
    ('"a"=dword:x', "'x' after a dword"), ('"a"=dword:0x1', "'x1' after a dword"), ('"a"=dword:1 2', "after a dword"),
    ('"a"=dword:1#2', "after a dword"), ('"a"=dword:1\\\n2', "after a dword"), ('"a"=-"b"', "after the -"),
    ('"a"=- #b', "after the -"), ('"a"=hex(123456789):00', "type '123456789'"), ('"a"=hex():00', "type ''"),
    ('"a"=hex(0x2):00', "as data"), ('"a"=hex(g):00', "as data"), ('"a"=hex(2)00', "as data"), ('"a"=hex00', "as data"),
    ('"a"=hex:0g', "'0g' among bytes"), ('"a"=hex:100', "'100' among bytes"), ('"a"=hex:0 1', "'0 1' among bytes"),
    ('"a"=hex:00,,01', "'' among bytes"), ('"a"=hex:,00', "'' among bytes"), ('"a"=hex:,', "'' among bytes"),
    ('"a"=hex:00\\\n,01', "breaks off"), ('"a"=hex:00\\\n  01', "breaks off"), ('"a"=hex:00,0\\\n1', "breaks off"),
    ('"a"=hex:00,\\\\\n01', "breaks off"), ('"a"=hex:00\\', "breaks off"), ('"a"=hex:00,\\\n\\\n01', "breaks off"),
    ('"a"=hex:00,\\01', "among bytes"), ('"a"=hex:00,\\#x\n01', "among bytes"), ('"a"=hex:,\\\n00', "among bytes"),
    ('"a"=hex:00,\\\n,01', "among bytes"), ('"a"=hex:00,\\\n#x\n01', "'#x' among"), ('"a"=hex:00/', "'00/' among"),
    ('"a"=hex:00,\\\n"b"="c"', "among bytes"), ('"a"=hex:00,\\\n[HKLM]', "among bytes"), ('"a"=hex:\u0661', "among"),
])
def test_what_windows_skips_is_a_problem(text: str, found: str) -> None:
    with pytest.raises(Problem) as caught:
        logical_line(text, 0, True)
    assert found in caught.value.found
    assert caught.value.allowed
    assert 0 < caught.value.resume <= len(text)


@pytest.mark.parametrize(("text", "rest"), [
    ('oops\n"b"="c"', '"b"="c"'), ('"a"="x\n"b"="c"', '"b"="c"'), ('"a="x"\n"b"="c"', '"b"="c"'),
    ('"a"=hex:00\\\n"b"="c"', '"b"="c"'), ('"a"=hex:00,\\\n"b"="c"\n"d"', '"d"'), ('"a"="b\\\nc"\nd', 'c"\nd'),
])
def test_whoever_skips_a_problem_goes_on_where_windows_does(text: str, rest: str) -> None:
    with pytest.raises(Problem) as caught:
        logical_line(text, 0, True)
    assert text[caught.value.resume :] == rest


def test_a_missing_quote_is_reported_on_the_line_where_it_is_missing() -> None:
    with pytest.raises(Problem) as caught:
        logical_line(';\n"a"="b\n"c"="d"\n', 2, True)
    assert caught.value.at == 2
    assert "begins on this line" in caught.value.found


@pytest.mark.parametrize("text", ['"a"="b"\r\n', "[HKLM]\r\n", '"a"=hex:00,\\\r\n  01\r\n', '"a\r\nb"=-\r\n', ";x\r\n",
                                  '"a"=dword:1\r\n', '"a"=hex:0g\r\n', "[x\r\n", '"a"="\\n"\r\n'])
def test_a_line_is_complete_when_something_follows_it(text: str) -> None:
    for end in range(len(text) + 1):
        with pytest.raises(NeedMore):
            logical_line(text[:end], 0, False)
    try:
        assert logical_line(text + "x", 0, False)[1] == len(text)
    except Problem as problem:
        assert problem.resume == len(text)
