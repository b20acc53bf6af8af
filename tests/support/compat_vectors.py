# SPDX-License-Identifier: Apache-2.0
"""Compatibility vectors that were collected from public sources, where the folder that holds them is present."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_FILE = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[3] / "shared")) / "research" / "compat-vectors.json"


@cache
def _groups() -> dict[str, list[dict[str, Any]]]:
    return {group["id"]: group["vectors"] for group in json.loads(_FILE.read_bytes())["groups"]}


def vectors(group: str) -> list[dict[str, Any]]:
    """The vectors of one group; the test that asks is skipped where there are none."""
    if not _FILE.is_file():
        pytest.skip("the collected vectors (research/compat-vectors.json) are not here")
    found = _groups()[group]
    assert found
    return found
