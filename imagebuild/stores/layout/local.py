# SPDX-License-Identifier: Apache-2.0
"""The user's own store: an OCI layout in the data folder, or where ``WCOW_STORE`` says."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from ...files import data_folder
from .layout import LayoutStore, Opener


def local_path() -> Path:
    """Where the local store is, whether or not it exists yet."""
    chosen = os.environ.get("WCOW_STORE")
    if chosen:
        return Path(chosen)
    return data_folder() / "store"


def local_store(*, opener: Opener | None = None) -> LayoutStore:
    """The local store, made if it is not there. Its tags are full names (``docker.io/library/app:1``). The folder of
    wcow's data is made for its user alone (0700, as the XDG base directories say): images hold secrets, too."""
    if not os.environ.get("WCOW_STORE"):
        with suppress(OSError):  # the store below says what cannot be written
            local_path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LayoutStore(local_path(), create=True, opener=opener)
