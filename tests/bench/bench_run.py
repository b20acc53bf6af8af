# SPDX-License-Identifier: Apache-2.0
"""RUN: what a build with a command takes beyond the same build without it, and beyond the command itself."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, windows_programs
from support.bench import Report
from support.build_home import BASE, NANOSERVER, Home, opened

RUNS = 7
FILES, SIZE = 10_000, 30_000
"""300 MB."""


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


def seconds(home: Home, *words: str | Path) -> float:
    """One command of ``wcow``, the start of its process included."""
    before = time.perf_counter()
    home.wcow(*words)
    return time.perf_counter() - before


def in_turn(home: Home, *commands: tuple[str | Path, ...], runs: int = RUNS) -> list[float]:
    """Medians of several commands, which take turns."""
    rows = [[seconds(home, *command) for command in commands] for _ in range(runs)]
    return [statistics.median(column) for column in zip(*rows, strict=True)]


def test_a_command(home: Home, report: Report) -> None:
    none = home.context(f"FROM {NANOSERVER}\nLABEL a=b\n")
    nothing = home.context(f"FROM {NANOSERVER}\nRUN cmd /c exit 0\n")
    writes = home.context(f"FROM {NANOSERVER}\nRUN echo x> C:\\x.txt\n")
    home.wcow("build", nothing)  # starts the engine, and unpacks the base
    plain, ran, wrote, cached = in_turn(home, ("build", none), ("build", "--no-cache", nothing),
                                        ("build", "--no-cache", writes), ("build", nothing))
    report.lines("RUN: a command of cmd", [
        "| `wcow build` of one line after FROM | seconds | more |", "|---|---:|---:|",
        f"| LABEL | {plain:.2f} | |", f"| RUN cmd /c exit 0 | {ran:.2f} | {ran - plain:.2f} |",
        f"| RUN echo x> C:\\x.txt | {wrote:.2f} | {wrote - plain:.2f} |",
        f"| RUN cmd /c exit 0, cached | {cached:.2f} | {cached - plain:.2f} |", "",
        f"Medians of {RUNS}, in turn. Bar: a RUN of `cmd /c exit 0` in 0.5 s, all in."])


def test_powershell(home: Home, report: Report) -> None:
    with programs.skipping():
        home.wcow("powershell", "install", "--from", windows_programs.powershell())
    shell = f'FROM {BASE}\nSHELL ["powershell", "-Command"]\n'
    none, one = home.context(shell), home.context(shell + "RUN exit 0\n")
    ten = home.context(shell + "".join(f"RUN exit 0 # {number}\n" for number in range(10)))
    home.wcow("build", one)
    home.wcow("build", "-t", "plain:1", none)
    plain, ran, started, ran_ten = in_turn(
        home, ("build", none), ("build", "--no-cache", one), ("run", "plain:1", "powershell", "-Command", "exit 0"),
        ("build", "--no-cache", ten), runs=3)
    report.lines("RUN: a command of PowerShell", [
        "| | seconds | bar |", "|---|---:|---|",
        f"| `wcow build` without a RUN | {plain:.2f} | |",
        f"| with one RUN of PowerShell | {ran:.2f} | |",
        f"| `wcow run` of the same command | {started:.2f} | |",
        f"| a RUN beyond that | {ran - plain - started:.2f} | ≤ 0.5 |",
        f"| ten RUNs in a row, each | {(ran_ten - plain) / 10:.2f} | ≤ 1.6 |", "", "Medians of 3, in turn."])


def test_many_files(home: Home, report: Report) -> None:
    files = home.folder / "many"
    for number in range(FILES):
        folder = files / f"d{number % 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        text = f"{number} some words that are many times there, " * 700
        (folder / f"f{number}.txt").write_text(text[:SIZE])
    copied = Path(home.context(f"FROM {NANOSERVER}\nCOPY --from=many . C:\\new\n"))
    given = ("--build-context", f"many={files}")
    home.wcow("build", "-t", "many:1", *given, home.context(f"FROM {NANOSERVER}\nCOPY --from=many . C:\\old\n"))
    line = "xcopy /e /q /i C:\\old C:\\new >nul"
    ran = home.context(f"FROM many:1\nRUN {line}\n")
    home.wcow("build", ran)
    copy, run, alone = in_turn(home, ("build", "--no-cache", *given, copied), ("build", "--no-cache", ran),
                               ("run", "many:1", "cmd", "/c", line), runs=3)
    report.lines("RUN: 10,000 files, 300 MB", [
        "| | seconds | times COPY |", "|---|---:|---:|",
        f"| COPY of the same | {copy:.2f} | 1.00 |", f"| RUN, the command included | {run:.2f} | {run / copy:.2f} |",
        f"| `wcow run` of the command | {alone:.2f} | |",
        f"| finding and writing the layer | {run - alone:.2f} | {(run - alone) / copy:.2f} |", "",
        "Medians of 3, in turn. Bar: 1.5 times COPY."])
