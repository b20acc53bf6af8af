# SPDX-License-Identifier: Apache-2.0
"""The wheel of this tree, and fresh environments in which it is installed, as a user installs it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from . import programs
from .users import User

HERE = Path(__file__).resolve().parents[2]
PARTS = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE", "imagebuild", "plugins")
NO_NETWORK = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "No matching distribution found")
"""What pip says where it cannot reach a package index."""


def build(folder: Path) -> Path:
    """Build the wheel from a copy of the tree below a folder; skips where the package ``build`` is not installed."""
    pytest.importorskip("build", reason="the Python package build is not installed (scripts/setup test)")
    source = folder / "source"
    source.mkdir()
    for name in PARTS:
        if (HERE / name).is_dir():
            shutil.copytree(HERE / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(HERE / name, source / name)
    programs.run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder / "dist", source,
                 timeout=1200)  # a busy machine compiles the Windows programs for minutes
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def install(folder: Path, user: User, *packages: str) -> str:
    """Make a fresh environment in a folder for an account, and install packages by pip: its Python.

    Unavailable where no package index can be reached.
    """
    base = sys.executable if not user.drop else user.python
    programs.run(base, "-m", "venv", "--without-pip", folder)
    python = str(folder / "bin/python")
    add(python, *packages)
    return python


def add(python: str, *packages: str) -> None:
    """Install more packages into an environment."""
    done = programs.run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-input",
                        "--disable-pip-version-check", *packages, ok=False, timeout=600)
    if done.returncode and any(text in done.stderr for text in NO_NETWORK):
        raise programs.Unavailable(f"pip cannot install {', '.join(packages)}: {done.stderr.strip()[-300:]}")
    assert done.returncode == 0, done.stderr
