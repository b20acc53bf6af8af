# SPDX-License-Identifier: Apache-2.0
"""Other people's programs, by argument vector."""

from __future__ import annotations

from .syft import sbom

__all__ = ["sbom"]
