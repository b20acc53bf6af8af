# SPDX-License-Identifier: Apache-2.0
"""Runs ``ansible-test`` on the collection as it ships: ``python scripts/ansible_test.py sanity [ARGUMENTS]``.

The tarball is built and unpacked below ``ansible_collections/wcow/containers``, and ansible-test's own tests are laid
in. Its home is a folder of ours, so that nothing of the user's is touched: there it finds a stand-in for the script
with which it fetches pip (it takes the one that Python brings), and PowerShell's modules. No Python of pyenv's shims is
on PATH, for one of a version that is not active answers 127 and ends the run.

For ``.ps1`` modules it needs PowerShell (``--pwsh``, or on PATH) and PSScriptAnalyzer (``--analyzer``, a folder with
the module's folders, as they lie in ``Modules``). Without PowerShell ``validate-modules`` and ``pslint`` are left out,
and that is said.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LAID_IN = ("unit", "integration", "sanity", "config.yml")
NEED_POWERSHELL = ("validate-modules", "pslint")
GET_PIP = '''\
# In place of get-pip.py, which would be fetched: the pip that Python brings, made newer by an ordinary client.
import subprocess
import sys

# In a process of its own: ensurepip sets PIP_CONFIG_FILE, and with it loses certificates.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
wanted = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", "--upgrade", *wanted]).returncode)
'''


def main(argv: list[str]) -> int:
    """Build, unpack, lay the tests in, and run; return the exit code of ``ansible-test``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--home", type=Path, default=Path.home() / ".cache" / "wcow-ansible-test",
                        help="where what ansible-test fetches and makes is kept from run to run")
    parser.add_argument("--pwsh", type=Path, help="a PowerShell 7 for this machine")
    parser.add_argument("--analyzer", type=Path, help="the folder that holds PSScriptAnalyzer and its companions")
    parser.add_argument("verb", choices=["sanity", "units", "integration"])
    options, rest = parser.parse_known_args(argv)
    environment = prepare(options.home, options.pwsh, options.analyzer)
    words = [options.verb, "--color", "no"]
    if not any(word.startswith("--python") for word in rest):
        words += ["--python", f"{sys.version_info.major}.{sys.version_info.minor}"]
    if options.verb == "sanity" and shutil.which("pwsh", path=environment["PATH"]) is None:
        print("no PowerShell (--pwsh): left out:", ", ".join(NEED_POWERSHELL), flush=True)
        words += [word for name in NEED_POWERSHELL for word in ("--skip-test", name)]
    with tempfile.TemporaryDirectory(prefix="wcow-ansible-test-") as folder:
        tree = unpack(build(Path(folder)), Path(folder))
        done = subprocess.run([program("ansible-test"), *words, *rest], cwd=tree, env=environment, check=False)
    return done.returncode


def program(name: str) -> str:
    """Return a program of this Python's environment."""
    return str(Path(sys.executable).with_name(name))


def build(folder: Path) -> Path:
    """Build the collection's tarball into a folder; return it."""
    subprocess.run([program("ansible-galaxy"), "collection", "build", "--output-path", folder, ROOT], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "ANSIBLE_HOME": str(folder / "home")})
    (path,) = folder.glob("wcow-containers-*.tar.gz")
    return path


def unpack(tarball: Path, folder: Path) -> Path:
    """Unpack the tarball where ``ansible-test`` wants it, with its tests; return the collection's folder."""
    tree = folder / "ansible_collections" / "wcow" / "containers"
    with tarfile.open(tarball) as archive:
        archive.extractall(tree, filter="data")
    for name in LAID_IN:
        source = ROOT / "tests" / name
        if source.is_dir():
            shutil.copytree(source, tree / "tests" / name, ignore=shutil.ignore_patterns("__pycache__", "output"))
        elif source.exists():
            (tree / "tests").mkdir(exist_ok=True)
            shutil.copy2(source, tree / "tests" / name)
    return tree


def prepare(home: Path, pwsh: Path | None, analyzer: Path | None) -> dict[str, str]:
    """Make the home that ``ansible-test`` runs with; return the environment."""
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):  # what core 2.19 and 2.21 look for
        (cache / f"get_pip_{version}.py").write_text(GET_PIP, encoding="utf-8")
    modules = home / ".local" / "share" / "powershell" / "Modules"
    modules.mkdir(parents=True, exist_ok=True)
    for one in analyzer.iterdir() if analyzer else ():
        link = modules / one.name
        link.unlink(missing_ok=True)
        link.symlink_to(one.resolve())
    bins = home / "bin"
    shutil.rmtree(bins, ignore_errors=True)
    bins.mkdir()
    if pwsh:
        (bins / "pwsh").symlink_to(pwsh.resolve())
    path = [str(bins), str(Path(sys.executable).parent), str(Path(sys.executable).resolve().parent)]
    path += [one for one in os.environ.get("PATH", "").split(os.pathsep) if "shims" not in one]
    return {**os.environ, "HOME": str(home), "PATH": os.pathsep.join(path), "ANSIBLE_HOME": str(home / ".ansible"),
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1", "POWERSHELL_TELEMETRY_OPTOUT": "1"}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
