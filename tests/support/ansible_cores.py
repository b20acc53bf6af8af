# SPDX-License-Identifier: Apache-2.0
"""Other ansible-cores than the one of the tests' environment: of PyPI, and Debian's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import programs
from .ansible_hosts import REPOSITORY

CORES = {"2.19": "4.8.5", "2.21": "5.4.0"}
"""Each core, and the community.docker that PyPI's package ``ansible`` has for it."""


def playbook(core: str) -> tuple[Path]:
    """What starts ansible-playbook of a core, in the environment that ``scripts/collection.py`` keeps for it."""
    done = subprocess.run([sys.executable, REPOSITORY / "scripts/collection.py", "--home",
                           programs.user_cache() / "collection", "--core", core, "programs"],
                          capture_output=True, text=True, timeout=590, check=False)
    if "install one" in done.stderr:
        raise programs.Unavailable(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return (Path(done.stdout.strip()) / "ansible-playbook",)


DEBIAN = ("ansible-core", "python3-winrm", "python3-h11")
_MODULES = "usr/lib/python3/dist-packages"


def debian() -> tuple[str | Path, ...]:
    """What starts Debian's own ansible-playbook with no Python package but those of :data:`DEBIAN` and what they
    depend on: nothing is installed, they lie in place of the machine's packages in a namespace."""
    bwrap = programs.find("bwrap")
    if not Path("/usr/bin/python3").exists() or shutil.which("apt-get") is None:
        raise programs.Unavailable("this is not a Debian: apt-get fetches its packages")
    place = programs.user_cache() / "ansible-debian"
    if not (place / "usr/bin/ansible-playbook").exists():
        _fetch(place)
    hidden = [word for path in sorted(Path("/usr/local/lib").glob("python3*/dist-packages"))
              for word in ("--tmpfs", str(path))]
    return (bwrap, "--dev-bind", "/", "/", "--bind", place / _MODULES, "/" + _MODULES, *hidden, "--setenv",
            "PYTHONNOUSERSITE", "1", "--", "/usr/bin/python3", place / "usr/bin/ansible-playbook")


def _fetch(place: Path) -> None:
    only = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    said = subprocess.run(["apt-cache", "depends", "--recurse", *only, *DEBIAN], capture_output=True, text=True,
                          check=False, timeout=60).stdout
    names = sorted({line for line in said.splitlines() if line.startswith(("python3-", "ansible-core"))})
    making = place.with_name(f"{place.name}.{os.getpid()}")
    (making / "packages").mkdir(parents=True)
    done = subprocess.run(["apt-get", "download", *names], cwd=making / "packages", capture_output=True, text=True,
                          check=False, timeout=300)
    if not names or done.returncode:
        shutil.rmtree(making)
        raise programs.Unavailable(f"Debian's packages cannot be fetched: {done.stderr[-300:]}")
    for package in sorted((making / "packages").iterdir()):
        subprocess.run(["dpkg-deb", "-x", package, making], check=True, timeout=60)
    shutil.rmtree(place, ignore_errors=True)
    making.rename(place)
