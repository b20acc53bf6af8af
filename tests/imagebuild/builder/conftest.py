# SPDX-License-Identifier: Apache-2.0
"""A workbench for each test."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.builds import Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Stores in memory with a stand-in nanoserver."""
    made = Bench(tmp_path)
    made.base()
    return made
