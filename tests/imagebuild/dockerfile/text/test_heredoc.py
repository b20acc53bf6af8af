# SPDX-License-Identifier: Apache-2.0
"""Heredoc words."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile.text.heredoc import Heredoc, announced, heredoc_word


@pytest.mark.parametrize("word, expected", [
    ("<<EOF", Heredoc("EOF")),
    ("<<-EOF", Heredoc("EOF", chomp=True)),
    ('<<"EOF"', Heredoc("EOF", expand=False)),
    ("<<'EOF'", Heredoc("EOF", expand=False)),
    ("<<-'E O F'", Heredoc("E O F", expand=False, chomp=True)),
    ("<<E'O'F", Heredoc("EOF", expand=False)),
    ("3<<EOF", Heredoc("EOF", descriptor=3)),
    ("<< EOF", Heredoc("EOF")),
    (r"<<E\ F", Heredoc("E F")),
    ("<<$X", Heredoc("$X")),
    ("<<", None), ("<<-", None), ("<<<EOF", None), ("<EOF", None), ("a<<EOF", None), ("<<A B", None), ("<<''", None),
    ("EOF", None),
])
def test_a_word_announces_a_heredoc(word, expected):
    assert heredoc_word(word) == expected


def test_a_line_announces_several_in_order():
    assert [doc.name for doc in announced("RUN <<A cat && 3<<-'B' x")] == ["A", "B"]


def test_quotes_hide_a_heredoc_and_open_ones_hide_them_all():
    assert announced("RUN echo '<<A' \"<<B\"") == ()
    assert announced("RUN echo ' <<A") == ()


def test_powershell_variables_do_not_hide_a_heredoc():
    assert [doc.name for doc in announced("RUN ${env:PATH} $x <<A")] == ["A"]


def test_only_a_chomped_heredoc_loses_its_tabs():
    assert Heredoc("A", "\t\tx\n\ty\n z").text == "\t\tx\n\ty\n z"
    assert Heredoc("A", "\t\tx\n\ty\n z", chomp=True).text == "x\ny\n z"
