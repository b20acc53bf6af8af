# SPDX-License-Identifier: Apache-2.0
"""The sandbox: what a box costs beside bubblewrap and Wine without us, in turn in one run."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.bench import Report
from support.sandboxes import Boxes, run, start

from imagebuild.sandbox import Box, WineSandbox, account, bwrap, etc, launch, processes, template, wine_install

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


class Bare:
    """The same sandbox and prefix with one command typed by hand: no launcher, no registry of its own, no waiting."""

    def __init__(self, root: Path) -> None:
        install = wine_install.find_wine()
        self._account = account.choose()
        home = sandboxes.home()
        prefix, run_folder = root / "bare", root / "bare-run"
        for folder in (prefix, prefix / "dosdevices", prefix / "drive_c", run_folder, root / "upper", root / "work"):
            folder.mkdir()
            self._account.own(folder)
        (prefix / "dosdevices" / "c:").symlink_to("../drive_c")
        for name in template.HIVES:
            data = (home / template.folder_name(install) / name).read_bytes()
            (prefix / name).write_bytes(data)
            self._account.own(prefix / name)
        for name, content in etc.files("bare").items():
            (root / "bare-etc" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "bare-etc" / name).write_bytes(content)
        view = bwrap.View(prefix, run_folder, next(home.glob("programs-*")),
                          (home / template.folder_name(install) / "drive_c", *home.glob("layer-*")), root / "upper",
                          root / "work")
        self._null = os.open(os.devnull, os.O_RDWR)
        self._arguments = bwrap.arguments(install, view, bwrap.wine_environment(install, template.OVERRIDES),
                                          bwrap.Descriptors(0, self._null), hostname="bare")
        self._arguments[-4:-4] = ["--ro-bind", str(root / "bare-etc"), "/etc"]
        at = self._arguments.index("--seccomp")
        del self._arguments[at:at + 4]
        self._command = [str(install.loader), r"C:\windows\system32\cmd.exe", "/c", "ver"]

    def begin(self) -> subprocess.Popen[bytes]:
        """Start it."""
        packed = launch.memory_file(bwrap.pack(self._arguments), "arguments")
        try:
            return subprocess.Popen([wine_install.find("bwrap"), "--args", str(packed), *self._command],
                                    pass_fds=[packed], env={}, stdin=self._null, stdout=self._null, stderr=self._null,
                                    **self._account.popen())
        finally:
            os.close(packed)


def test_start_and_exec(boxes: Boxes, report: Report) -> None:
    bare = Bare(boxes.root)
    box = boxes.open("waiting")
    _wait(box)
    works: dict[str, Callable[[], object]] = {
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
    first = statistics.median(next(iter(times.values())))
    lines = ["| | seconds | times the bare command |", "|---|---:|---:|"]
    lines += [f"| {name} | {statistics.median(each):.3f} | {statistics.median(each) / first:.2f} |"
              for name, each in times.items()]
    report.lines("Sandbox: one program", [*lines, "", f"Medians of {RUNS}."])


def _wait(box: Box) -> int:
    """Start a program that waits; the process that holds the box."""
    return start(box, "ping -n 3600 127.0.0.1").host_pid


def test_ten_at_once(boxes: Boxes, report: Report) -> None:
    ours, theirs = [], []
    for _ in range(3):
        folders = [Path(tempfile.mkdtemp(dir=boxes.root)) for _ in range(10)]
        for folder in folders:
            folder.chmod(0o755)
        opened = [Bare(folder) for folder in folders]
        before = time.perf_counter()
        assert [process.wait() for process in [one.begin() for one in opened]] == [0] * 10
        theirs.append(time.perf_counter() - before)
        before = time.perf_counter()
        threads = [threading.Thread(target=boxes.run, args=("cmd /c ver",), kwargs={"name": f"many{number}"})
                   for number in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ours.append(time.perf_counter() - before)
    report.lines("Sandbox: ten at once", [
        "| | seconds |", "|---|---:|", f"| ten bare commands | {min(theirs):.2f} |", f"| ten boxes | {min(ours):.2f} |",
        "", f"Ratio {min(ours) / min(theirs):.2f}."])


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
