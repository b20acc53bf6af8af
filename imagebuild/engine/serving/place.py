# SPDX-License-Identifier: Apache-2.0
"""Where the embedded engine of a user is: its folder and its socket."""

from __future__ import annotations

import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from ...errors import ToolError
from ...files import data_folder


@dataclass(frozen=True, slots=True)
class EnginePlace:
    """An engine's folder (``root``) and its socket; neither has to exist."""

    root: Path
    socket: Path


def engine_place(root: str | Path | None = None, socket: str | Path | None = None) -> EnginePlace:
    """Return the place of the embedded engine: as asked, else from ``WCOW_ENGINE_ROOT`` and ``WCOW_ENGINE_SOCKET``,
    else the user's own. The place of root is the machine's. Touches no disk but to look whether the user has a
    runtime folder. ToolError on a system that the engine does not run on."""
    check_system()
    chosen = root or os.environ.get("WCOW_ENGINE_ROOT")
    path = socket or os.environ.get("WCOW_ENGINE_SOCKET")
    if chosen:
        folder = Path(chosen).expanduser().absolute()
    elif os.getuid() == 0:
        folder = Path("/var/lib/wcow/engine")
    else:
        folder = data_folder() / "engine"
    if path:
        return EnginePlace(folder, Path(path).expanduser().absolute())
    return EnginePlace(folder, (None if chosen else _runtime_socket()) or folder / "engine.sock")


def check_system() -> None:
    """Raise ToolError on a system that the embedded engine does not run on."""
    if sys.platform != "linux":
        name = {"win32": "Windows", "darwin": "macOS"}.get(sys.platform, sys.platform)
        raise ToolError("the embedded engine runs on Linux only", program="wcow engine",
                        why=f"this machine runs {name}, and the engine needs Wine in Linux's namespaces",
                        hint="run it in a Linux virtual machine (on Windows: WSL 2), or use a Windows engine")


def _runtime_socket() -> Path | None:
    """The socket's usual place; ``None`` where the machine has none for this user: a container, cron, ``su``. A folder
    in ``/tmp`` is no substitute, for any user could make it first."""
    if os.getuid() == 0:
        return Path("/run/wcow/engine.sock")
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    try:
        about = folder.stat()
    except OSError:
        return None
    return folder / "wcow" / "engine.sock" if stat.S_ISDIR(about.st_mode) and about.st_uid == os.getuid() else None
