# SPDX-License-Identifier: Apache-2.0
"""``wcow doctor explain`` over logs, and what importing the room costs.

Logs are made of lines that say nothing known, and of lines of which one in a hundred, or each one, does. Each job runs
in a process of its own; the seconds are those of the call (imports done, the first call counted apart, for it compiles
what it needs), the memory is the process's peak. The import is timed from a bare interpreter, beside the standard
library that the room takes.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from support.bench import TOP, Report, python

UNRELATED = TOP / "tests/imagebuild/doctor/unrelated.txt"
KNOWN = 'time="2026-11-24T10:00:00Z" level=error msg="hcsshim::PrepareLayer failed in Win32: texto. (0x5b4)"\n'
MEGABYTE = 1 << 20
RUNS = 7

_EXPLAIN = """
import io, json, resource, sys, time
from imagebuild.doctor import explain_stream
def took():
    start = time.perf_counter()
    with open(sys.argv[1], "rb", buffering=0) as stream:
        found = explain_stream(stream)
    return time.perf_counter() - start
first = took()
rest = min(took() for _ in range(int(sys.argv[2])))
print(json.dumps([first, rest, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
_IMPORT = """
import json, sys, time
start = time.perf_counter()
import dataclasses, datetime, functools, io, json, pathlib, re, typing
standard = time.perf_counter()
import imagebuild.doctor
print(json.dumps([standard - start, time.perf_counter() - standard]))
"""


def log(path: Path, size: int, every: int, encoding: str = "utf-8") -> Path:
    """A log of so many bytes in which every so-manieth line says something known (0: none)."""
    lines = [line + "\n" for line in UNRELATED.read_text(encoding="utf-8").splitlines()]
    with path.open("w", encoding=encoding, newline="") as out:
        written = number = 0
        while written < size:
            number += 1
            written += out.write(KNOWN if every and not number % every else lines[number % len(lines)])
    return path


def test_explain(tmp_path: Path, report: Report) -> None:
    """Logs of 1 MB and 100 MB."""
    lines = ["| log | first call | later calls | peak MB |", "|---|---:|---:|---:|"]
    for name, size, every, encoding in (
            ("1 MB, nothing known", MEGABYTE, 0, "utf-8"), ("1 MB, one line in 100 known", MEGABYTE, 100, "utf-8"),
            ("1 MB, each line known", MEGABYTE, 1, "utf-8"), ("2 MB of UTF-16", MEGABYTE, 100, "utf-16"),
            ("100 MB, one line in 100 known", 100 * MEGABYTE, 100, "utf-8")):
        path = log(tmp_path / "log", size, every, encoding)
        figures = [python(_EXPLAIN, path, 1 if size > MEGABYTE else 5) for _ in range(1 if size > MEGABYTE else 3)]
        first, rest, memory = (min(column) for column in zip(*figures, strict=True))
        lines.append(f"| {name} | {first:.3f} s | {rest:.3f} s | {memory:.0f} |")
    report.lines("Explaining a log", [*lines, "", "Bar: 1 MB in at most 0.2 s; memory does not grow with the log."])


def test_import(report: Report) -> None:
    """``import imagebuild.doctor`` in a bare interpreter."""
    python(_IMPORT)
    figures = [python(_IMPORT) for _ in range(RUNS)]
    standard, room = (statistics.median(column) * 1000 for column in zip(*figures, strict=True))
    report.lines("Importing the doctor", [
        "| | ms |", "|---|---:|", f"| what it takes of the standard library | {standard:.1f} |",
        f"| `imagebuild.doctor` with the rooms below it | {room:.1f} |", "",
        "No bar of its own: the room of verdicts has one."])
