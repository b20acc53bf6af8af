# SPDX-License-Identifier: Apache-2.0
"""Wine, bubblewrap and the other programs that boxes need, as they are installed here."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ..errors import ToolError

OLDEST = (10, 0)
"""The oldest Wine that the sandbox was tried with."""

#: Program -> Debian package. Wine's own is asked for by its loader.
PACKAGES = {"bwrap": "bubblewrap", "nsenter": "util-linux", "setpriv": "util-linux", "prlimit": "util-linux",
            "setsid": "util-linux"}


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
        found = re.search(r"(\d+)\.(\d+)", self.version)
        return (int(found[1]), int(found[2])) if found else (0, 0)


#: loader, server, modules, shared: Debian's layout.
_DEBIAN = ("/usr/lib/wine/wine64", "/usr/lib/wine/wineserver64", "/usr/lib/x86_64-linux-gnu/wine/x86_64-windows",
           "/usr/share/wine")


def find_wine() -> Install:
    """The Wine that is installed; ToolError names the package when it is missing or too old."""
    loader, server, modules, shared = map(Path, _DEBIAN)
    if not (loader.is_file() and server.is_file() and modules.is_dir()):
        raise ToolError("cannot run Windows programs", program="wine64", why=f"Wine is not installed ({loader})",
                        hint="install the Debian package wine64 (10.0 or later)")
    try:
        said = subprocess.run([loader, "--version"], capture_output=True, text=True, check=False, timeout=20, env={},
                              stdin=subprocess.DEVNULL).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError("cannot run Windows programs", program="wine64", why=f"{loader} does not start: {error}",
                        hint="install the Debian package wine64 (10.0 or later)") from error
    install = Install(loader, server, modules, shared, said)
    if install.number < OLDEST:
        raise ToolError("cannot run Windows programs", program="wine64",
                        why=f"Wine is too old: {said or 'no version'}, 10.0 or later is needed",
                        hint="install the Debian package wine64 of Debian 13 or later")
    return install


def find(program: str) -> str:
    """The path of one of :data:`PACKAGES`; ToolError names the package."""
    path = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")
    if path is None:
        raise ToolError("cannot run Windows programs", program=program, why=f"{program} is not installed",
                        hint=f"install the Debian package {PACKAGES[program]}")
    return path


def missing() -> tuple[str, ...]:
    """The Debian packages without which nothing starts, each once."""
    out = []
    try:
        find_wine()
    except ToolError:
        out.append("wine64")
    for program, package in PACKAGES.items():
        try:
            find(program)
        except ToolError:
            out.append(package)
    return tuple(dict.fromkeys(out))
