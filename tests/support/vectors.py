# SPDX-License-Identifier: Apache-2.0
"""The shared vectors of what runs where: groups of cases from upstream tests, documents and reports."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import pytest

RESEARCH = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[2].parent / "shared")) / "research"
VECTORS = RESEARCH / "compat-vectors.json"

needs_vectors = pytest.mark.skipif(not VECTORS.exists(), reason="the shared vectors (compat-vectors.json) are not here")


@cache
def document() -> dict[str, Any]:
    """The whole file; empty where it is not at hand."""
    loaded: dict[str, Any] = json.loads(VECTORS.read_bytes()) if VECTORS.exists() else {"groups": []}
    return loaded


def group(name: str) -> list[Any]:
    """The cases of one group, to parametrize with; one that is skipped where the file is not at hand."""
    for found in document()["groups"]:
        if found["id"] == name:
            assert found["vectors"], f"group {name} is empty"
            return [pytest.param(case, id=f"{number}-{case.get('id', '')}")
                    for number, case in enumerate(found["vectors"])]
    return [pytest.param({}, marks=pytest.mark.skip(reason="the shared vectors (compat-vectors.json) are not here"))]
