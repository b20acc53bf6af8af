# SPDX-License-Identifier: Apache-2.0
"""Names as Windows finds them: exactly, or else in another case."""

from __future__ import annotations

import os

from ..windows.upcase import fold


def entry(folder: int, name: str) -> str | None:
    """The name of the entry of an open folder that Windows takes for ``name``: exactly it, else the first that differs
    in case; ``None``: there is none. OSError for a folder that cannot be read."""
    if name in ("", ".", "..") or "/" in name:
        return None
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        pass
    else:
        return name
    listed = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        wanted = fold(name)
        return min((one for one in os.listdir(listed) if fold(one) == wanted), default=None)  # noqa: PTH208
    finally:
        os.close(listed)
