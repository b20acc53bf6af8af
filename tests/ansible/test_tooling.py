# SPDX-License-Identifier: Apache-2.0
"""The collection's tarball as Galaxy, ansible-lint, antsibull and a control node see it, on each ansible-core."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from support import programs

REPOSITORY = Path(__file__).resolve().parents[2]


def check(*words: str) -> str:
    """Run scripts/collection.py; return what it printed."""
    home = programs.user_cache() / "collection"
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/collection.py", "--home", home, *words],
                          capture_output=True, text=True, timeout=590, check=False)
    said = done.stdout + done.stderr
    if "install one" in said:
        pytest.skip(said.strip())
    assert done.returncode == 0, said[-4000:]
    return said


def test_the_changelogs_fragments_are_in_order() -> None:
    program = Path(sys.executable).with_name("antsibull-changelog")
    if not program.exists():
        pytest.skip("antsibull-changelog is not installed: scripts/setup dev")
    done = subprocess.run([program, "lint"], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_galaxys_fields_and_guides_are_whole() -> None:
    galaxy = yaml.safe_load((REPOSITORY / "galaxy.yml").read_text(encoding="utf-8"))
    assert all(galaxy[name].startswith("https://") for name in ("repository", "documentation", "homepage", "issues"))
    assert {"windows", "tools"} <= {*galaxy["tags"]} and galaxy["dependencies"] == {}
    docs = REPOSITORY / "docs/docsite"
    sections = yaml.safe_load((docs / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    named = {one for section in sections for one in section["toctree"]}
    assert named == {path.stem for path in (docs / "rst").glob("*.rst")}
    assert len(named) == 5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lint", "docs", "changelog", "importer"])
def test_a_tool_finds_nothing(name: str) -> None:
    said = check(name)
    assert {"lint": "Passed: 0 failure(s), 0 warning(s)", "docs": "", "changelog": "",
            "importer": "Importer processing completed successfully"}[name] in said


@pytest.mark.slow
@pytest.mark.parametrize("core", ["2.19", "2.19-3.13", "2.21"])
def test_the_tarball_is_installed_and_plays(core: str) -> None:
    said = check("--core", core, "install")
    modules = len({path.stem for path in (REPOSITORY / "plugins/modules").iterdir()})
    assert f"{modules} modules" in said
    assert "failed=0" in said
