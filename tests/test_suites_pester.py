# SPDX-License-Identifier: Apache-2.0
"""``make suites``: how the files of PowerShell's own tests are started, and what is said of their results."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[1] / "scripts" / "suites"
PASSED, FAILED = ("a test", "Passed", ""), ("a test", "Failed", "no")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the script, as they see each other."""
    monkeypatch.syspath_prepend(str(HERE))
    names = ("adapter", "outcome", "pester", "sources")
    yield {name: __import__(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


class Way:
    """Writes what each file is scripted to say; a file that is scripted to hang stops its process."""

    def __init__(self, root: Path, files: dict[str, list[tuple[str, str, str]] | None]) -> None:
        self.root, self.files, self.starts = root, files, 0

    def start(self, report: str, files: Sequence[str]) -> None:
        """Say it."""
        self.starts += 1
        with (self.root / report).open("w") as out:
            for file in files:
                said = self.files[file]
                if said is None:
                    return
                for name, result, message in [*said, ("(end)", "Ended", "")]:
                    out.write(json.dumps({"file": file, "name": name, "result": result, "message": message}) + "\n")


def test_files_after_one_that_hangs_are_started_by_themselves(scripts: Any, tmp_path: Path) -> None:
    way = Way(tmp_path, {"a": [PASSED], "b": None, "c": [FAILED]})
    found = scripts["pester"].in_turn(way, ["a", "b", "c"])
    assert {key: one.result for key, one in found.items()} == {
        ("a", "a test"): "Passed", ("b", "(file)"): "Failed", ("c", "a test"): "Failed"}
    assert way.starts == 3


def test_a_name_that_comes_twice_has_failed_when_one_of_them_has(scripts: Any, tmp_path: Path) -> None:
    way = Way(tmp_path, {"a": [PASSED, FAILED, PASSED]})
    assert scripts["pester"].in_turn(way, ["a"])["a", "a test"].result == "Failed"


def test_what_fails_on_linux_too_is_left_out_and_the_rest_has_failed(scripts: Any, tmp_path: Path) -> None:
    pester, sources = scripts["pester"], scripts["sources"]
    result = pester.Result
    ours = {("f", "good"): result("Passed", ""), ("f", "both"): result("Failed", "x"),
            ("f", "here"): result("Failed", "not \x1b here"), ("f", "alone"): result("Failed", "y"),
            ("f", "not"): result("Skipped", "")}
    theirs = {("f", "both"): result("Failed", "z"), ("f", "here"): result("Passed", "")}
    report = tmp_path / "report.xml"
    pester.write(report, pester.judged(ours, theirs, "powershell-language"))
    found = scripts["outcome"].read(sources.Source(sources.SUITES[-1], tmp_path, "abc"), report, "root")
    assert found.passed == ("f::good",) and found.failed == ("f::alone", "f::here")
    assert [name for name, _ in found.left_out] == ["f::both"] and [name for name, _ in found.skipped] == ["f::not"]
