# SPDX-License-Identifier: Apache-2.0
"""The sessions that the documentation shows, run as they stand there. ``DOCS_UPDATE=1`` writes the pages anew."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import programs, sessions

TOP = Path(__file__).resolve().parents[2]
PAGES = [path for path in (TOP / "README.md", *sorted((TOP / "docs").rglob("*.md")))
         if "```console" in path.read_text(encoding="utf-8") and path.name != "remote.md"]
"""The guide to a remote host is run where there is one: ``tests/programs/test_tunnel.py``."""
UPDATE = bool(os.environ.get("DOCS_UPDATE"))

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_a_page_shows_what_the_command_says(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = sessions.commands(text)
    with programs.skipping(), programs.registry() as registry:
        said = sessions.run(found, tmp_path, registry.host)
    assert len(said) == len(found), "the shell ended before the page did"
    if UPDATE:
        page.write_text(sessions.updated(text, found, said), encoding="utf-8")
        return
    for command, output in zip(found, said, strict=True):
        if command.shown:
            assert sessions.words(output) == sessions.words(command.output), f"line {command.first}: {command.text}"


def test_a_page_that_shows_something_else_is_found_out(tmp_path: Path) -> None:
    page = "```console\n$ echo one \\\n    two\none three\n$ (exit 4)\n$ echo $?\n4\n```\n"
    found = sessions.commands(page)
    said = sessions.run(found, tmp_path, "127.0.0.1:1")
    assert said == [("one two",), (), ("4",)]
    assert sessions.updated(page, found, said) == page.replace("three", "two")
