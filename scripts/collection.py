# SPDX-License-Identifier: Apache-2.0
"""Judges the collection's tarball with the tools of its users and of Galaxy: ``python scripts/collection.py CHECK …``.

Each check runs in an environment of its own (``.collection/NAME``), made at the first call with the packages that
``requirements/collection-NAME.txt`` pins: one for each ansible-core, one for the linters, one for galaxy-importer,
which pins old versions of what others need new.

  lint       ansible-lint --profile production
  docs       antsibull-docs lint-collection-docs
  changelog  antsibull-changelog lint
  importer   galaxy-importer, as Galaxy runs it
  install    build, install, ansible-doc and a playbook, with the core that --core names
  programs   print the folder with the programs of the core that --core names
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from ansible_test import ROOT, unpack

CORES = {"2.19": ("python3.11", "python3.13", "python3.12"), "2.19-3.13": ("python3.13",),
         "2.21": ("python3.13", "python3.12")}
"""Each ansible-core, behind a hyphen on a Python alone, with the Pythons that are looked for."""
HOME = [ROOT / ".collection"]
TOOLS = ("python3.13", "python3.12", "python3.11")
PLAYBOOK = """
- hosts: localhost
  gather_facts: false
  connection: local
  tasks:
    - name: What runs where
      ansible.builtin.assert:
        that:
          - "'10.0.20348' is wcow.containers.compatible_with('ltsc2022')"
          - "'ltsc2022' | wcow.containers.windows_build == 20348"
    - name: An engine that is not there is named
      wcow.containers.volume_info:
        docker_host: unix:///nowhere.sock
      register: found
      ignore_errors: true
    - name: It was named
      ansible.builtin.assert:
        that: "'nowhere.sock' in found.msg"
"""


def environment(name: str, pythons: tuple[str, ...]) -> Path:
    """Make an environment with the packages of its file, if it is not there; return its folder of programs."""
    wanted = ROOT / "requirements" / f"collection-{name.removesuffix('-3.13')}.txt"
    place = HOME[0] / name
    stamp = place / "made-of.txt"
    if not stamp.exists() or stamp.read_bytes() != wanted.read_bytes():
        python = next((found for one in pythons if (found := shutil.which(one)) and _works(found)), None)
        if python is None:
            raise SystemExit(f"none of {', '.join(pythons)} is here: install one")
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run([python, "-m", "venv", "--without-pip", place], check=True)
        subprocess.run([sys.executable, "-m", "pip", "--python", place / "bin" / "python", "install", "--quiet",
                        "--no-input", "--disable-pip-version-check", "-r", wanted], check=True)
        stamp.write_bytes(wanted.read_bytes())
    return place / "bin"


def _works(python: str) -> bool:
    """Whether it is a Python with venv: a shim of a version that is not active answers with an error."""
    return subprocess.run([python, "-c", "import venv"], capture_output=True, check=False).returncode == 0


def run(programs: Path, name: str, *words: str | Path, cwd: Path, **more: str) -> None:
    """Run a program of an environment; SystemExit with its code where it fails."""
    variables = {**os.environ, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}", "NO_COLOR": "1",
                 "ANSIBLE_NOCOLOR": "1", "ANSIBLE_HOME": str(cwd / ".home"), **more}
    done = subprocess.run([programs / name, *words], cwd=cwd, env=variables, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def build(programs: Path, folder: Path) -> Path:
    """Build the tarball into a folder; return it."""
    run(programs, "ansible-galaxy", "collection", "build", "--output-path", folder, ROOT, cwd=folder)
    (path,) = folder.glob("wcow-containers-*.tar.gz")
    return path


def lint(folder: Path, core: str) -> None:
    """ansible-lint over what ships."""
    programs = environment("lint", TOOLS)
    tree = unpack(build(programs, folder), folder)
    (tree / ".ansible-lint").write_text("exclude_paths: [changelogs/, tests/]\n", encoding="utf-8")
    run(programs, "ansible-lint", "--offline", "--strict", "--profile", "production", cwd=tree,
        ANSIBLE_COLLECTIONS_PATH=str(folder))


def docs(folder: Path, core: str) -> None:
    """antsibull-docs over what ships."""
    programs = environment("lint", TOOLS)
    tree = unpack(build(programs, folder), folder)
    run(programs, "antsibull-docs", "lint-collection-docs", "--plugin-docs", "--validate-collection-refs=self",
        "--disallow-unknown-collection-refs", tree, cwd=tree, ANSIBLE_COLLECTIONS_PATH=str(folder))


def changelog(folder: Path, core: str) -> None:
    """antsibull-changelog over the fragments."""
    run(environment("lint", TOOLS), "antsibull-changelog", "lint", cwd=ROOT, ANSIBLE_HOME=str(folder))


def importer(folder: Path, core: str) -> None:
    """galaxy-importer over the tarball, without ansible-test, which wants a container."""
    programs = environment("importer", TOOLS)
    settings = folder / "importer.cfg"
    settings.write_text("[galaxy-importer]\nLOG_LEVEL_MAIN = INFO\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_DOC = True\n"
                        "RUN_ANSIBLE_LINT = True\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = False\n",
                        encoding="utf-8")
    run(programs, "python", "-m", "galaxy_importer.main", build(programs, folder), cwd=folder,
        GALAXY_IMPORTER_CONFIG=str(settings))


def install(folder: Path, core: str) -> None:
    """Install the tarball, list its modules, play with it."""
    programs = environment(f"core-{core}", CORES[core])
    tarball = build(programs, folder)
    place = {"ANSIBLE_COLLECTIONS_PATH": str(folder / "installed"), "ANSIBLE_LOCALHOST_WARNING": "0"}
    run(programs, "ansible-galaxy", "collection", "install", "--offline", "-p", folder / "installed", tarball,
        cwd=folder, **place)
    listed = subprocess.run([programs / "ansible-doc", "-l", "-j", "wcow.containers"], capture_output=True, text=True,
                            check=True, env={**os.environ, "ANSIBLE_HOME": str(folder), **place})
    print(len(json.loads(listed.stdout)), "modules")
    (folder / "play.yml").write_text(PLAYBOOK, encoding="utf-8")
    run(programs, "ansible-playbook", "-i", "localhost,", folder / "play.yml", cwd=folder, **place)


def programs(folder: Path, core: str) -> None:
    """Print where a core's programs are."""
    print(environment(f"core-{core}", CORES[core]))


CHECKS: dict[str, Callable[[Path, str], None]] = {
    "lint": lint, "docs": docs, "changelog": changelog, "importer": importer, "install": install,
    "programs": programs}


def main(argv: list[str]) -> int:
    """Run the checks that are named, each in a folder of its own."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--core", choices=CORES, default="2.19", help="the ansible-core of 'install' and 'programs'")
    parser.add_argument("--home", type=Path, help="the folder of the environments")
    parser.add_argument("checks", nargs="+", choices=CHECKS)
    options = parser.parse_args(argv)
    if options.home:
        HOME[0] = options.home.resolve()
    for name in options.checks:
        with tempfile.TemporaryDirectory(prefix="wcow-collection-") as folder:
            CHECKS[name](Path(folder), options.core)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
