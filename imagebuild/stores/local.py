# SPDX-License-Identifier: Apache-2.0
"""The user's own store: an OCI layout in the data folder, or where ``WCOW_STORE`` says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ..errors import DependencyError
from .layout import LayoutStore, Opener


def local_path() -> Path:
    """Where the local store is, whether or not it exists yet."""
    chosen = os.environ.get("WCOW_STORE")
    if chosen:
        return Path(chosen)
    try:
        import platformdirs
    except ImportError:
        raise DependencyError("cannot find the local store", why="the Python package platformdirs is missing",
                              hint="pip install platformdirs, or set WCOW_STORE to a folder",
                              package="platformdirs") from None
    return Path(platformdirs.user_data_dir("wcow", appauthor=False)) / "store"


def local_store(*, opener: Opener | None = None) -> LayoutStore:
    """The local store, made if it is not there. Its tags are full names (``docker.io/library/app:1``). The folder of
    wcow's data is made for its user alone (0700, as the XDG base directories say): images hold secrets, too."""
    if not os.environ.get("WCOW_STORE"):
        with suppress(OSError):  # the store below says what cannot be written
            local_path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LayoutStore(local_path(), create=True, opener=opener)
