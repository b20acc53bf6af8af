# SPDX-License-Identifier: Apache-2.0
r"""Text to edits: encodings, dialects, streams and errors. What single lines mean is in test_regtext_lines.py."""

from __future__ import annotations

import io
import random
import re
import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.regtexts import ROOT

from imagebuild.errors import FormatError, UsageError, WcowError
from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from imagebuild.hive.regfile import read as regtext
from imagebuild.hive.regfile.read import HEADER, parse
from imagebuild.hive.tree import REG_BINARY, REG_EXPAND_SZ, REG_MULTI_SZ, Value

SAMPLE = f"""{HEADER}

; a comment
[{ROOT}\\Vendor]
@="the default"
"Text"="C:\\\\Program Files\\\\x"
"Quote"="say \\"so\\""
"Number"=dword:0000002A
"Bytes"=hex:00,01,\\
  fe,FF
"Gone"=-
"Жук"="ж"

[-{ROOT}\\Old]

[HKCU\\A]
"Q"=hex(b):01,00,00,00,00,00,00,00
"""
VENDOR = f"{ROOT}\\Vendor"
EDITS: list[Edit] = [
    AddKey(VENDOR),
    SetValue(VENDOR, Value.sz("", "the default")),
    SetValue(VENDOR, Value.sz("Text", "C:\\Program Files\\x")),
    SetValue(VENDOR, Value.sz("Quote", 'say "so"')),
    SetValue(VENDOR, Value.dword("Number", 42)),
    SetValue(VENDOR, Value("Bytes", REG_BINARY, b"\0\1\xfe\xff")),
    DeleteValue(VENDOR, "Gone"),
    SetValue(VENDOR, Value.sz("Жук", "ж")),
    DeleteKey(f"{ROOT}\\Old"),
    AddKey("HKEY_CURRENT_USER\\A"),
    SetValue("HKEY_CURRENT_USER\\A", Value.qword("Q", 1)),
]


class Dribble(io.BytesIO):
    """A stream that gives ``step`` bytes at a time, whatever is asked for, and counts what it gave."""

    def __init__(self, data: bytes, step: int) -> None:
        super().__init__(data)
        self.step = step

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(self.step)


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be"])
def test_every_encoding_and_line_end_gives_the_same_edits(codec: str, newline: str) -> None:
    mark = "\ufeff" if codec.startswith("utf-16") else ""
    assert list(parse((mark + SAMPLE.replace("\n", newline)).encode(codec))) == EDITS


@pytest.mark.parametrize("ending", ["", "\n", "\r\n", "\n\n\n", " \t", "\n; end", "\r"])
def test_the_last_line_needs_no_line_end(ending: str) -> None:
    text = f'{HEADER}\n[HKU\\x]\n"a"="b"'
    assert list(parse((text + ending).encode())) == [AddKey("HKEY_USERS\\x"),
                                                     SetValue("HKEY_USERS\\x", Value.sz("a", "b"))]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_a_stream_gives_the_same_in_pieces_of_any_size(monkeypatch: pytest.MonkeyPatch, codec: str, step: int) -> None:
    monkeypatch.setattr(regtext, "PIECE", 1)
    monkeypatch.setattr(regtext, "START", 16)
    for newline in ("\r\n", "\n", "\r"):
        assert list(parse(Dribble(SAMPLE.replace("\n", newline).encode(codec), step))) == EDITS


def test_edits_come_while_the_stream_is_read() -> None:
    text = SAMPLE.encode() + b'[HKU\\x]\n"a"="b"\n' * 500_000
    stream = io.BytesIO(text)
    assert next(parse(stream)) == EDITS[0]
    assert stream.tell() <= 2 * regtext.PIECE < len(text)


@pytest.mark.slow
def test_a_big_file_takes_no_more_memory_than_a_small_one() -> None:
    peaks = []
    for count in (100, 1000):
        stream = io.BytesIO((HEADER + "\n[HKU\\x]\n" + f'"name"=hex:{"00," * 10_000}00\n' * count).encode())
        tracemalloc.start()
        edits = sum(1 for _ in parse(stream))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert edits == count + 1
    assert peaks[1] < peaks[0] * 1.2


def test_a_value_longer_than_the_limit_is_an_error_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regtext, "PIECE", 1 << 12)
    text = f'{HEADER}\n[HKU\\x]\n"a"=hex:' + "00,\\\n  " * 50_000 + "00\n"
    with pytest.raises(FormatError, match="line 3 begins a value of more than the 100000 characters") as caught:
        list(parse(Dribble(text.encode(), 4000), limit=100_000))
    assert (caught.value.facts["line"], caught.value.facts["limit"]) == (3, 100_000)
    assert list(parse(Dribble(text.encode(), 4000)))[-1] == SetValue("HKEY_USERS\\x",
                                                                     Value("a", REG_BINARY, bytes(50_001)))


# --- The first line --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("first", [HEADER, "REGEDIT4", f" {HEADER}", "\tREGEDIT4", f"{HEADER} \t"])
def test_a_header_may_have_blanks_around_it(first: str) -> None:
    assert list(parse(f"{first}\n[HKU]\n".encode())) == [AddKey("HKEY_USERS")]
    assert list(parse(first.encode())) == []


@pytest.mark.parametrize("first", ["", "[HKU]", "regedit4", "REGEDIT", "REGEDIT5", "REGEDIT4 x", HEADER.upper(),
                                   "Windows Registry Editor Version 4.00", f"\n{HEADER}", "\0" * 3000, "\ufeff\ufeff"])
def test_any_other_first_line_is_refused_as_windows_refuses_it(first: str) -> None:
    with pytest.raises(FormatError, match="line 1 is") as caught:
        list(parse(f"{first}\n[HKU]\n".encode(), source="a.reg", forgiving=True))
    assert (caught.value.facts["line"], caught.value.source) == (1, "a.reg")
    assert "REGEDIT4" in str(caught.value)


# --- REGEDIT4 --------------------------------------------------------------------------------------------------------

def test_regedit4_is_in_the_code_page_and_its_text_data_too() -> None:
    text = 'REGEDIT4\n\n[HKU\\Größe]\n"ä"="ö"\n"e"=hex(2):25,e4,25,00\n"m"=hex(7):61,00,e4,00,00\n"b"=hex:e4,00\n'
    path = "HKEY_USERS\\Größe"
    assert list(parse(text.encode("cp1252"))) == [
        AddKey(path), SetValue(path, Value.sz("ä", "ö")), SetValue(path, Value.expand_sz("e", "%ä%")),
        SetValue(path, Value.multi_sz("m", ["a", "ä"])), SetValue(path, Value("b", REG_BINARY, b"\xe4\0")),
    ]


def test_another_code_page_is_named_by_the_caller() -> None:
    text = 'REGEDIT4\n[HKU\\ключ]\n"表"="ソ"\n"e"=hex(2):83,5c,00\n'
    assert list(parse(text.encode("cp932"), ansi="cp932")) == [
        AddKey("HKEY_USERS\\ключ"), SetValue("HKEY_USERS\\ключ", Value.sz("表", "ソ")),
        SetValue("HKEY_USERS\\ключ", Value.expand_sz("e", "ソ")),
    ]
    with pytest.raises(UsageError, match="cp0"):
        list(parse(text.encode("cp932"), ansi="cp0"))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_regedit4_in_unicode_is_unicode_but_its_data_are_not(mark: str) -> None:
    text = 'REGEDIT4\n[HKU]\n"ж"=hex(2):e4\n'
    assert list(parse(text.encode(mark)))[1] == SetValue("HKEY_USERS", Value.expand_sz("ж", "ä"))


@pytest.mark.parametrize(("number", "digits", "data"), [
    (7, "4c,69", "Li\0"), (7, "4c,69,00", "Li\0"), (7, "4c,69,00,00", "Li\0\0"), (2, "25", "%\0"), (2, "", ""),
    (7, "", ""),
])
def test_regedit4_text_gets_the_nul_that_windows_gives_it(number: int, digits: str, data: str) -> None:
    edits = list(parse(f'REGEDIT4\n[HKU]\n"a"=hex({number}):{digits}\n'.encode()))
    assert edits[1] == SetValue("HKEY_USERS", Value("a", number, data.encode("utf-16-le")))


def test_data_of_version_5_are_taken_as_they_are() -> None:
    edits = list(parse(f'{HEADER}\n[HKU]\n"a"=hex(2):25\n"b"=hex(7):e4,00\n'.encode()))
    assert edits[1:] == [SetValue("HKEY_USERS", Value("a", REG_EXPAND_SZ, b"%")),
                         SetValue("HKEY_USERS", Value("b", REG_MULTI_SZ, b"\xe4\0"))]


# --- Errors ----------------------------------------------------------------------------------------------------------

def test_an_error_has_source_line_what_was_found_and_what_is_allowed() -> None:
    with pytest.raises(FormatError) as caught:
        list(parse(f'{HEADER}\r\n\r\n[HKU]\r\n"a"="x\r\ny"\r\n"b"=dwrod:1\r\n'.encode(), source="my.reg"))
    error = caught.value
    assert (error.facts["line"], error.source) == (6, "my.reg")
    assert error.facts["found"] == "'dwrod:1' as data"
    assert str(error) == ("cannot read a .reg file: line 6 has 'dwrod:1' as data; allowed is \"text\", dword:, hex:, "
                          "hex(N): or - to delete the value (in my.reg)")


def test_the_line_of_an_error_counts_the_lines_of_pieces_that_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regtext, "PIECE", 64)
    for newline in ("\r\n", "\n", "\r"):
        text = newline.join([HEADER, "[HKU]", *['"a"="b"'] * 1000, "oops"])
        with pytest.raises(FormatError) as caught:
            list(parse(Dribble(text.encode(), 61)))
        assert caught.value.facts["line"] == 1003


@pytest.mark.parametrize(("codec", "tail", "offset"), [
    ("utf-8", b"[HKU\\\xff]\n", 5), ("utf-16", b"[", 0), ("utf-8-sig", b"\n\xc3", 1),
])
def test_wrong_bytes_are_an_error_with_their_offset(codec: str, tail: bytes, offset: int) -> None:
    start = f"{HEADER}\n".encode(codec)
    with pytest.raises(FormatError, match="are no utf") as caught:
        list(parse(start + tail, forgiving=True))
    assert caught.value.offset == len(start) + offset


def test_wrong_bytes_are_found_at_their_offset_in_a_later_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regtext, "PIECE", 32)
    text = HEADER.encode() + "\n;ж".encode() * 500
    with pytest.raises(FormatError) as caught:
        list(parse(Dribble(text + b"\xd0\n", 31)))
    assert caught.value.offset == len(text)


def test_whoever_forgives_gets_the_other_lines_and_the_errors() -> None:
    problems: list[FormatError] = []
    text = (f'{HEADER}\n"early"="x"\n[HKU\\a]\n"b"="c"\noops\n"d"=dword:x\n"e"="f\n"g"="h"\n[nowhere]\n"i"="j"\n'
            f'[HKU\\k\n"l"="m"\n[-HKU\\n]\n"o"="p"\n[HKU\\q]\n"r"="s"\n')
    edits = list(parse(text.encode(), forgiving=True, problem=problems.append))
    assert [error.facts["line"] for error in problems] == [2, 5, 6, 7, 9, 10, 11, 12, 14]
    path, last = "HKEY_USERS\\a", "HKEY_USERS\\q"
    assert edits == [AddKey(path), SetValue(path, Value.sz("b", "c")), SetValue(path, Value.sz("g", "h")),
                     DeleteKey("HKEY_USERS\\n"), AddKey(last), SetValue(last, Value.sz("r", "s"))]
    assert list(parse(text.encode(), forgiving=True)) == edits


def test_paths_of_a_single_hive_are_taken_as_they_are() -> None:
    text = f"{HEADER}\n[\\]\n\"a\"=dword:00000001\n[\\Sub\\Key]\n[-\\-Odd]\n[\\]x]\n".encode()
    assert list(parse(text, rooted=False)) == [AddKey(""), SetValue("", Value.dword("a", 1)), AddKey("Sub\\Key"),
                                               DeleteKey("-Odd"), AddKey("]x")]
    with pytest.raises(FormatError, match="HKEY_LOCAL_MACHINE"):
        list(parse(text))


# --- Two ways, one answer; and anything at all ------------------------------------------------------------------------

LINES = st.sampled_from([
    "[HKU\\a]", "[HKU\\a]b]", "[-HKU\\a]", "[HKU\\a", "[x]", "[HKU\\a\\]", "[]", "", ";c", '"a"="b"', '"a"="b";c',
    '"a\\\\"="b"', '"a\\"="b"', '"a"="b\\"', '"a"="b\\\\"', '"a\\"b"="c\\"d"', '"a"="\\n"', '@="x"', "@=-", '"a"=-',
    '"="="="', '"a"=dword:1', '"a"=dword:00000001', '"a"=DWORD:0000000A', '"a"=dword:123456789', '"a"=hex:',
    '"a"=hex:0', '"a"=hex:00,01', '"a"=hex:0001', '"a"=hex:00,,01', '"a"=hex:00,\\', "  00,01", "  00,01,\\", "  00,\\",
    '"a"=hex(2):00,', '"a"=hex(7):41,\\', '"a"=hex(fFfFfFfF):00', '"a"=hex(123456789):00', '"a"=hex():00', "  ;c",
    '"a"=hex:00\\', '"a"="multi', 'line"', '"a"="\ufeff\0"', '"\0\\\\"="\0\\\\"', '"a"=hex:00,1', "00,\\",
    '"a"=hex:00, 01', '"a"=hex:\\', '"',
])
TEXTS = st.builds(lambda lines, ends: "".join(f"{line}{end}" for line, end in zip(lines, ends, strict=True)),
                  lines := st.shared(st.lists(LINES, max_size=12)),
                  lines.flatmap(lambda found: st.lists(st.sampled_from(["\n", "\n", "\r\n", "\r\n", "\r", "\n\n", " \n",
                                                                        "\r\r\n"]),
                                                       min_size=len(found), max_size=len(found))))


def outcome(text: str, **options: bool) -> tuple[list[Edit], list[str]]:
    problems: list[FormatError] = []
    edits = list(parse(text.encode(), forgiving=True, problem=problems.append, **options))
    return edits, [str(problem) for problem in problems]


@given(TEXTS, st.sampled_from([HEADER, "REGEDIT4"]), st.booleans())
@example('[HKU]\n"a"=hex:00,\\\n  01,\\\n  ', HEADER, True)
@example('"a"=hex:00,0\\\n  1\n', HEADER, True)
@example('"a"=hex:00\\\r\n  ,01\n', HEADER, True)
def test_the_quick_way_and_the_exact_one_give_the_same(text: str, header: str, rooted: bool) -> None:
    text = f"{header}\n[HKU]\n{text}" if header == HEADER else f"{header}\n[HKU]\n{text.replace(chr(0xfeff), '')}"
    quick = outcome(text, rooted=rooted)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regtext, "_COMMON", re.compile("(?!)()()()()()()|"))  # it knows no line at all
        assert outcome(text, rooted=rooted) == quick


@given(TEXTS, st.integers(1, 9))
def test_pieces_of_any_size_give_the_same_edits_and_errors(text: str, step: int) -> None:
    text = f"{HEADER}\n[HKU]\n{text}"
    problems: list[FormatError] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(regtext, "PIECE", 1)
        patch.setattr(regtext, "START", 12)
        edits = list(parse(Dribble(text.encode(), step), forgiving=True, problem=problems.append))
    assert (edits, [str(problem) for problem in problems]) == outcome(text)


@given(st.binary(max_size=400), st.sampled_from([b"", f"{HEADER}\n".encode(), b"REGEDIT4\n", b"\xff\xfe"]))
def test_any_bytes_are_edits_or_a_format_error(data: bytes, start: bytes) -> None:
    try:
        edits = list(parse(start + data))
    except FormatError as error:
        assert error.lines()
    else:
        assert all(isinstance(edit, Edit) for edit in edits)


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_mutated_texts_are_edits_or_a_format_error(count: int) -> None:
    rng = random.Random(count)
    originals = [SAMPLE.replace("\n", newline).encode(codec) for newline in ("\r\n", "\n")
                 for codec in ("utf-8", "utf-16")]
    originals.append(SAMPLE.replace(HEADER, "REGEDIT4").encode("cp1251"))
    outcomes = set()
    for number in range(count):
        data = bytearray(originals[number % len(originals)])
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data))
            what = rng.randrange(4)
            if what == 0:
                data[at] = rng.randrange(256)
            elif what == 1:
                del data[at : at + rng.randint(1, 20)]
            elif what == 2:
                data[at:at] = data[(start := rng.randrange(len(data))) : start + rng.randint(1, 40)]
            else:
                data[at : at + 1] = rng.choice([b'"', b"\\", b"\n", b"\r", b"]", b"[", b",", b"=", b";", b"\0"])
        for forgiving in (False, True):
            try:
                for edit in parse(bytes(data), forgiving=forgiving):
                    assert isinstance(edit, Edit)
                outcomes.add("edits")
            except WcowError as error:
                assert type(error) is FormatError
                outcomes.add("error")
    assert outcomes == {"edits", "error"}


@pytest.mark.parametrize("line", ['"a"=hex:00,\\', '"\\', '"a"="\\"', "[HKU\\", '"a', "\\", '"a"=hex:\\', ";", '@="'])
def test_no_line_makes_time_grow_faster_than_the_text(line: str) -> None:
    text = f"{HEADER}\n[HKU]\n" + f"{line}\n" * 20_000
    problems = 0

    def count(_: FormatError) -> None:
        nonlocal problems
        problems += 1

    for _ in parse(text.encode(), forgiving=True, problem=count):
        pass
    assert problems <= 20_000
