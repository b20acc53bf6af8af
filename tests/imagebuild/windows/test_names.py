# SPDX-License-Identifier: Apache-2.0
"""Names that Windows can hold, and paths as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import UnsupportedError
from imagebuild.windows import names


@pytest.mark.parametrize("name", [
    "a", "app.exe", ".gitignore", "..a", "a b", " a", "con1", "COM", "COM0", "COM10", "LPT", "nullo", "NULL", "xCON",
    "a.NUL", "(x) [y] {z} & ~!@#$%^+=,;'`", "\u00c4\u00d6", "\u65e5\u672c\u8a9e",
    "x" * 255, "\uffff" * 255, "\U0001f600" * 127, "XBOX", "NULX", "nul\u00a0", "CONIN", "AUXX.txt", "\x7f",
])
def test_a_good_name_passes(name: str) -> None:
    names.check_name(name)


@pytest.mark.parametrize(("name", "why"), [
    ("", "empty"), (".", "means a folder"), ("..", "means a folder"),
    ("a.", "dot or space"), ("a ", "dot or space"), ("...", "dot or space"), (" ", "dot or space"),
    ("a:b", "alternate streams"), ("a<", "'<'"), ("a>", "'>'"), ('a"', "'\"'"), ("a|", r"'\|'"), ("a?", r"'\?'"),
    ("a*", r"'\*'"), ("a/b", "'/'"), ("a\\b", "not allowed"),
    ("a\x00", r"U\+0000"), ("\x1f", r"U\+001F"), ("\ud83d", "surrogate"), ("a\udfff", "surrogate"),
    ("\ud800", "surrogate"),
    ("CON", "CON is a device"), ("con", "CON is a device"), ("Prn.txt", "PRN"), ("aux.tar.gz", "AUX"), ("nul", "NUL"),
    ("COM1", "COM1"), ("com9.log", "COM9"), ("LPT1", "LPT1"), ("lpt9", "LPT9"), ("COM\u00b9", "COM\u00b9"),
    ("lpt\u00b3.x", "LPT\u00b3"),
    ("COM\u00b2", "COM\u00b2"), ("CONIN$", "device"), ("conout$", "device"), ("nul .txt", "NUL"),
    ("x" * 256, "256 UTF-16 units, 255"), ("\U0001f600" * 128, "256 UTF-16 units"),
])
def test_a_bad_name_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(UnsupportedError, match=why) as caught:
        names.check_name(name)
    assert caught.value.facts["name"] == name


def test_every_com_and_lpt_port_is_reserved() -> None:
    assert all(names.is_reserved(f"{port}{digit}") for port in ("com",
    "LPT") for digit in "123456789\u00b9\u00b2\u00b3")
    assert not any(names.is_reserved(f"{port}{digit}") for port in ("com", "LPT") for digit in ("", "0", "11",
    "\u2074"))


def test_a_path_is_checked_name_by_name_and_as_a_whole() -> None:
    names.check_path(("a", "b"))
    names.check_path(())
    names.check_path(["x" * 254] * 128 + ["x" * 124])
    with pytest.raises(UnsupportedError, match="NUL is a device"):
        names.check_path(("a", "nul", "b"))
    with pytest.raises(UnsupportedError, match="32768 UTF-16 units of 32767"):
        names.check_path(["x" * 254] * 128 + ["x" * 125])


@pytest.mark.parametrize(("text", "path"), [
    ("C:\\a\\b", ("a", "b")), ("c:/a/b", ("a", "b")), ("/a/b", ("a", "b")), ("\\a\\b", ("a", "b")), ("C:\\", ()),
    ("/", ()), ("\\", ()), ("a", ("w", "d", "a")), ("C:a", ("w", "d", "a")), ("C:", ("w", "d")), ("", ("w", "d")),
    (".", ("w", "d")), ("./a", ("w", "d", "a")), ("..", ("w",)), ("..\\..\\..\\a", ("a",)), ("/../a", ("a",)),
    ("/a//b\\\\c/", ("a", "b", "c")), ("/a/./b/../c", ("a", "c")), ("C:..", ("w",)), ("\\\\?\\C:\\a", ("a",)),
    ("\\??\\C:\\a", ("a",)), ("/a b/c.txt ", ("a b", "c.txt ")), ("\\a\\*.dll", ("a", "*.dll")), ("...", ("w", "d",
    "...")),
])
def test_paths_as_people_write_them(text: str, path: tuple[str, ...]) -> None:
    assert names.parse_path(text, ("w", "d")) == path


@pytest.mark.parametrize(("text", "why"), [
    ("D:\\a", "not D:"), ("X:\\a", "not X:"),
    ("z:", "not Z:"), ("\\\\server\\share", "network share"), ("//server/share", "network share"),
    ("\\\\.\\pipe\\x", "device"), ("\\\\?\\UNC\\s\\x", "device"), ("\\\\?\\D:\\x", "not D:"), ("1:x", "not 1:"),
])
def test_paths_outside_the_only_drive_are_refused(text: str, why: str) -> None:
    with pytest.raises(UnsupportedError, match=why):
        names.parse_path(text)


@pytest.mark.parametrize(("text", "absolute"), [
    ("C:\\x", True), ("C:/", True), ("/x", True), ("\\x", True), ("x", False), ("C:x", False), ("C:", False),
    ("", False),
])
def test_a_path_is_absolute_when_the_folder_it_is_seen_from_does_not_matter(text: str, absolute: bool) -> None:
    assert names.is_absolute(text) is absolute
    assert (names.parse_path(text, ("w",)) == names.parse_path(text, ("v",))) is absolute


def test_a_path_prints_as_windows_prints_it() -> None:
    assert names.join(()) == "C:\\"
    assert names.join(("a", "b")) == "C:\\a\\b"


COMPONENT = st.text(st.characters(exclude_characters="/\\:"), min_size=1).filter(lambda name: name not in (".", ".."))


@given(st.lists(COMPONENT))
def test_a_printed_path_is_read_back(path: list[str]) -> None:
    assert names.parse_path(names.join(path)) == tuple(path)


@given(st.text("aB.:/\\? *\x00\u00e9", max_size=12), st.lists(COMPONENT))
def test_no_path_climbs_out_or_crashes(text: str, cwd: list[str]) -> None:
    try:
        path = names.parse_path(text, tuple(cwd))
    except UnsupportedError:
        return
    assert all(name not in ("", ".", "..") and "/" not in name and "\\" not in name for name in path)


@pytest.mark.parametrize(("name", "why"), [
    ("", "it is empty"), (".", "'.' means a folder, not a name in it"), ("a<", "'<' is not allowed in a name"),
    ("a:b", "':' is not allowed in a name; alternate streams cannot be put into a layer"),
    ("\x1f", "the control character U+001F is not allowed in a name"),
    ("\udfff", "half a surrogate pair, U+DFFF, cannot be written into a layer's UTF-8"),
    ("a.", "Windows drops a dot or space at the end of a name"), ("nul .txt", "NUL is a device on Windows"),
    ("aux.tar.gz", "AUX is a device on Windows"), ("AUX .x", "AUX is a device on Windows"),
    ("x" * 256, "it has 256 UTF-16 units, 255 are allowed"),
])
def test_the_reason_is_a_whole_sentence(name: str, why: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        names.check_name(name)
    assert (caught.value.why, caught.value.hint) == (why, "rename it")


@pytest.mark.parametrize(("name", "shown"), [("x" * 79 + ".", "x" * 79 + "."), ("x" * 80 + ".", "x" * 77 + "...")])
def test_a_long_name_is_cut_in_the_message(name: str, shown: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        names.check_name(name)
    assert caught.value.what == f"{shown!r} cannot be a file name on Windows"
    assert caught.value.facts == {"name": name}


def test_a_path_that_is_too_long_says_so_and_what_to_do() -> None:
    path = ["x" * 254] * 128 + ["x" * 125]
    with pytest.raises(UnsupportedError) as caught:
        names.check_path(path)
    assert caught.value.lines() == ["the path is too long for Windows", "32768 UTF-16 units of 32767 allowed",
                                    "use shorter or fewer folder names"]
    assert caught.value.facts == {"path": "C:\\" + "\\".join(path)}


@pytest.mark.parametrize(("text", "why"), [
    ("d:/a", "an image has only the drive C:, not D:"),
    ("//server/share", "it names a device or a network share, and an image has only the drive C:"),
])
def test_a_refused_path_is_named_with_the_reason_and_a_better_one(text: str, why: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        names.parse_path(text)
    assert caught.value.lines() == [f"cannot use the path {text!r}", why, "write it like C:\\folder"]
    assert caught.value.facts == {"path": text}
