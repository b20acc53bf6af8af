# SPDX-License-Identifier: Apache-2.0
"""Mounts of folders and files of this machine, made such that the engine takes them.

On an engine of this machine a folder is mounted by its real path, and a file is staged into a folder of its own. An
engine elsewhere does not see this machine's folders: it gets a volume, into which their content is copied after the
start. What the container writes there stays there.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ...errors import ToolError, UsageError
from .home import Home
from .mount import Mount, here
from .stage import Staging

UPLOAD_MOST = 256 << 20
USERS = "*S-1-5-32-545"
"""BUILTIN\\Users, to which ContainerUser belongs."""


def prepare_mounts(mounts: Iterable[Mount], home: Home, staging: Staging
                   ) -> tuple[tuple[Mount, ...], list[tuple[Path, str]]]:
    """The mounts that an engine takes, and what is to be copied into the container after its start.

    Raises NotFoundError for a source that is not there, and UsageError for one that is too large to be uploaded.
    """
    made, uploads = [], []
    for mount in mounts:
        if mount.kind != "bind" or not _is_here(mount.source):
            made.append(mount)
            continue
        mount = here(mount)
        if not Path(mount.source).is_dir():
            mount = staging.file(mount)
        if home.local:
            if mount.writable and not mount.read_only:
                let_write(Path(mount.source))
            made.append(mount)
            continue
        _expect_small(Path(mount.source))
        uploads.append((Path(mount.source), mount.target))
        made.append(replace(mount, kind="volume", source="", read_only=False))
    return tuple(made), uploads


def let_write(folder: Path) -> None:
    """Let every account of a container write in a folder of this machine, by its ACL.

    On Linux nothing needs to be done: the embedded engine's containers write as the folder's owner.
    """
    if os.name != "nt":
        return
    done = subprocess.run(["icacls", str(folder), "/grant", f"{USERS}:(OI)(CI)M"], capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise ToolError(f"cannot let containers write in {folder}", program="icacls",
                        why=(done.stderr or done.stdout).strip()[:500])


def _is_here(source: str) -> bool:
    """Whether a path is one of this machine, and not of the engine's host: ``C:\\data`` on Linux is the host's."""
    return os.name == "nt" or source[1:2] != ":"


def _expect_small(folder: Path) -> None:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > UPLOAD_MOST:
        raise UsageError(f"cannot mount {folder}",
                         why=f"the engine is another machine, and {size >> 20} MB are too much to upload",
                         hint="put it on the engine's host, and mount that path")
