# SPDX-License-Identifier: Apache-2.0
"""How images and containers of RUN are known: what a killed build or engine left of them is removed by it."""

from __future__ import annotations

from collections.abc import Mapping

STEP = "io.wcow.build-step"
"""The label; its value is of one step alone, so that its image is no other's."""
REPOSITORY = "wcow.invalid/build"
"""Below it are the names of images that a step has at an engine."""


def is_step(labels: Mapping[str, str] | None) -> bool:
    """Return whether labels are those of a build's step."""
    return STEP in (labels or {})
