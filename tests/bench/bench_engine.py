# SPDX-License-Identifier: Apache-2.0
"""The sandbox: what a box costs beside bubblewrap and Wine without us, in turn in one run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.bare import Bare
from support.bench import Report, at_once
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import Box, WineSandbox
from imagebuild.runtime.wine import processes

RUNS = 11


@pytest.fixture(scope="module")
def sandbox() -> Iterator[WineSandbox]:
    with programs.skipping():
        made = sandboxes.open_sandbox()
    yield made
    made.close()


@pytest.fixture
def boxes(sandbox: WineSandbox) -> Iterator[Boxes]:
    with sandboxes.folder() as root:
        made = Boxes(sandbox, root)
        yield made
        made.close()


def test_start_and_exec(boxes: Boxes, report: Report) -> None:
    bare = Bare(boxes.root)
    box = boxes.open("waiting")
    _wait(box)
    (boxes.root / "stock").mkdir()
    stock = Bare(boxes.root / "stock", stock=True)
    works: dict[str, Callable[[], object]] = {
        "the same, the registry as Wine makes it": lambda: [stock.begin().wait()].index(0),
        "bubblewrap and Wine alone, cmd /c ver": lambda: [bare.begin().wait()].index(0),
        "a box: open, cmd /c ver, close, remove": lambda: boxes.run("cmd /c ver"),
        "exec in a box, cmd /c echo": lambda: run(box, "cmd /c echo x", main=False),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            before = time.perf_counter()
            work()
            times[name].append(time.perf_counter() - before)
    first = statistics.median(times["bubblewrap and Wine alone, cmd /c ver"])
    lines = ["| | seconds | times the bare command |", "|---|---:|---:|"]
    lines += [f"| {name} | {statistics.median(each):.3f} | {statistics.median(each) / first:.2f} |"
              for name, each in times.items()]
    report.lines("Sandbox: one program", [*lines, "", f"Medians of {RUNS}."])


def _wait(box: Box) -> int:
    """Start a program that waits; the process that holds the box."""
    return start(box, "ping -n 3600 127.0.0.1").host_pid


def test_ten_at_once(boxes: Boxes, report: Report) -> None:
    def bare(stock: bool) -> float:
        folders = [Path(tempfile.mkdtemp(dir=boxes.root)) for _ in range(10)]
        for folder in folders:
            folder.chmod(0o755)
        opened = [Bare(folder, stock=stock) for folder in folders]
        before = time.perf_counter()
        assert [process.wait() for process in [one.begin() for one in opened]] == [0] * 10
        return time.perf_counter() - before

    def ours(run: int) -> float:
        return at_once([partial(boxes.run, "cmd /c ver", name=f"many{run}-{number}") for number in range(10)])

    times = [(bare(True), bare(False), ours(run)) for run in range(RUNS)]
    stock, same, boxed = (statistics.median(column) for column in zip(*times, strict=True))
    report.lines("Sandbox: ten at once", [
        "| | seconds |", "|---|---:|", f"| ten bare commands, the registry as Wine makes it | {stock:.2f} |",
        f"| ten bare commands, our registry | {same:.2f} |", f"| ten boxes | {boxed:.2f} |", "",
        f"Medians of {RUNS}. Ratios {boxed / stock:.2f} and {boxed / same:.2f}."])


def test_memory(boxes: Boxes, report: Report) -> None:
    total = 0
    holders = [_wait(boxes.open(f"idle{number}")) for number in range(10)]
    time.sleep(1)
    by_name: dict[str, int] = {}
    for one in processes.below(processes.scan(), holders):
        rollup = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        kib = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        by_name[one.name] = by_name.get(one.name, 0) + kib
        total += kib
    each = ", ".join(f"{name} {kib / 10240:.1f}" for name, kib in sorted(by_name.items()))
    report.lines("Sandbox: ten idle boxes",
                 [f"{total / 10240:.1f} MB PSS a box, its waiting program included ({each})."])
