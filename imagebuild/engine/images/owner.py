# SPDX-License-Identifier: Apache-2.0
"""What the image calls need of the engine they are served by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..building.run import StepRunner
    from .collection import Images
    from .commit import Commitable


class ImageOwner(Protocol):
    """An engine, as far as its images go."""

    @property
    def images(self) -> Images:
        """The images."""

    def commitable(self, container: str) -> Commitable:
        """A container by name, id or the beginning of one, as a commit sees it; ``faults.no_such_container``. Quick."""

    def step_runner(self) -> StepRunner | None:
        """Return what executes RUN; ``None`` in an engine that starts no program. On the loop."""
