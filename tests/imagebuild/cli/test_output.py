# SPDX-License-Identifier: Apache-2.0
"""Tables that fit, JSON that any locale can print."""

from __future__ import annotations

import pytest

from imagebuild.cli.output import day, fields, print_json, table

ROWS = [("registry.example/team/a-rather-long-name:1", "1"), ("b", "12345")]


def test_columns_stand_under_one_another_and_numbers_to_the_right() -> None:
    assert table(("NAME", "SIZE"), [("a", "1"), ("bcd", "12345")], right=(1,)) == \
        ["NAME   SIZE", "a         1", "bcd   12345"]


def test_only_a_terminal_cuts(capsys: pytest.CaptureFixture[str]) -> None:
    assert table(("NAME", "SIZE"), ROWS, shrink=0)[1].startswith(ROWS[0][0])
    narrow = table(("NAME", "SIZE"), ROWS, shrink=0, width=24)
    assert all(len(line) <= 24 for line in narrow)
    assert narrow[1].startswith("registry.exampl") and "…" in narrow[1]


def test_a_table_of_nothing_is_its_head() -> None:
    assert table(("A", "B"), []) == ["A  B"]


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert "\x1b" not in "".join(table(("A",), [("\x1b[2J",)]) + fields([("N", "\x1b[2J")]))


def test_fields_leave_out_what_is_empty() -> None:
    assert fields([("Name", "x"), ("Longer", "y"), ("None", "")]) == ["Name:   x", "Longer: y"]


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"ä": 1})
    assert capsys.readouterr().out == '{\n  "\\u00e4": 1\n}\n'


def test_a_moment_is_shortened_to_the_minute() -> None:
    assert day("2024-05-01T12:34:56.7Z") == "2024-05-01 12:34"
    assert day("") == ""
