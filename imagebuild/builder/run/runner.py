# SPDX-License-Identifier: Apache-2.0
"""The port by which a build executes RUN."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from ...events import Event
from ...fetch import Fetched
from ...oci import Image
from ..cache.cache import RunLayer
from ..plan.plan import Execute
from .blobs import Blobs

Downloaded = tuple[Fetched, ...] | None
"""What a command downloaded; ``None``: that was not looked at."""


class Runner(Protocol):
    """Runs commands over images. ``fetched`` is what the last command downloaded."""

    fetched: Downloaded

    def counts(self, step: Execute, fetched: Downloaded) -> bool:
        """Whether a command that was executed before, and downloaded this then, need not be executed again."""

    def execute(self, image: Image, blobs: Blobs, step: Execute, name: str) -> Generator[Event, None, list[RunLayer]]:
        """Run a command in a container of an image, and return the layers that hold what it changed, in the order in
        which they go into the image; none for a command that changes nothing.

        The layers of ``image`` are in ``blobs``; the new ones are then in the store that the runner was made with. What
        the command writes comes as events of step ``name``. RunError with its exit code when it fails; ToolError when
        it cannot be started.
        """
