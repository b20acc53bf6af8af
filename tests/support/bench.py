# SPDX-License-Identifier: Apache-2.0
"""How things are measured here, and the page the figures go to.

Commands are timed as whole processes by the operating system's own accounting (``wait4``): wall and CPU seconds, peak
memory of the process. Peers run in turn with ours, so that whatever else the machine does falls on all; medians are
kept, and ratios are what to trust. ``make bench`` writes ``docs/benchmarks.md``.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RUNS = int(os.environ.get("BENCH_RUNS", "3"))
TOP = Path(__file__).resolve().parents[2]
WCOW = (sys.executable, "-m", "imagebuild")

INFLATE = """
import sys
from isal import isal_zlib
inflate = isal_zlib.decompressobj(wbits=31)
with open(sys.argv[1], "rb", buffering=0) as stream:
    while data := stream.read(128 << 10):
        while data:
            inflate.decompress(data, 256 << 10)
            data = inflate.unconsumed_tail
            if inflate.eof:
                inflate, data = isal_zlib.decompressobj(wbits=31), inflate.unused_data
"""
"""Only decompresses, and throws away: what reading a layer cannot be faster than on one core."""


def at_once(works: Sequence[Callable[[], object]]) -> float:
    """Seconds until all are done, each in a thread of its own."""
    threads = [threading.Thread(target=work) for work in works]
    before = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - before


@dataclass(frozen=True)
class Cost:
    """What one command cost: seconds, and the peak memory of its process in MB."""

    wall: float
    cpu: float
    memory: float


@dataclass
class Contender:
    """A command and what is done before each of its runs (not timed)."""

    name: str
    argv: Sequence[str | Path]
    prepare: Callable[[], object] = lambda: None
    env: dict[str, str] = field(default_factory=dict)
    stdin: Path | None = None


_WATCH = """
import json, os, sys, time
start = time.perf_counter()
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - start
with open(sys.argv[1], "w") as out:
    json.dump([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)], out)
"""
"""Starts the command from a small process: a process inherits the peak memory of the one that forked it."""


def measure(argv: Sequence[str | Path], env: dict[str, str] | None = None, stdin: Path | None = None) -> Cost:
    """Run one command to its end. A failure is an error that shows what it said. Python may keep what it compiled, as
    it does for everybody who does not forbid it."""
    with tempfile.NamedTemporaryFile() as told, Path(stdin or os.devnull).open("rb") as source:
        done = subprocess.run([sys.executable, "-I", "-S", "-c", _WATCH, told.name, *map(str, argv)], stdin=source,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True,
                              env={**{name: value for name, value in os.environ.items()
                                      if name != "PYTHONDONTWRITEBYTECODE"}, **(env or {})})
        wall, cpu, memory, code = json.loads(Path(told.name).read_text())
    assert code == 0, f"{argv}: {done.stderr.decode(errors='replace')[-2000:]}"
    return Cost(wall, cpu, memory)


def python(code: str, *args: str | Path) -> list[float]:
    """What a program in a process of its own says; Python may keep what it compiled, as it does for users."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, check=True,
                          env={**env, "PYTHONPATH": str(TOP)}, cwd=TOP)
    figures: list[float] = json.loads(done.stdout)
    return figures


def race(contenders: Sequence[Contender], runs: int = RUNS) -> dict[str, Cost]:
    """Run the contenders in turn, ``runs`` times after one warm-up, and give each one's medians."""
    costs: dict[str, list[Cost]] = {one.name: [] for one in contenders}
    for run in range(runs + 1):
        for one in contenders:
            one.prepare()
            os.sync()
            cost = measure(one.argv, one.env, one.stdin)
            if run:
                costs[one.name].append(cost)
    return {name: Cost(*(statistics.median(getattr(cost, key) for cost in each) for key in ("wall", "cpu", "memory")))
            for name, each in costs.items()}


@dataclass
class Report:
    """The figures of a session, by title of their table."""

    tables: dict[str, list[str]] = field(default_factory=dict)

    def table(self, title: str, costs: dict[str, Cost], bars: str = "", *, ours: str = "wcow", note: str = "") -> None:
        """A table of contenders, each with its ratio to ours, and the bar they are held against."""
        lines = ["| | seconds | CPU | peak MB | times wcow |", "|---|---:|---:|---:|---:|"]
        for name, cost in costs.items():
            lines.append(f"| {name} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | "
                         f"{cost.wall / costs[ours].wall:.2f} |")
        if bars:
            lines += ["", f"Bar: {bars}"]
        if note:
            lines += ["", note]
        self.tables[title] = lines
        print(f"\n{title}\n" + "\n".join(lines))

    def lines(self, title: str, lines: list[str]) -> None:
        """Free lines under a title."""
        self.tables[title] = lines
        print(f"\n{title}\n" + "\n".join(lines))

    def keep(self, page: str) -> None:
        """Take the tables of an earlier page that were not made anew; the order is that page's."""
        old = dict(re.findall(r"^## ([^\n]+)\n\n((?:(?!## ).*\n)*)", page, re.MULTILINE))
        made = {title: self.tables.pop(title) for title in list(self.tables)}
        self.tables.update({title: text.rstrip("\n").split("\n") for title, text in old.items()})
        self.tables.update(made)

    def page(self) -> str:
        """The whole page."""
        head = ["<!-- SPDX-License-Identifier: Apache-2.0 -->", "# Benchmarks", "",
                "Made by `make bench`; process start is in every figure. The machine is shared and noisy: trust the "
                "ratios, which come from one run in turn, more than the seconds.", "", *machine(), ""]
        for title, lines in self.tables.items():
            head += [f"## {title}", "", *lines, ""]
        return "\n".join(head)


def machine() -> list[str]:
    """What the figures were taken on."""
    cpu = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    memory = next((int(line.split()[1]) // (1 << 20) for line in Path("/proc/meminfo").read_text().splitlines()
                   if line.startswith("MemTotal")), 0)
    lines = [f"- {os.cpu_count()} cores {cpu}, {memory + 1} GiB, Linux {platform.release().split('-')[0]}, "
             f"CPython {platform.python_version()}"]
    for program, words in (("skopeo", ("--version",)), ("buildah", ("--version",)), ("dockerd", ("--version",)),
                           ("docker-registry", ("--version",))):
        try:
            said = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=20).stdout
        except OSError:
            continue
        if said.strip():
            lines.append(f"- {said.strip().splitlines()[0]}")
    return lines
