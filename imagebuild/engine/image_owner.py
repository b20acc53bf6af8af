# SPDX-License-Identifier: Apache-2.0
"""What the image calls need of the engine they are served by, and of a container that is committed."""

from __future__ import annotations

from typing import Protocol

from .images import Images


class ImageOwner(Protocol):
    """An engine, as far as its images go."""

    @property
    def images(self) -> Images:
        """The images."""
        ...
