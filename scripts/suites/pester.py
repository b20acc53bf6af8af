# SPDX-License-Identifier: Apache-2.0
"""PowerShell's own tests, in containers: files of Pester, ten to a container, with what its Linux passes to compare.

They are written for Pester 4; ``powershell/Runner.psm1`` runs them. A test that fails on Linux' own PowerShell, too,
says nothing about the engine and is left out. The report is one of JUnit's, as pytest writes it for the other suites.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tomllib
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sources import Source
    from support.engine import Engine

HERE = Path(__file__).parent
TOGETHER = 10
"""Files of one process."""
LIMIT = 420.0
"""Seconds for the files of one process; a file that does not end is a failure."""
QUIET = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off"}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test: ``Passed``, ``Failed`` or ``Skipped``, and the message of a failure."""

    result: str
    message: str


Results = dict[tuple[str, str], Result]
"""By file and name."""


def run(source: Source, made: Engine, report: Path, part: str) -> None:
    """Run a suite in an engine's containers and on this machine, and write the report. Unavailable without the archives
    of PowerShell and Pester."""
    from support import windows_programs

    windows, linux, pester = (windows_programs.powershell(), windows_programs.linux_powershell(),
                              windows_programs.pester())
    root = made.fresh()
    for name, folder in (("test", source.folder / "test"), ("powershell", HERE / "powershell"),
                         ("Modules", source.folder / "test" / "tools" / "Modules"), ("Modules/Pester", pester)):
        shutil.copytree(folder, root / name, dirs_exist_ok=True)
    for path in [root, *root.rglob("*")]:
        path.chmod(0o777 if path.is_dir() else 0o666)
    files = sorted(str(path.relative_to(source.folder / "test/powershell")) for pattern in source.suite.tests
                   for path in (source.folder / pattern).rglob("*.Tests.ps1"))
    files = [file for file in files if part in file]
    ours = in_turn(_Container(made, root, windows), files)
    # The same folder, by its path on this machine: what the tests left in it is theirs.
    theirs = in_turn(_Linux(root, linux), files)
    write(report, judged(ours, theirs, source.suite.name))


class _Container:
    """Starts files in a new container each time."""

    def __init__(self, made: Engine, root: Path, folder: Path) -> None:
        self._made, self.root, self._folder = made, root, folder

    def start(self, report: str, files: Sequence[str]) -> None:
        """Run files to their end, or to the limit."""
        from support.engine import IMAGE

        variables = [word for name, value in QUIET.items() for word in ("-e", f"{name}={value}")]
        name = f"pester-{os.getpid()}"
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._made.docker("run", "--rm", "--name", name, "--user", "ContainerAdministrator", *variables,
                              "-v", f"{self.root}:C:\\suite", "-v",
                              f"{self._folder}:C:\\Program Files\\PowerShell\\7:ro", IMAGE,
                              r"C:\Program Files\PowerShell\7\pwsh.exe", "-NoProfile", "-File",
                              r"C:\suite\powershell\files.ps1", r"C:\suite", f"C:\\suite\\{report}", ",".join(files),
                              ok=False, timeout=LIMIT)
        self._made.docker("rm", "-f", name, ok=False)


class _Linux:
    """Starts files on this machine."""

    def __init__(self, root: Path, program: Path) -> None:
        self.root, self._program = root, program

    def start(self, report: str, files: Sequence[str]) -> None:
        """Run files to their end, or to the limit."""
        home = self.root / "home"
        home.mkdir(exist_ok=True)
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([self._program, "-NoProfile", "-File", self.root / "powershell" / "files.ps1", self.root,
                            self.root / report, ",".join(files)], check=False, timeout=LIMIT, capture_output=True,
                           stdin=subprocess.DEVNULL,
                           env={**os.environ, **QUIET, "HOME": str(home), "TMPDIR": str(home),
                                "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1"})


def in_turn(way: _Container | _Linux, files: Sequence[str]) -> Results:
    """The results of all files. Those of a process that did not end are run once more, each by itself."""
    found: Results = {}
    kind = type(way).__name__.strip("_").lower()
    for number in range(0, len(files), TOGETHER):
        wanted = list(files[number:number + TOGETHER])
        found |= read(way, f"{kind}-{number}.jsonl", wanted)
        for file in wanted:
            if (file, "(end)") not in found:
                found |= read(way, f"{kind}-{number}-{wanted.index(file)}.jsonl", [file])
            if found.pop((file, "(end)"), None) is None:
                found[file, "(file)"] = Result("Failed", "it did not end")
    return found


def read(way: _Container | _Linux, report: str, files: Sequence[str]) -> Results:
    """Start files and read their report. A name that comes twice has failed when one of the two did."""
    way.start(report, files)
    found: Results = {}
    with contextlib.suppress(FileNotFoundError), (way.root / report).open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            key = one["file"], one["name"]
            if key not in found or one["result"] == "Failed":
                found[key] = Result(one["result"], one["message"])
    return found


def judged(ours: Results, theirs: Results, suite: str) -> Iterator[tuple[str, str, str, str]]:
    """Each test as file, name, kind and reason; the kind is that of JUnit's child, or empty."""
    from adapter import LEFT_OUT

    rows = tomllib.loads((HERE / "left_out.toml").read_text("utf-8")).get(suite, [])
    for (file, name), one in sorted(ours.items()):
        there = theirs.get((file, name))
        reason = next((row["reason"] for row in rows for pattern in row["tests"]
                       if fnmatchcase(f"{file}::{name}", pattern)), "")
        if one.result == "Skipped":
            yield file, name, "skipped", "the suite skips it on Windows, too"
        elif one.result == "Passed":
            yield file, name, "", ""
        elif there is not None and there.result == "Failed":
            yield file, name, "skipped", f"{LEFT_OUT}fails in PowerShell for Linux, too, started in the same way"
        elif reason:
            yield file, name, "skipped", LEFT_OUT + reason
        else:
            yield file, name, "failure", one.message


def write(report: Path, cases: Iterator[tuple[str, str, str, str]]) -> None:
    """Write a report as pytest does."""
    suite = ElementTree.Element("testsuite")
    for file, name, kind, reason in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_plain(file), name=_plain(name))
        if kind:
            ElementTree.SubElement(case, kind, message=_plain(reason))
    ElementTree.ElementTree(suite).write(report, encoding="utf-8")


def _plain(text: str) -> str:
    """A text without the control characters that XML has no place for."""
    return "".join(letter if letter >= " " or letter in "\n\t" else "?" for letter in text)
