# SPDX-License-Identifier: Apache-2.0
"""What a container's processes get, and neither its record, its image, its files nor a log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secrets:
    """``files`` are contents by Windows path, ``environment`` variables."""

    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


__all__ = ["Secrets"]
