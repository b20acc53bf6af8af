# SPDX-License-Identifier: Apache-2.0
"""Workbenches for the conformance tests."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.engine import Docker, Engine, engine
from support.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """An empty store and caches; nothing of the network is needed."""
    return Workbench(tmp_path / "bench", offline=True)


@pytest.fixture(scope="session")
def windows() -> Iterator[Engine]:
    """The embedded engine, with an image; a failure at the end when it leaves anything behind."""
    with programs.skipping(), engine() as made:
        yield made


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
