# SPDX-License-Identifier: Apache-2.0
"""Workbenches for the conformance tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.engine import Engine, engine
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
