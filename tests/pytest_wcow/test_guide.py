# SPDX-License-Identifier: Apache-2.0
"""The guide's files and sessions, run as they stand there, and its tables against the plugin's own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plugin_runs, programs, windows_programs
from support.plugin_runs import Place

GUIDE = (Path(__file__).resolve().parents[2] / "docs/guides/pytest.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r'^```python title="([^"]+)"\n(.*?)^```$', GUIDE, re.DOTALL | re.MULTILINE))
SESSIONS = re.findall(r"^```text\n\$ pytest ([^\n]*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
FAILING, POWERSHELL = "failing/", "test_powershell.py"


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place() as made:
        yield made


def matches(shown: str, said: str) -> bool:
    """Whether the lines that the guide shows are the output's. Any text may stand for ``…``; widths and seconds differ.
    """
    return re.search(re.escape(plain(shown)).replace("…", "(.|\n)*?"), plain(said)) is not None


def plain(text: str) -> str:
    """Lines without what depends on the terminal's width and on the clock."""
    lines = (re.sub(r"(in )[\d.]+s", r"\1N s", re.sub(r"([-_= ])\1+", r"\1", line)).rstrip() for line in
             text.strip().splitlines())
    return "\n".join(lines)


@pytest.mark.slow
def test_the_guide_s_tests_pass(place: Place) -> None:
    mine = {name: text for name, text in FILES.items() if not name.startswith(FAILING) and name != POWERSHELL}
    run = place.pytest(mine)
    assert run.code == 0, run.text
    assert run.counts["passed"] > 12


@pytest.mark.slow
def test_the_guide_s_powershell_runs() -> None:
    with programs.skipping(), plugin_runs.place() as made:
        programs.run(made.user.python, "-m", "imagebuild", "powershell", "install", "--root", made.root,
                     "--from", windows_programs.powershell(), "--no-prepare", cwd=plugin_runs.HERE, timeout=300,
                     user=made.user)
        made.pytest({POWERSHELL: FILES[POWERSHELL]}).passed(1)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "shown"), SESSIONS, ids=[command for command, _ in SESSIONS])
def test_the_guide_shows_what_pytest_says(place: Place, command: str, shown: str) -> None:
    said = place.pytest(FILES, "-p", "no:randomly", *(word for word in shlex.split(command) if word != "-q"))
    assert matches(shown, said.text), said.text


def test_what_the_guide_does_not_show_is_found_out() -> None:
    assert matches("a … c\n1 passed in 1.21s", "x\na bb c\n1 passed in 9.99s")
    assert not matches("a … d\n1 passed in 1.21s", "x\na bb c\n1 passed in 9.99s")
    assert len(SESSIONS) > 2
