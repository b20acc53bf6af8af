# SPDX-License-Identifier: Apache-2.0
"""Registry hives: reading, writing, text, deltas and unions, beside other people's readers and writers.

Each job runs in a process of its own, five times after a warm-up; the seconds are those of the work (files in the page
cache, imports done), the least of the five, and the memory is the process's peak. Programs are timed as a whole.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.bench import Report
from support.hives import SHARED
from support.programs import Unavailable, find

REAL = SHARED / "real" / "SYSTEM_WIN_10_1709"
DEEP = r"ControlSet001\Control\Session Manager\Memory Management\PrefetchParameters"

_FRAME = """
import json, mmap, resource, sys, time
sys.path[:0] = {path!r}
name = sys.argv[1]
{before}
def work():
{work}
best = 9e9
for run in range({runs} + 1):
    start = time.perf_counter()
    work()
    if run:
        best = min(best, time.perf_counter() - start)
print(json.dumps([best, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

_OPEN = """
from imagebuild.hive import read
file = open(name, "rb")
def hive():
    return read(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
"""
_EDITED = _OPEN + """
from imagebuild.hive import Change, SetValue, AddKey, DeleteKey, DeleteValue, Value, Union, delta, freeze, walk, write
def edits(count, salt=0):
    paths = [path for path, _ in hive().walk()][1::43211 // count][:count]
    for number, path in enumerate(paths):
        kind = (number + salt) % 3
        yield (SetValue(path, Value.sz(f"new {salt}", "text")) if kind == 0 else AddKey(path + f"\\\\new key {salt}")
               if kind == 1 else SetValue(path, Value.dword(f"number {salt}", number)))
def changed(count, salt=0):
    change = Change(hive().root, timestamp=1)
    change.apply(*edits(count, salt))
    return change
"""
JOBS = {
    "open and look up a deep key": (_OPEN, f"    hive()[{DEEP!r}].values", 50),
    "walk with all data": (_OPEN, "    for path, key in hive().walk():\n"
                                  "        for value in key.values: value.data", 5),
    "write from scratch": (_EDITED + "tree = freeze(hive().root)", "    write(tree)", 5),
    "export as .reg": (_OPEN + "from imagebuild.hive.regfile.write import export\n",
                       "    for piece in export(('HKEY_LOCAL_MACHINE\\\\SYSTEM\\\\' + path if path else "
                       "'HKEY_LOCAL_MACHINE\\\\SYSTEM', key) for path, key in hive().walk()): pass", 5),
    "parse it back": (_OPEN + "from imagebuild.hive.regfile.write import export\n"
                      "from imagebuild.hive.regfile.read import parse\n"
                      "text = b''.join(export(('HKEY_LOCAL_MACHINE\\\\SYSTEM\\\\' + path if path else "
                      "'HKEY_LOCAL_MACHINE\\\\SYSTEM', key) for path, key in hive().walk()))",
                      "    for edit in parse(text): pass", 5),
    "delta of two hives with 1,000 edits between them": (
        _EDITED + "new = write(changed(1000).result())", "    delta(hive().root, read(new).root)", 5),
    "the same, both in memory": (
        _EDITED + "new = freeze(changed(1000).result()); old = freeze(hive().root)", "    delta(old, new)", 5),
    "ten edits to a delta": (_EDITED + "ten = list(edits(10))",
                             "    change = Change(hive().root, timestamp=1)\n    change.apply(*ten)\n"
                             "    write(change.delta(), layered=True)", 20),
    "walk of base and three deltas": (
        _EDITED + "deltas = [read(write(changed(100, salt).delta(), layered=True)).root for salt in range(3)]",
        "    for path, key in Union(hive().root, *deltas).walk():\n        for value in key.values: value.data", 5),
}
PEERS = {
    "walk with all data": {
        "dissect.regf": ("from dissect.regf import regf", """    hive = regf.RegistryHive(open(name, "rb"))
    stack = [hive.root()]
    while stack:
        key = stack.pop()
        for value in key.values(): value.data
        stack += key.subkeys()""", 1),
        "libregf": ("import pyregf", """    file = pyregf.file(); file.open(name)
    stack = [file.get_root_key()]
    while stack:
        key = stack.pop()
        for number in range(key.number_of_values): key.get_value(number).data
        stack += [key.get_sub_key(number) for number in range(key.number_of_sub_keys)]
    stack = key = None
    file.close()""", 2),
        "python-registry": ("from Registry import Registry", """    stack = [Registry.Registry(name).root()]
    while stack:
        key = stack.pop()
        for value in key.values(): value.raw_data()
        stack += key.subkeys()""", 1)},
    "open and look up a deep key": {
        "dissect.regf": ("from dissect.regf import regf", f"""    hive = regf.RegistryHive(open(name, "rb"))
    [value.data for value in hive.open({DEEP!r}).values()]""", 10)},
}
_HIVEX = {
    "walk with all data": ("import hivex", """    h = hivex.Hivex(name)
    stack = [h.root()]
    while stack:
        node = stack.pop()
        h.node_name(node)
        for value in h.node_values(node):
            h.value_key(value); h.value_value(value)
        stack += h.node_children(node)""", 5),
    "open and look up a deep key": ("import hivex", f"""    h = hivex.Hivex(name)
    node = h.root()
    for part in {DEEP!r}.split(chr(92)):
        node = h.node_get_child(node, part)
    [h.value_value(value) for value in h.node_values(node)]""", 20),
}
BARS = {
    "open and look up a deep key": "0.5 ms", "walk with all data": "0.20 s",
    "write from scratch": "0.6 s, 250 MB, not larger than the original", "export as .reg": "0.5 s",
    "parse it back": "0.9 s", "delta of two hives with 1,000 edits between them": "0.6 s",
    "ten edits to a delta": "50 ms", "walk of base and three deltas": "1.3 times the walk",
}


def timed(python: str | Path, before: str, work: str, runs: int) -> tuple[float, float]:
    """The least seconds of the work, and the peak memory of its process in MB."""
    root = str(Path(__file__).parents[2])
    code = _FRAME.format(path=[root] if str(python) == sys.executable else [], before=before, work=work, runs=runs)
    done = subprocess.run([python, "-c", code, REAL], capture_output=True, check=True)
    best, memory = json.loads(done.stdout)
    return best, memory


def programs(folder: Path) -> list[str]:
    """Lines for what only programs do: export to text, and its import."""
    text, small = folder / "out.reg", folder / "small"
    prefix = "HKEY_LOCAL_MACHINE\\SYSTEM"
    jobs = {("export as .reg", "hivexregedit --export"): ["hivexregedit", "--export", "--prefix", prefix, REAL, "\\"],
            ("export as .reg", "reged -x"): ["reged", "-x", REAL, prefix, "\\", text],
            ("write from scratch", "hivexregedit --merge, all of it into a small hive"):
                ["hivexregedit", "--merge", "--prefix", prefix, small, folder / "all.reg"]}
    lines = []
    for (job, name), argv in jobs.items():
        try:
            find(str(argv[0]))
        except Unavailable:
            continue
        if "--merge" in argv:
            from imagebuild.hive import Key, write

            small.write_bytes(write(Key("ROOT")))
            with (folder / "all.reg").open("wb") as out:
                subprocess.run(["hivexregedit", "--export", "--prefix", prefix, REAL, "\\"], stdout=out, check=True)
        start = time.perf_counter()
        subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False, cwd=folder)
        lines.append(f"| {job} | {name} | {_shown(time.perf_counter() - start)} | | |")
    return lines


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:.2f} ms" if seconds < 0.05 else f"{seconds:.2f} s"


@pytest.mark.skipif(not REAL.exists(), reason=f"{REAL} is missing")
def test_hives(tmp_path: Path, report: Report) -> None:
    """SYSTEM of a Windows 10: 15.5 MB, 43,211 keys, 90,307 values, 5,175,840 bytes of data."""
    lines = ["| work | by | took | MB | bar |", "|---|---|---:|---:|---|"]
    ours: dict[str, float] = {}
    theirs = programs(tmp_path)
    for job, (before, work, runs) in JOBS.items():
        ours[job], memory = timed(sys.executable, before, work, runs)
        lines.append(f"| {job} | wcow | {_shown(ours[job])} | {memory:.0f} | {BARS.get(job, '')} |")
        for name, (theirs_before, theirs_work, theirs_runs) in PEERS.get(job, {}).items():
            best, memory = timed(sys.executable, theirs_before, theirs_work, theirs_runs)
            lines.append(f"| {job} | {name} | {_shown(best)} | {memory:.0f} | |")
        if job in _HIVEX and Path("/usr/bin/python3").exists():
            best, memory = timed("/usr/bin/python3", *_HIVEX[job])
            lines.append(f"| {job} | hivex (C) | {_shown(best)} | {memory:.0f} | |")
        lines += [line for line in theirs if line.startswith(f"| {job} |")]
    from imagebuild.hive import read, write

    size = len(write(read(REAL.read_bytes()).root)) / REAL.stat().st_size
    report.lines("registry hives: SYSTEM of a Windows 10, 43,211 keys, 90,307 values", [
        *lines, "", f"Written from scratch it has {size:.3f} of its size. Base and three deltas take "
        f"{ours['walk of base and three deltas'] / ours['walk with all data']:.2f} times the walk of the base."])
