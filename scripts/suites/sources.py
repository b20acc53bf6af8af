# SPDX-License-Identifier: Apache-2.0
"""The suites: where their source comes from, and the environment that their tests run in."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
TOP = HERE.parents[1]
KEPT = TOP / ".suites"
"""Where sources from PyPI and environments stay from run to run."""


class Missing(Exception):
    """A suite's source is not here; the text says which commands bring it."""


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite of other people: its name is the folder below ``WCOW_SUITES``, or the package on PyPI."""

    name: str
    url: str
    tests: tuple[str, ...]
    """What pytest gets, in the folder of the source."""
    commit: str = ""
    """The commit that the reasons in ``left_out.toml`` were written for; empty for a package."""
    version: str = ""
    """The version on PyPI; empty for a checkout."""
    arguments: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    images: tuple[str, ...] = ()
    """What is pulled before, because the suite takes it for granted."""
    own_tmp: bool = False
    """Whether its tests look at all of /tmp: they get an empty one."""
    tcp: bool = False
    """Whether its authors give it the engine by TCP."""
    checkout: str = ""
    """Its folder below ``WCOW_SUITES``, where that has not its name."""
    pester: bool = False
    """Whether its tests are PowerShell's, which run in containers (``pester.py``)."""
    bar: float = 98.0
    """Of a hundred tests that apply, so many pass."""


_POWERSHELL = "https://github.com/PowerShell/PowerShell", "7acb29279dd64e646d821f75d1cc8ad59455a9a6"


SUITES = (
    Suite("aiodocker", "https://pypi.org/project/aiodocker/", ("tests",), version="0.27.0",
          arguments=("-o", "addopts=", "--timeout", "120", "-W", "default"), images=("python:latest",)),
    Suite("docker-py", "https://github.com/docker/docker-py", ("tests/integration",),
          commit="afc6d1ee308e78b908b96a94298c37fa8c465588", arguments=("--timeout", "120"), tcp=True),
    Suite("testcontainers-python", "https://github.com/testcontainers/testcontainers-python", ("tests/core",),
          commit="c958e40ca25b77c75d9fabbd8eb05736dded5790",
          arguments=("-o", "log_cli=false", "--timeout", "120"), own_tmp=True,
          # Its reaper is a Linux image that wants the engine's socket as a mount; this is its own switch for that.
          environment={"TESTCONTAINERS_RYUK_DISABLED": "true"}),
    Suite("powershell-language", _POWERSHELL[0], ("test/powershell/Language",), commit=_POWERSHELL[1],
          checkout="PowerShell", pester=True, bar=99.5),
    Suite("powershell-modules", _POWERSHELL[0], ("test/powershell/Modules",), commit=_POWERSHELL[1],
          checkout="PowerShell", pester=True, bar=97.0),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A suite that is here: its folder, and the commit or version that it is."""

    suite: Suite
    folder: Path
    state: str


def find(suite: Suite) -> Source:
    """The source of a suite; Missing with the commands that bring it."""
    if suite.version:
        return _package(suite)
    given = os.environ.get("WCOW_SUITES", "")
    folder = Path(given or "suites", suite.checkout or suite.name)
    if not given or not (folder / suite.tests[0]).is_dir():
        raise Missing(f"{suite.name}'s tests are in no package. To run them:\n"
                      f"    git clone {suite.url} {folder}\n"
                      f"    git -C {folder} checkout {suite.commit}\n"
                      f"    make suites WCOW_SUITES={given or 'suites'}")
    done = subprocess.run(["git", "-C", folder, "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return Source(suite, folder.resolve(), done.stdout.strip() or "unknown")


def _package(suite: Suite) -> Source:
    """The source package of PyPI, fetched by pip and unpacked."""
    folder = KEPT / f"{suite.name}-{suite.version}"
    if not folder.is_dir():
        downloads = KEPT / "downloads"
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
                   "--no-deps", "--no-binary", ":all:", "--dest", str(downloads), f"{suite.name}=={suite.version}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        found = sorted(downloads.glob(f"{suite.name}-{suite.version}.tar.gz"))
        if done.returncode or not found:
            raise Missing(f"{suite.name} {suite.version} did not come from PyPI: {done.stderr.strip()[-300:]}\n"
                          f"    {' '.join(command)}")
        half = KEPT / f"half-{os.getpid()}"
        with tarfile.open(found[0]) as archive:
            archive.extractall(half, filter="data")
        (half / folder.name).rename(folder)
        shutil.rmtree(half)
    return Source(suite, folder, suite.version)


def environment(source: Source) -> Path:
    """A Python with what the suite needs (``requirements/NAME.txt``) and the suite's own package, made once."""
    wanted = HERE / "requirements" / f"{source.suite.name}.txt"
    key = hashlib.sha256(wanted.read_bytes() + str(source).encode() + sys.version.encode()).hexdigest()[:16]
    folder = KEPT / f"environment-{source.suite.name}"
    python = folder / "bin" / "python"
    if (folder / key).exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
                    "-r", wanted, source.folder], check=True, env={**os.environ, **VERSIONED})
    (folder / key).touch()
    return python


VERSIONED = {"SETUPTOOLS_SCM_PRETEND_VERSION": "0+suites", "HATCH_BUILD_CLEAN": "0"}
"""A checkout without its tags still has a version."""
