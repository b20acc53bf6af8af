# SPDX-License-Identifier: Apache-2.0
"""The library in another program: the example runs from an installed wheel, by the names that are stable."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
from support import programs
from support.engine import template

from imagebuild.engine import running, stop_engine

TOP = Path(__file__).resolve().parents[2]
EXAMPLE = TOP / "examples/embedding/embed.py"


def test_the_example_uses_stable_names_only_and_is_short() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count("\n") <= 36
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            assert (node.module or "").count(".") <= 1
            rooms = node.module == "imagebuild"
            assert rooms or {one.name for one in node.names} <= set(import_module(node.module or "").__all__)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder with the package as its wheel has it, and an engine's folder of its own."""
    pytest.importorskip("build", reason="the Python package build is not installed (scripts/setup test)")
    source = tmp_path / "source"
    tracked = programs.run("git", "ls-files", "-z", cwd=TOP).stdout.split("\0")
    for name in filter(None, tracked):
        if (TOP / name).is_file() and not name.startswith(("tests/", "docs/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, source / name)
    programs.run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", tmp_path / "dist", source,
                 timeout=600)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    root = Path(programs.run("mktemp", "-d").stdout.strip())  # boxes of root may not enter pytest's own folders
    root.chmod(0o711)
    (root / "engine").mkdir()
    try:
        with programs.skipping():
            template(root / "engine" / "sandbox")
        (tmp_path / "engine").symlink_to(root / "engine")
        yield tmp_path
    finally:
        if running(root / "engine"):
            stop_engine(root / "engine")
        shutil.rmtree(root)


@pytest.mark.slow
def test_the_example_runs_from_an_installed_wheel(place: Path) -> None:
    shutil.copy(EXAMPLE, place)
    env = {**{name: value for name, value in os.environ.items() if not name.startswith("WCOW_")},
           "PYTHONPATH": str(place / "site"), "WCOW_ENGINE_ROOT": str((place / "engine").resolve()),
           "WCOW_STORE": str(place / "store"), "XDG_DATA_HOME": str(place / "data")}
    done = subprocess.run([sys.executable, "embed.py"], cwd=place, env=env, capture_output=True, text=True, timeout=180,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "written by cmd"
    found = running((place / "engine").resolve())
    assert found is not None
    assert str(place / "site") in Path(f"/proc/{found.pid}/environ").read_text()
