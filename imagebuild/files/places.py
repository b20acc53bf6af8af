# SPDX-License-Identifier: Apache-2.0
"""The user's folders for wcow: data, cache, state, and what lives as long as a login.

They are where the XDG base directories, macOS and Windows have them, as the package platformdirs finds them; why that
one is not used is in ``docs/decisions/0049-folders-of-the-user.md``. Variables of XDG count on macOS, too. No folder is
made here.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from ..errors import StoreError

NAME = "wcow"


def data_folder() -> Path:
    """What is the user's own: images, an engine."""
    return _folder("XDG_DATA_HOME", ".local/share", "Library/Application Support", ".")


def cache_folder() -> Path:
    """What can be made again."""
    return _folder("XDG_CACHE_HOME", ".cache", "Library/Caches", "Cache")


def state_folder() -> Path:
    """What a program notes for its next run."""
    return _folder("XDG_STATE_HOME", ".local/state", "Library/Application Support", ".")


def runtime_folder() -> Path:
    """Sockets. Where the system has no such folder it is one of the temporary files, which another user may have made
    first: the caller looks whose it is."""
    named = _variable("XDG_RUNTIME_DIR")
    if named is not None:
        return named / NAME
    if sys.platform == "win32":
        return _local() / "Temp" / NAME
    if sys.platform == "darwin":
        return _home() / "Library/Caches/TemporaryItems" / NAME
    usual = Path(f"/run/user/{os.getuid()}")
    return (usual if usual.is_dir() else Path(tempfile.gettempdir(), f"runtime-{os.getuid()}")) / NAME


def _folder(variable: str, linux: str, macos: str, windows: str) -> Path:
    if sys.platform == "win32":
        return _local() / NAME / windows
    return (_variable(variable) or _home() / (macos if sys.platform == "darwin" else linux)) / NAME


def _variable(name: str) -> Path | None:
    """The folder of a variable. XDG wants one that is relative to be left aside."""
    path = Path(os.environ.get(name, "").strip())
    return path if path.is_absolute() else None


def _local() -> Path:
    """``AppData\\Local``."""
    found = os.environ.get("LOCALAPPDATA")
    return Path(found) if found else _home() / "AppData" / "Local"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        raise StoreError("cannot find your home folder", why="the account has none, and HOME is not set",
                         hint="set HOME to a folder") from None
