# SPDX-License-Identifier: Apache-2.0
"""Wine, bubblewrap and the other programs that boxes need, as they are installed here."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..errors import ToolError

OLDEST = (10, 0)
"""The oldest Wine that the sandbox was tried with."""

LOADER, OVERRIDES = "SystemRoot", "SystemDrive"
"""Under which names of Linux' environment an ntdll.so that :mod:`.wine.altered` changed looks for its loader and its
overrides."""

SETPRIV = "/usr/bin/setpriv"
"""Boxes see it under this path, where a program that joins a box goes through it."""

#: Program -> Debian package. Wine's own is asked for by its loader.
PACKAGES = {"bwrap": "bubblewrap", "nsenter": "util-linux", "setpriv": "util-linux", "prlimit": "util-linux",
            "setsid": "util-linux", "unshare": "util-linux"}


@dataclass(frozen=True, slots=True)
class Install:
    """Where Wine's parts are: ``loader`` and ``server`` (not the wrapper scripts), ``modules`` the folder of its
    Windows programs and libraries, ``shared`` its data, ``version`` as it prints it (``wine-10.0 (Debian …)``)."""

    loader: Path
    server: Path
    modules: Path
    shared: Path
    version: str

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor version; (0, 0) where it prints something else."""
        found = re.search(r"(\d{1,9})\.(\d{1,9})", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)

    def library(self, name: str) -> Path:
        """Where one of Wine's files is: its server, or a library; ``ntdll.so`` is in the folder for Linux beside that
        of the Windows ones."""
        if name == self.server.name:
            return self.server
        return (self.modules.with_name("x86_64-unix") if name.endswith(".so") else self.modules) / name


#: loader, server, modules, shared: Debian's layout.
_DEBIAN = ("/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64", "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
           "/usr/share/wine")


_KNOWN: dict[tuple[object, ...], str] = {}
"""What a loader that is good enough said of its version, by when it, the server and its libraries were installed. It is
asked once: an engine needs to know for every container."""


def find_wine() -> Install:
    """The Wine that is installed; ToolError names the package when it is missing or too old."""
    loader, server, modules, shared = map(Path, _DEBIAN)
    if not (loader.is_file() and server.is_file() and modules.is_dir()):
        raise ToolError("cannot run Windows programs", program="wine64", why=f"Wine is not installed ({loader})",
                        hint="install the Debian package wine64 (10.0 or later)")
    try:
        key = (loader, *(path.stat().st_mtime_ns for path in (loader, server, modules)))
        said = _KNOWN.get(key) or subprocess.run([loader, "--version"], capture_output=True, text=True, check=False,
                                                 timeout=20, env={"HOME": "/"}, stdin=subprocess.DEVNULL).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError("cannot run Windows programs", program="wine64", why=f"{loader} does not start: {error}",
                        hint="install the Debian package wine64 (10.0 or later)") from error
    install = Install(loader, server, modules, shared, said)
    if install.number < OLDEST:
        raise ToolError("cannot run Windows programs", program="wine64",
                        why=f"Wine is too old: {said or 'no version'}, 10.0 or later is needed",
                        hint="install the Debian package wine64 of Debian 13 or later")
    _KNOWN[key] = said
    return install


def find(program: str) -> str:
    """The path of one of :data:`PACKAGES`; ToolError names the package."""
    path = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if path is None:
        raise ToolError("cannot run Windows programs", program=program, why=f"{program} is not installed",
                        hint=f"install the Debian package {PACKAGES[program]}")
    return path


_FILTERING: dict[tuple[str, int], bool] = {}
"""Whether a setpriv can load a filter, by its path and when it was installed: ``docker version`` asks each time."""


def check_setpriv() -> None:
    """ToolError, saying what to install, for a setpriv that cannot load a seccomp filter.

    util-linux has the option since 2.41 (``setpriv.1``). Without it programs could start a box but none could join one:
    no exec, no health check.
    """
    try:
        key = SETPRIV, Path(SETPRIV).stat().st_mtime_ns
        if key not in _FILTERING:
            said = subprocess.run([SETPRIV, "--help"], capture_output=True, text=True, check=False, timeout=20, env={},
                                  stdin=subprocess.DEVNULL).stdout
            _FILTERING[key] = "--seccomp-filter" in said
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError("cannot run Windows programs", program="setpriv", why=f"{SETPRIV} does not start: {error}",
                        hint="install the Debian package util-linux (2.41 or later)") from error
    if not _FILTERING[key]:
        raise ToolError("cannot run Windows programs", program="setpriv",
                        why=f"{SETPRIV} is too old: it has no --seccomp-filter",
                        hint="install the Debian package util-linux of Debian 13 or later (2.41 or later)")


_NESTING: dict[tuple[str, int], bool] = {}
"""Whether a bubblewrap can be trusted with nested mounts, by its path and when it was installed."""


def check_nesting() -> None:
    """ToolError for a bubblewrap older than 0.12 (GHSA-pxhw-h44j-8pfx): where a mount lies in another, it follows links
    that a program can put in its way, and makes folders outside the box. Without such mounts none of them is there."""
    path = find("bwrap")
    key = path, Path(path).stat().st_mtime_ns
    if key not in _NESTING:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False, timeout=20, env={},
                              stdin=subprocess.DEVNULL).stdout
        found = re.search(r"(\d{1,9})\.(\d{1,9})", said)
        _NESTING[key] = found is not None and (int(found[1]), int(found[2])) >= (0, 12)
    if not _NESTING[key]:
        raise ToolError("cannot mount a folder inside another mount", program="bwrap",
                        why="bubblewrap is older than 0.12 and follows links that a container makes on the way",
                        hint="install a newer Debian package bubblewrap, or mount the folders beside each other")


def problems() -> dict[str, ToolError]:
    """What keeps everything from starting, by the Debian package that has to be installed or made newer."""
    out: dict[str, ToolError] = {}
    checks: list[tuple[str, Callable[[], object]]] = [
        ("wine64", find_wine), *((package, partial(find, program)) for program, package in PACKAGES.items()),
        (PACKAGES["setpriv"], check_setpriv)]
    for package, check in checks:
        try:
            check()
        except ToolError as error:
            out.setdefault(package, error)
    return out
