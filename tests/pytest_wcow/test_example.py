# SPDX-License-Identifier: Apache-2.0
"""The example that uses every hook, run as its page says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plugin_runs, programs
from support.plugin_runs import Place

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/pytest-plugin"
HOOKSPECS = Path(__file__).resolve().parents[2] / "plugins/pytest_wcow/hookspecs.py"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place() as made:
        yield made


def texts() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in EXAMPLE.iterdir() if path.suffix in (".py", ".ini")}


def test_the_example_uses_every_hook_and_its_page_has_a_row_for_each() -> None:
    hooks = set(re.findall(r"^def (pytest_wcow_\w+)", HOOKSPECS.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"^def (pytest_wcow_\w+)", texts()["wcow_house.py"], re.MULTILINE)) == hooks
    assert set(re.findall(r"^\| `(pytest_wcow_\w+)`", (EXAMPLE / "README.md").read_text(), re.MULTILINE)) == hooks


@pytest.mark.slow
def test_the_example_passes_and_its_summary_counts_the_starts(place: Place) -> None:
    run = place.pytest(texts()).passed(3)
    assert re.search(r"started 3 x wcow\.invalid/stand-in/nanoserver", run.text), run.text


@pytest.mark.slow
def test_the_example_asks_its_own_variable_for_the_engine(place: Place) -> None:
    run = place.pytest(texts(), "-k", "proxy", HOUSE_ENGINE="unix:///nope.sock")
    assert run.counts["error"] == 1
    assert "cannot reach an engine at unix:///nope.sock" in run.text


@pytest.mark.slow
def test_the_example_prints_the_log_of_a_container_whose_test_failed(place: Place) -> None:
    files = {**texts(), "test_house.py": "def test_it(nanoserver): assert 0\n"}
    assert "the last words of" in place.pytest(files).text
