# SPDX-License-Identifier: Apache-2.0
"""What runs: rows of the table of real programs as tests, and the page that ``make programs`` writes of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import engine, programs
from support.engine import Engine
from support.what_runs.outcome import Outcome, told
from support.what_runs.runner import run
from support.what_runs.table import PROGRAMS, Program
from support.what_runs.ways import NAMES, Plain

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts" / "programs"
TESTED = [program for program in PROGRAMS if program.tested]


@pytest.fixture(scope="module")
def windows() -> Iterator[Engine]:
    with programs.skipping(), engine.engine() as made:
        yield made


@pytest.mark.slow
@pytest.mark.parametrize("program", TESTED, ids=lambda program: f"{program.name}, {program.kind}")
def test_a_real_program_runs_in_every_way_of_its_row(windows: Engine, program: Program) -> None:
    with programs.skipping():
        outcomes = run(program, windows)
    wrong = {one.what: (one.command, one.said) for one in outcomes if not one.ran and one.what not in program.stops}
    assert outcomes
    assert not wrong


# --- what is told of a start ------------------------------------------------------------------------------------------

def test_a_program_that_ends_otherwise_or_shows_something_else_did_not_run() -> None:
    assert told("^42\n", 7, "42\r\n", 7) == ""
    assert told("^42\n", 7, "42\r\n", 0) == "ended with 0 in place of 7; its last words: 42"
    assert told("^42\n", 0, "boom\r\n\r\n", 0) == "did not show '^42\\n'; its last words: boom"
    assert told("x", 0, "", 0) == "did not show 'x'; its last words: nothing"


def test_what_a_terminal_shows_is_read_without_what_moves_its_cursor() -> None:
    assert told("Everything is Ok", 0, "\x1b[?25l\x1b[HEverything\x1b[1Cis\x1b[CO\x1b[31mk\x1b]0;name\x07", 0) == ""


# --- the page ---------------------------------------------------------------------------------------------------------

@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    sys.modules.pop("page", None)
    yield __import__("page")
    sys.modules.pop("page", None)


def test_the_page_names_what_stops_a_program_and_surprises_are_told(page: Any) -> None:
    made = Program("Tool", "C", {}, (Plain(("tool",), "x"),), stops={"pipes": "Wine has | none", "killed": "old"})
    row = page.Row(made, (Outcome("no terminal", "tool a", "boom"), Outcome("pipes", "tool b", "no"),
                          Outcome("killed", "tool c")))
    text = page.page([row, page.Row(Program("Other", "Go", {}), (), "it did not come\nTo fetch it: pip")])
    assert "| Tool | C |  | **no** | **no** |  |  | runs |" in text
    assert "| Tool (C) | no terminal | not found out; boom |" in text
    assert "| Tool (C) | pipes | Wine has \\| none |" in text
    assert "- Other (Go): it did not come\n" in text
    assert list(row.surprises()) == ["Tool, no terminal: boom\n    tool a",
                                     "Tool, killed: runs; the table still says what stops it"]


def test_every_way_of_the_table_has_a_column_and_every_cause_a_way() -> None:
    for program in PROGRAMS:
        assert {way.name for way in program.ways} <= set(NAMES)
        assert set(program.stops) <= {*(way.name for way in program.ways), *(step.name for step in program.steps)}
    assert len({(program.name, program.kind) for program in PROGRAMS}) == len(PROGRAMS)


def test_the_page_in_the_repository_has_every_row_of_the_table() -> None:
    text = (SCRIPTS.parents[1] / "docs" / "reference" / "programs.md").read_text(encoding="utf-8")
    assert not [program.name for program in PROGRAMS if f"\n{program.name} ({program.kind}):\n" not in text]
