# SPDX-License-Identifier: Apache-2.0
"""Goes down a tree of folders and up again with one open descriptor, however deep programs of a container made it."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from types import TracebackType

OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Descent:
    """A place in a tree. :attr:`here` is the open folder; it belongs to this object, which closes it.

    The way up is ``..``, and it is taken only where it leads back to the folder that was left: a program that moves
    folders meanwhile cannot lead out of the tree.
    """

    def __init__(self, here: int) -> None:
        self.here = here
        self._way: list[tuple[int, int]] = []

    def __enter__(self) -> Descent:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        os.close(self.here)

    def down(self, name: str, opening: Callable[[int, str], int] | None = None) -> None:
        """Enter a folder, which is no link; ``opening`` opens it from :attr:`here`. OSError, and then nothing has
        changed."""
        about = os.fstat(self.here)
        inner = opening(self.here, name) if opening else os.open(name, OPEN_FOLDER, dir_fd=self.here)
        os.close(self.here)
        self.here = inner
        self._way.append((about.st_dev, about.st_ino))

    def up(self) -> None:
        """Return to the folder that :meth:`down` left. OSError (ESTALE) when this one has been moved elsewhere."""
        outer = os.open("..", OPEN_FOLDER, dir_fd=self.here)
        about = os.fstat(outer)
        if (about.st_dev, about.st_ino) != self._way[-1]:
            os.close(outer)
            raise OSError(errno.ESTALE, "a program moved the folder while it was read")
        self._way.pop()
        os.close(self.here)
        self.here = outer
