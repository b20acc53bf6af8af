# SPDX-License-Identifier: Apache-2.0
"""The linters, the type checker, the site and the changelog, as tests: CI runs them with the slow ones."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from support import programs

REPOSITORY = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.slow


def tool(name: str) -> Path:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        pytest.skip(f"{name} is not in this environment (make setup)")
    return path


def test_ruff_finds_nothing() -> None:
    programs.run(tool("ruff"), "check", ".", cwd=REPOSITORY)


def test_mypy_finds_nothing_in_the_library() -> None:
    programs.run(tool("mypy"), cwd=REPOSITORY, timeout=600)


def test_the_site_is_made_without_a_warning(tmp_path: Path) -> None:
    programs.run(tool("mkdocs"), "build", "--quiet", "--strict", "--site-dir", tmp_path / "site", cwd=REPOSITORY,
                 env={"NO_MKDOCS_2_WARNING": "1"}, timeout=300)
    assert (tmp_path / "site" / "library" / "errors.html").exists()


def test_the_changelog_fragments_are_well_formed() -> None:
    programs.run(tool("antsibull-changelog"), "lint", cwd=REPOSITORY)
