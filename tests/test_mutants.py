# SPDX-License-Identifier: Apache-2.0
"""What was thought of a mutant speaks of code that is still there."""

from __future__ import annotations

import runpy
import tomllib
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROWS = tomllib.loads((REPOSITORY / "scripts/mutants_judged.toml").read_text(encoding="utf-8"))["judged"]
SCRIPT = runpy.run_path(str(REPOSITORY / "scripts/mutants.py"), run_name="mutants")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["where"])
def test_a_judgement_names_a_function_and_a_line_that_are_there(row: dict[str, Any]) -> None:
    assert set(row) - {"was", "becomes", "swap", "case"} == {"where", "judgement", "why"}
    assert row["judgement"] in ("same", "kept")
    if row["where"].endswith("*"):
        assert set(row) & {"swap", "case"}
        return
    folder, names = REPOSITORY / "imagebuild", row["where"].split(".")
    while (folder / names[0]).is_dir():
        folder, names = folder / names[0], names[1:]
    path = folder / f"{names[0]}.py"
    if path.exists():
        names = names[1:]
    else:
        path = folder / "__init__.py"
    text = path.read_text(encoding="utf-8")
    assert f"def {names[-1]}(" in text
    lines = " ".join(line.strip() for line in text.splitlines())
    assert row.get("was", "") in lines
    assert row.get("swap", [""])[0] in lines


@pytest.mark.parametrize(("name", "function"), [
    ("imagebuild.windows.sid.x_find_account__mutmut_12", "windows.sid.find_account"),
    ("imagebuild.windows.sid.xǁSidǁparse__mutmut_1", "windows.sid.Sid.parse"),
    ("imagebuild.windows.x___getattr____mutmut_1", "windows.__getattr__"),
    ("imagebuild.lint.report.x__cut__mutmut_2", "lint.report._cut"),
])
def test_mutmuts_names_become_those_of_the_functions(name: str, function: str) -> None:
    assert SCRIPT["function_of"](name) == function


def test_files_are_chosen_by_folder_or_name() -> None:
    assert set(SCRIPT["files"](["imagebuild/lint"])) < set(SCRIPT["files"]())
    assert SCRIPT["files"](["imagebuild/windows/sid.py"]) == ["imagebuild/windows/sid.py"]
    with pytest.raises(SystemExit, match="none of the files"):
        SCRIPT["files"](["imagebuild/cli"])


def test_the_first_judgement_that_fits_counts() -> None:
    mutant = SCRIPT["Mutant"]("a.b.c", "x", "y", "survived")
    rows = [{"where": "a.b.d", "judgement": "same", "why": "1"},
            {"where": "a.b.*", "becomes": "z", "judgement": "same", "why": "2"},
            {"where": "a.*", "was": "x", "judgement": "kept", "why": "3"}]
    assert SCRIPT["judgement"](mutant, rows) == ("kept", "3")
    assert SCRIPT["judgement"](mutant, rows[:2]) == ("open", "")


@pytest.mark.parametrize(("was", "becomes", "swap", "case"), [
    ('f("utf-8", 1)', 'f("UTF-8", 1)', True, False), ('f("utf-8", "a")', 'f("utf-8", "A")', False, False),
    ('f("SELECT x")', 'f("select x")', False, True), ('f("SELECT x")', 'f("select y")', False, False),
    ('f("x")', 'f("X")', False, False)])
def test_a_judgement_may_speak_of_a_kind_of_change(was: str, becomes: str, swap: bool, case: bool) -> None:
    mutant = SCRIPT["Mutant"]("a.b.c", was, becomes, "survived")
    assert SCRIPT["fits"](mutant, {"swap": ['"utf-8"', '"UTF-8"']}) is swap
    assert SCRIPT["fits"](mutant, {"case": ["SELECT"]}) is case


def test_the_tests_of_the_broken_file_are_told_from_the_others() -> None:
    tests = {f"tests/imagebuild/lint/checks/test_{name}.py::test_x[a.b]" for name in ("tree", "trees", "values")}
    own, others = SCRIPT["divided"]("imagebuild.lint.checks.tree.x\u01c1Tree\u01c1place__mutmut_3", tests)
    assert own == ["tests/imagebuild/lint/checks/test_tree.py::test_x[a.b]"]
    assert set(others) == tests - set(own)
    assert SCRIPT["divided"]("", tests) == ([], sorted(tests))
