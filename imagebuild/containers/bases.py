# SPDX-License-Identifier: Apache-2.0
"""Which of Microsoft's base images suits a host."""

from __future__ import annotations

from typing import Literal

from ..windows.releases import RELEASES

Base = Literal["nanoserver", "servercore"]


def base_reference(base: Base, build: int) -> str:
    """The reference of a base image for a host of this build: of the same build, else of the newest one before it,
    which a host may run in Hyper-V isolation; ``ltsc2022`` where the build is not known."""
    fit = [one for one in RELEASES if one.tags and base in one.images and one.build <= (build or 20348)]
    tag = max(fit, key=lambda one: one.build).tags[0] if fit else "ltsc2022"
    return f"mcr.microsoft.com/windows/{base}:{tag}"
