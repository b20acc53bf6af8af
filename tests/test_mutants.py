# SPDX-License-Identifier: Apache-2.0
"""``make mutants`` chooses files and tests, and names functions, as asked."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SCRIPT = runpy.run_path(str(REPOSITORY / "scripts/mutants.py"), run_name="mutants")


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


def test_the_tests_of_the_broken_file_are_told_from_the_others() -> None:
    tests = {f"tests/imagebuild/lint/checks/test_{name}.py::test_x[a.b]" for name in ("tree", "trees", "values")}
    own, others = SCRIPT["divided"]("imagebuild.lint.checks.tree.x\u01c1Tree\u01c1place__mutmut_3", tests)
    assert own == ["tests/imagebuild/lint/checks/test_tree.py::test_x[a.b]"]
    assert set(others) == tests - set(own)
    assert SCRIPT["divided"]("", tests) == ([], sorted(tests))
