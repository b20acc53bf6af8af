# SPDX-License-Identifier: Apache-2.0
"""Keys and edits to .reg text: regedit's form, what comes back, and what other people's tools make of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support import programs
from support.regtexts import KEY_NAMES, ROOT, VALUE_NAMES, VALUES, contents, edits_of, keys, rebuilt

from imagebuild.errors import InputError
from imagebuild.hive import Key, Value, freeze, read, write
from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from imagebuild.hive.regfile import write as writer
from imagebuild.hive.regfile.read import HEADER, parse
from imagebuild.hive.regfile.write import export, export_edits, render_edits
from imagebuild.hive.tree import (
    MERGE,
    REG_BINARY,
    REG_DWORD,
    REG_MULTI_SZ,
    REG_NONE,
    REG_SZ,
    SUPERSEDE_LOCAL,
    SUPERSEDE_TREE,
    TOMBSTONE,
    walk,
)

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared"))
ENCODINGS = st.sampled_from(["utf-16", "utf-8"])
Encoding = Literal["utf-16", "utf-8"]


def text_of(*values: Value, encoding: Encoding = "utf-16") -> str:
    """The lines of these values, in a file of one key."""
    data = b"".join(export([("HKU", Key("x", values))], encoding=encoding))
    newline = "\r\n" if encoding == "utf-16" else "\n"
    start = f"{HEADER}{newline}{newline}[HKU]{newline}"
    text = data.decode("utf-8") if encoding == "utf-8" else data[2:].decode("utf-16-le")
    assert text.startswith(start)
    assert text.endswith(newline * 2)
    return text[len(start) : -len(newline)]


# --- As regedit writes ------------------------------------------------------------------------------------------------

def test_a_file_is_utf_16_with_a_mark_and_crlf() -> None:
    tree = Key("x", [Value.sz("", "d"), Value.dword("Ж", 255)], [Key("b"), Key("a]", [Value.sz("v", 'C:\\"')])])
    assert b"".join(export(walk(tree, "HKEY_USERS\\x"))) == b"\xff\xfe" + (
        'Windows Registry Editor Version 5.00\r\n\r\n[HKEY_USERS\\x]\r\n@="d"\r\n"Ж"=dword:000000ff\r\n\r\n'
        '[HKEY_USERS\\x\\b]\r\n\r\n[HKEY_USERS\\x\\a]]\r\n"v"="C:\\\\\\""\r\n\r\n').encode("utf-16-le")


def test_the_form_for_other_tools_is_utf_8_without_a_mark_and_lf() -> None:
    tree = Key("x", [Value.sz("Ж", "ascii"), Value.sz("a", "ж")])
    assert b"".join(export([("HKEY_USERS\\x", tree)], encoding="utf-8")) == (
        f'{HEADER}\n\n[HKEY_USERS\\x]\n"Ж"="ascii"\n"a"=hex(1):36,04,00,00\n\n').encode()


@pytest.mark.parametrize(("value", "line"), [
    (Value("a", REG_NONE, b""), '"a"=hex(0):'), (Value("a", REG_BINARY, b""), '"a"=hex:'),
    (Value("a", REG_DWORD, b""), '"a"=hex(4):'), (Value("a", REG_DWORD, b"abc"), '"a"=hex(4):61,62,63'),
    (Value("a", REG_DWORD, b"\1\2\3\4"), '"a"=dword:04030201'), (Value("a", 0xABCD, b"\x0f"), '"a"=hex(abcd):0f'),
    (Value("a", 5, b"\1\2\3\4"), '"a"=hex(5):01,02,03,04'), (Value.qword("a", 1), '"a"=hex(b):01,00,00,00,00,00,00,00'),
    (Value.expand_sz("a", "%"), '"a"=hex(2):25,00,00,00'), (Value.multi_sz("a", ["b"]), '"a"=hex(7):62,00,00,00,00,00'),
    (Value.sz("@", ""), '"@"=""'), (Value.sz('"\\', '\\"'), '"\\"\\\\"="\\\\\\""'), (Value.sz("a\nb", ""), '"a\nb"=""'),
    (Value("", REG_BINARY, b"1"), "@=hex:31"), (Value.tombstone("a"), '"a"=-'), (Value.tombstone(""), "@=-"),
])
def test_each_kind_of_value_has_its_line(value: Value, line: str) -> None:
    assert text_of(value) == f"{line}\r\n"
    assert text_of(value, encoding="utf-8") == f"{line}\n"


@pytest.mark.parametrize("data", [b"", b"a", b"a\0", b"\0", b"a\0\0", b"a\0\0\0\0", "a\0b\0".encode("utf-16-le"),
                                  "a\nb\0".encode("utf-16-le"), "a\rb\0".encode("utf-16-le"), b"\0\xd8\0\0",
                                  b"\0\xdc\0\0", b"a\0b\0", b"\0\0\0\0"])
def test_text_that_would_not_come_back_is_written_as_bytes(data: bytes) -> None:
    assert text_of(Value("a", REG_SZ, data)) == f'"a"=hex(1):{data.hex(",")}\r\n'


@pytest.mark.parametrize("text", ["", "a", "\ufeff", "\x85\u2028", "\U0001f600", "\x01", ";", "é"])
def test_any_other_text_is_text(text: str) -> None:
    assert text_of(Value.sz("a", text)) == f'"a"="{text}"\r\n'


def test_long_data_are_wrapped_where_windows_wraps_them() -> None:
    lines = text_of(Value.multi_sz("Multiple strings", ["Line1", "Line2", "Line3"])).split("\r\n")
    assert [len(line) for line in lines[:-1]] == [78, 64]  # as `reg export` of Windows has it, with the backslash
    assert lines[0].endswith(",6e,\\")
    assert lines[1].startswith("  00,65,")
    lines = text_of(Value("n", REG_BINARY, bytes(100))).split("\r\n")
    assert [len(line) for line in lines[:-1]] == [78, 78, 78, 78, 7]


@given(st.integers(1, 120), st.integers(1, 90), st.sampled_from(["a", "Ж", "\U0001f600"]))
def test_no_line_is_longer_than_it_must_be_nor_shorter_than_it_may(length: int, count: int, letter: str) -> None:
    lines = text_of(Value(letter * length, REG_BINARY, bytes(count))).split("\r\n")[:-1]
    widths = [len(line.removesuffix("\\").encode("utf-16-le")) // 2 for line in lines]
    for line, width in zip(lines[:-1], widths, strict=False):
        assert line.endswith(",\\")
        assert 77 <= width <= 79 or (line is lines[0] and line.count(",") == 1)
    if len(lines) > 1 or count > 1:
        assert widths[-1] < 80 or len(lines) == 1 == count
    assert sum(line.count("00") for line in lines) == count


# --- What is written comes back ---------------------------------------------------------------------------------------

@given(keys(), ENCODINGS)
def test_what_was_exported_is_read_back_exactly(tree: Key, encoding: Encoding) -> None:
    pairs = list(walk(tree, ROOT))
    pieces = list(export(pairs, encoding=encoding))
    assert list(parse(b"".join(pieces))) == edits_of(pairs)


@given(st.lists(st.tuples(KEY_NAMES.map(lambda name: f"{ROOT}\\{name}"), keys(0)), max_size=3,
                unique_by=lambda pair: pair[0]), ENCODINGS)
def test_the_export_of_what_was_imported_is_the_same_text(pairs: list[tuple[str, Key]], encoding: Encoding) -> None:
    text = b"".join(export(pairs, encoding=encoding))
    assert b"".join(export(rebuilt(parse(text)), encoding=encoding)) == text


@given(keys(1), st.sampled_from(["", "Sub", "-x", "-"]), ENCODINGS)
@example(Key("x", (), [Key("\0", (), [Key("\0")])]), "", "utf-16")
def test_a_hive_by_itself_needs_no_root(tree: Key, path: str, encoding: Encoding) -> None:
    pairs = list(walk(tree, path))
    assert list(parse(b"".join(export(pairs, encoding=encoding)), rooted=False)) == edits_of(pairs)


PATHS = KEY_NAMES.map(lambda name: f"{ROOT}\\{name}")
EDITS = st.one_of(st.builds(AddKey, PATHS), st.builds(DeleteKey, PATHS), st.builds(SetValue, PATHS, VALUES),
                  st.builds(DeleteValue, PATHS, VALUE_NAMES))


@given(st.lists(EDITS, max_size=8), ENCODINGS)
def test_edits_come_back_below_the_keys_they_name(edits: list[Edit], encoding: Encoding) -> None:
    def without_keys(some: list[Edit]) -> list[Edit]:
        return [edit for edit in some if not isinstance(edit, AddKey)]

    read = list(parse(b"".join(export_edits(edits, encoding=encoding))))
    assert without_keys(read) == without_keys(edits)
    assert {edit.path for edit in read} == {edit.path for edit in edits}
    assert list(parse(render_edits(edits).encode("utf-8", "surrogatepass"))) == read
    assert render_edits(read) == render_edits(edits)


def test_edits_are_shown_with_each_key_once() -> None:
    a, b = f"{ROOT}\\A", f"{ROOT}\\B"
    edits = [SetValue(a, Value.sz("x", "ж")), DeleteValue(a, "y"), DeleteKey(b), SetValue(a, Value.dword("z", 1)),
             AddKey(a), DeleteValue(b, "")]
    assert render_edits(edits) == (
        f'{HEADER}\n\n[{a}]\n"x"="ж"\n"y"=-\n\n[-{b}]\n\n[{a}]\n"z"=dword:00000001\n\n[{a}]\n\n[{b}]\n@=-\n\n')
    assert render_edits([], newline="\r\n") == f"{HEADER}\r\n\r\n"


@pytest.mark.parametrize("name", ["a\nb", "a\rb", "\r\n"])
def test_a_key_whose_name_holds_a_line_end_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match="line end") as caught:
        list(export([(f"HKU\\{name}", Key(name))]))
    assert caught.value.facts["path"] == f"HKU\\{name}"


# --- Deltas -----------------------------------------------------------------------------------------------------------

def test_tombstones_are_deletions_and_hide_what_is_below_them() -> None:
    tree = Key("x", [Value.tombstone("v"), Value.sz("w", "")], [
        Key("gone", semantics=TOMBSTONE, subkeys=[Key("below")]), Key("gone too"),
    ])
    assert list(parse(b"".join(export(walk(tree, "HKEY_USERS\\x"))))) == [
        AddKey("HKEY_USERS\\x"), DeleteValue("HKEY_USERS\\x", "v"), SetValue("HKEY_USERS\\x", Value.sz("w", "")),
        DeleteKey("HKEY_USERS\\x\\gone"), AddKey("HKEY_USERS\\x\\gone too"),
    ]


def test_a_key_that_replaces_a_tree_deletes_it_first_and_once() -> None:
    tree = Key("x", semantics=MERGE, subkeys=[
        Key("new", [Value.sz("a", "b")], [Key("sub", semantics=SUPERSEDE_TREE), Key("t", semantics=TOMBSTONE)],
            semantics=SUPERSEDE_TREE),
        Key("newer", semantics=SUPERSEDE_TREE), Key("values", semantics=SUPERSEDE_LOCAL),
    ])
    new = "HKEY_USERS\\new"
    assert list(parse(b"".join(export(walk(tree, "HKEY_USERS"))))) == [
        AddKey("HKEY_USERS"), DeleteKey(new), AddKey(new), SetValue(new, Value.sz("a", "b")), AddKey(f"{new}\\sub"),
        DeleteKey(f"{new}\\t"), DeleteKey(f"{new}er"), AddKey(f"{new}er"), AddKey("HKEY_USERS\\values"),
    ]


# --- Streams, memory and a real hive ----------------------------------------------------------------------------------

def test_pieces_are_handed_over_while_keys_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "PIECE", 1000)
    asked = []

    def some() -> object:
        for number in range(100):
            asked.append(number)
            yield f"HKU\\{number}", Key("x", [Value("v", REG_BINARY, bytes(100))])

    pieces = export(some(), encoding="utf-8")  # type: ignore[arg-type]
    first = next(pieces)
    assert 1000 <= len(first) < 2000
    assert len(asked) < 10
    whole = first + b"".join(pieces)
    monkeypatch.undo()
    assert whole == b"".join(export(some(), encoding="utf-8"))  # type: ignore[arg-type]


def test_more_names_and_texts_than_are_remembered_are_written_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "KEPT", 3)
    monkeypatch.setattr(writer, "SHORT", 20)
    values = [Value.sz(f"name {number}" * (number % 4), "text" * (number % 5)) for number in range(60)] * 2
    pairs = [("HKEY_USERS\\x", Key("x", values))]
    assert list(parse(b"".join(export(pairs)))) == edits_of(pairs)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-16", "utf-8"])
def test_a_hive_of_windows_comes_back_exactly(encoding: Encoding) -> None:
    path = SHARED / "hives" / "real" / "SYSTEM_WIN_10_1709"
    if not path.exists():
        pytest.skip(f"{path} is not there (set WCOW_SHARED)")
    pairs = list(walk(freeze(read(path.read_bytes()).root), "HKEY_LOCAL_MACHINE\\SYSTEM"))
    text = b"".join(export(pairs, encoding=encoding))
    edits = list(parse(text))
    assert len(edits) == 43_211 + 90_307
    assert edits == edits_of(pairs)
    assert b"".join(export(rebuilt(edits), encoding=encoding)) == text


# --- Other people's tools ---------------------------------------------------------------------------------------------

@pytest.fixture
def hivexregedit() -> Path:
    with programs.skipping():
        return programs.find("hivexregedit")


@pytest.fixture
def reged() -> Path:
    with programs.skipping():
        return programs.find("reged")


BOTH = (  # what both tools can carry
    Value.sz("", "default"), Value.sz("plain", "text"), Value.sz("path", "C:\\dir\\"), Value.sz("z", ""),
    Value.sz("semi", ";x"), Value.dword("d", 0xDEADBEEF), Value("long", REG_BINARY, bytes(range(200))),
    Value.multi_sz("m", ["a", "bb"]), Value.expand_sz("e", "%PATH%\\x"), Value.qword("qw", 5), Value("none", 0, b""),
    Value("odd", REG_BINARY, b"abc"), Value("empty", REG_BINARY, b""), Value("t", 0x20001, b"xyz"),
    Value("dw3", REG_DWORD, b"abc"), Value("no text", REG_SZ, b"abc"), Value.sz("lines", "a\r\nb"),
    Value("eq=x", REG_BINARY, b"1"),
)
TREE = Key("ROOT", subkeys=[Key("Both", BOTH, [Key("Sub", [Value.sz("a", "b")], [Key("Leaf")])]), Key("Empty")])
# reged (140201) crashes at a quote in a name, cuts a key's name at its first ], keeps the low byte of each letter of a
# name, takes "@" for @, and knows no values of the root. hivexregedit exports names that are all Latin-1 in Latin-1.
MORE = Key("ROOT", [Value.sz("", "at the root")], [
    *TREE.subkeys, Key("A ]b[ c", [Value.sz('q"uo\\te', '"x" '), Value("a", REG_MULTI_SZ, b"\0")]),
    Key("Ключ ü \U0001f600", [Value.sz("имя", "значение"), Value.sz("üж", "ü"), Value.sz("@", "at"),
                              Value("u", 0xFFFF0012, b"abcd")]),
])


@pytest.mark.slow
def test_hivexregedit_merges_the_utf_8_form_into_a_hive_of_ours(tmp_path: Path, hivexregedit: Path) -> None:
    hive, text = tmp_path / "hive", tmp_path / "x.reg"
    hive.write_bytes(write(Key("ROOT")))
    text.write_bytes(b"".join(export(walk(MORE, ROOT), encoding="utf-8")))
    programs.run(hivexregedit, "--merge", "--prefix", ROOT, hive, text)
    assert contents(freeze(read(hive.read_bytes()).root)) == contents(MORE)


@pytest.mark.slow
def test_hivexregedit_deletes_what_a_delta_deletes(tmp_path: Path, hivexregedit: Path) -> None:
    hive, text = tmp_path / "hive", tmp_path / "x.reg"
    hive.write_bytes(write(Key("ROOT", [Value.sz("a", ""), Value.sz("b", "")], [Key("k", subkeys=[Key("l")])])))
    delta = Key("ROOT", [Value.tombstone("a")], [Key("k", semantics=TOMBSTONE)])
    text.write_bytes(b"".join(export(walk(delta, ROOT), encoding="utf-8")))
    programs.run(hivexregedit, "--merge", "--prefix", ROOT, hive, text)
    assert contents(freeze(read(hive.read_bytes()).root)) == {"": [("b", REG_SZ, b"\0\0")]}


@pytest.mark.slow
@pytest.mark.parametrize("prefix", ["", ROOT])
def test_what_hivexregedit_exports_is_read(tmp_path: Path, hivexregedit: Path, prefix: str) -> None:
    hive = tmp_path / "hive"
    hive.write_bytes(write(MORE))
    done = programs.run(hivexregedit, "--export", *(("--prefix", prefix) if prefix else ()), hive, "\\")
    pairs = rebuilt(parse(done.stdout.encode(), rooted=bool(prefix)))
    assert {path.removeprefix(prefix).lstrip("\\"): contents(key)[""] for path, key in pairs} == contents(MORE)


@pytest.mark.slow
def test_reged_imports_the_utf_16_form_into_a_hive_of_ours(tmp_path: Path, reged: Path) -> None:
    hive, text = tmp_path / "hive", tmp_path / "x.reg"
    hive.write_bytes(write(Key("ROOT", subkeys=[Key("Empty")])))
    text.write_bytes(b"".join(export([pair for pair in walk(TREE, ROOT) if pair[0] != ROOT])))
    done = programs.run(reged, "-C", "-I", hive, ROOT, text, ok=False)
    assert done.returncode == 2, done.stdout  # reged's code for "changed and saved"
    assert contents(freeze(read(hive.read_bytes()).root)) == contents(TREE)


@pytest.mark.slow
def test_what_reged_exports_is_read(tmp_path: Path, reged: Path) -> None:
    # It writes no line end after data without bytes, a dword for three bytes, and text for bytes that are none.
    values = [value for value in BOTH if value.data and value.name not in ("dw3", "no text")]
    tree = Key("ROOT", subkeys=[Key("Both", [*values, Value.sz('q"uo\\te', '"x"')], [Key("Sub")]), Key("Empty")])
    hive, text = tmp_path / "hive", tmp_path / "x.reg"
    hive.write_bytes(write(tree))
    programs.run(reged, "-x", hive, ROOT, "\\", text)
    pairs = rebuilt(parse(text.read_bytes()))
    assert {path.removeprefix(ROOT).lstrip("\\"): contents(key)[""] for path, key in pairs} == contents(tree)
