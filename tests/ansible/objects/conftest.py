# SPDX-License-Identifier: Apache-2.0
"""An engine, and what plays on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import engines
from support.ansible_hosts import Controller, collections


@pytest.fixture
def served(tmp_path: Path) -> Iterator[engines.Served]:
    """An engine behind a socket."""
    root = tmp_path / "engine"
    root.mkdir()
    with engines.served(root) as one:
        yield one


@pytest.fixture
def controller(served: engines.Served, tmp_path: Path) -> Controller:
    """What plays on this machine."""
    collections(tmp_path / "controller")
    return Controller(tmp_path / "controller", {"ansible_connection": "local"})
