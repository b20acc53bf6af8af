# SPDX-License-Identifier: Apache-2.0
"""Command lines cut as CommandLineToArgvW cuts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import UnsupportedError
from imagebuild.windows.cmdline import quote, quote_argument, split


@pytest.mark.parametrize(("line", "argv"), [  # the first six: Microsoft, "Parsing C command-line arguments"
    (r'p "abc" d e', ["p", "abc", "d", "e"]), (r'p a\\b d"e f"g h', ["p", r"a\\b", "de fg", "h"]),
    (r'p a\\\"b c d', ["p", r'a\"b', "c", "d"]), (r'p a\\\\"b c" d e', ["p", r"a\\b c", "d", "e"]),
    (r'p "a b c" d e', ["p", "a b c", "d", "e"]), (r'p "ab\"c" "\\" d', ["p", 'ab"c', "\\", "d"]),
    ("", []), ("p", ["p"]), ("p ", ["p"]), ("  p", ["", "p"]), ('"a b"c d', ["a b", "c", "d"]), ('"a b', ["a b"]),
    (r'C:\a\b.exe x', [r"C:\a\b.exe", "x"]), (r'"C:\a b\" x', ["C:\\a b\\", "x"]), ('p ""', ["p", ""]),
    ('p """', ["p", '"']), ('p """"', ["p", '"']), ('p "a""b c"', ["p", 'a"b', "c"]), ('p "a"""b', ["p", 'a"b']),
    ("p a\tb", ["p", "a", "b"]), ("p\ta", ["p", "a"]), ("p a\nb", ["p", "a\nb"]), ('p \\', ["p", "\\"]),
    ('p "a\\\\"', ["p", "a\\"]), ('p "a b', ["p", "a b"]), ('p a\\ b', ["p", "a\\", "b"]),
])
def test_a_line_is_cut_as_windows_cuts_it(line: str, argv: list[str]) -> None:
    assert split(line) == argv


@pytest.mark.parametrize(("argv", "line"), [
    ([], ""), (["p"], "p"), (["p", "a b"], 'p "a b"'), (["p", ""], 'p ""'), (["a b", "c"], '"a b" c'), ([""], '""'),
    (["p", 'say "hi"'], r'p "say \"hi\""'), (["p", "a\\b"], r"p a\b"), (["p", "a b\\"], 'p "a b\\\\"'),
    (["p", r'a\"b'], r'p "a\\\"b"'), (["p", "a\tb"], 'p "a\tb"'), (["p", "a\\"], "p a\\"), (["p", '"'], r'p "\""'),
    (["p", "a\nb"], 'p "a\nb"'), (["p", "%PATH%&X"], "p %PATH%&X"), (["C:\\x y\\"], '"C:\\x y\\"'),
])
def test_arguments_get_quotes_only_where_they_need_them(argv: list[str], line: str) -> None:
    assert quote(argv) == line
    assert split(line) == argv


def test_what_no_command_line_can_say_is_refused() -> None:
    with pytest.raises(UnsupportedError) as caught:
        quote(["p", "a\0b"])
    assert str(caught.value) == "cannot write the command line: an argument contains a NUL character"
    with pytest.raises(UnsupportedError) as caught:
        quote(['a"b', "c"])
    assert str(caught.value) == "cannot start 'a\"b': a program's name cannot contain a quote on Windows"


@given(st.text(st.characters(exclude_characters='\0"'), max_size=8),
       st.lists(st.text('ab\\" \t\n\v\u00e9', max_size=8)))
def test_quoted_arguments_come_back(program: str, arguments: list[str]) -> None:
    assert split(quote([program, *arguments])) == [program, *arguments]


@given(st.text('a\\" \t', max_size=12))
def test_any_line_can_be_cut_and_quoted_again(line: str) -> None:
    argv = split(line)
    if argv:
        tail = " ".join(map(quote_argument, argv[1:]))
        assert split("p " + tail)[1:] == argv[1:]
