# SPDX-License-Identifier: Apache-2.0
"""Joining physical lines into statements."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile.text.heredoc import Heredoc
from imagebuild.dockerfile.text.reader import Reader, physical_lines
from imagebuild.errors import DockerfileError


def statements(text: str, escape: str = "\\"):
    reader = Reader(physical_lines(text.encode(), "f"), escape, "f")
    out = []
    while (found := reader.statement()) is not None:
        out.append((found.text, found.line, reader.line))
    return out


@pytest.mark.parametrize("text, escape, expected", [
    ("A b\nC d", "\\", [("A b", 1, 1), ("C d", 2, 2)]),
    ("A b\r\nC d\r\n", "\\", [("A b", 1, 1), ("C d", 2, 2)]),
    ("\n\n  A b\n", "\\", [("A b", 3, 3)]),
    ("A \\\n  b", "\\", [("A   b", 1, 2)]),
    ("A \\  \t\n  b", "\\", [("A   b", 1, 2)]),
    ("A \\ x\nB", "\\", [("A \\ x", 1, 1), ("B", 2, 2)]),
    ("A C:\\\\\nB", "\\", [("A C:\\\\", 1, 1), ("B", 2, 2)]),
    ("A C:\\\\\\\nB", "\\", [("A C:\\\\\\", 1, 1), ("B", 2, 2)]),
    ("A C:\\\nB", "\\", [("A C:B", 1, 2)]),
    ("A C:\\\nB", "`", [("A C:\\", 1, 1), ("B", 2, 2)]),
    ("A x `\nB", "`", [("A x B", 1, 2)]),
    ("\\\nA", "\\", [("A", 1, 2)]),
    ("  \\\nA", "\\", [("A", 1, 2)]),
    ("A \\\n# c\n  # d \\\nb", "\\", [("A b", 1, 4)]),
    ("A \\\n\n \t\r\nb\nC", "\\", [("A b", 1, 4), ("C", 5, 5)]),
    ("# c \\\nA", "\\", [("A", 2, 2)]),
    ("A \\", "\\", [("A ", 1, 1)]),
    ("A \\\n\n# x\n", "\\", [("A ", 1, 3)]),
    ("", "\\", []),
    ("# only\n\n", "\\", []),
])
def test_lines_join_at_the_escape_character(text, escape, expected):
    assert statements(text, escape) == expected


def test_a_blank_line_inside_a_continuation_is_noted():
    found = Reader(["A \\\n", "\n", "b\n"], "\\", "f").statement()
    assert found is not None
    assert (found.blank_line, found.pieces) == (2, ((1, "A "), (3, "b")))


def test_a_byte_order_mark_is_dropped_and_utf16_refused_by_name():
    assert physical_lines(b"\xef\xbb\xbfFROM a\n", "f") == ["FROM a\n"]
    with pytest.raises(DockerfileError, match="UTF-16"):
        physical_lines("FROM a\n".encode("utf-16"), "f")


def test_only_line_feeds_end_lines():
    assert physical_lines("a\x0bb\u2028c\rd\ne".encode(), "f") == ["a\x0bb\u2028c\rd\n", "e"]


def test_a_heredoc_keeps_its_line_ends_and_stops_at_its_word():
    reader = Reader(["a\r\n", "\tEOF\n", "\n", "EOF\r\n", "rest"], "\\", "f")
    assert reader.heredoc(Heredoc("EOF"), 1).content == "a\r\n\tEOF\n\n"
    assert reader.line == 4


def test_a_chomped_heredoc_ends_at_an_indented_word():
    reader = Reader(["\ta\n", "\t\tEOF\n"], "\\", "f")
    assert reader.heredoc(Heredoc("EOF", chomp=True), 1).text == "a\n"


def test_an_open_heredoc_is_refused():
    with pytest.raises(DockerfileError, match="EOF is not closed") as caught:
        Reader(["a\n"], "\\", "f").heredoc(Heredoc("EOF"), 7)
    assert caught.value.line == 7
