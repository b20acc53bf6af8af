# SPDX-License-Identifier: Apache-2.0
"""The label on images and containers of a build's steps: what a killed engine left of them is removed by it."""

from __future__ import annotations

from collections.abc import Mapping

STEP = "io.wcow.build-step"


def is_step(labels: Mapping[str, str] | None) -> bool:
    """Return whether labels are those of a build's step."""
    return STEP in (labels or {})
