# SPDX-License-Identifier: Apache-2.0
"""Workbenches for the conformance tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """An empty store and caches; nothing of the network is needed."""
    return Workbench(tmp_path / "bench", offline=True)
