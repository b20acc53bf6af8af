# SPDX-License-Identifier: Apache-2.0
"""Workbenches for the conformance tests."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from support.engine import Docker, Engine
from support.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """An empty store and caches; nothing of the network is needed."""
    return Workbench(tmp_path / "bench", offline=True)


@pytest.fixture
def tmp_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A folder for the test; one that the engine's user may enter, which pytest's own are not for others."""
    if "windows" in request.fixturenames:
        made: Engine = request.getfixturevalue("windows")
        if made.user.drop:
            return made.fresh()
    return tmp_path


@pytest.fixture
def docker(windows: Engine) -> Docker:
    """``docker("run", …)``: what it said on stdout, without the ends; a failure when it fails."""
    def run(*args: str | Path, stdin: bytes | None = None) -> str:
        return windows.docker(*args, stdin=stdin).stdout.strip()
    return run


@pytest.fixture
def name() -> str:
    """A name that nobody has."""
    return f"c-{uuid.uuid4().hex[:8]}"
