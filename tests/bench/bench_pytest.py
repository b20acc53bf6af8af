# SPDX-License-Identifier: Apache-2.0
"""What the pytest plugin costs, beside the peers and the docker command.

It is the wheel, in an environment with pytest and xdist as a user has it; peers have environments of their own. The
environment of this tree would not do: hypothesis, which its tests use, is loaded by every pytest there.
"""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from support import engines, plugin_runs, programs, users, wheels, windows_programs
from support.bench import Report, measure
from support.plugin_runs import Place

EMPTY = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
CO_RUNS = 15
RUNS = 3
MANY = 100

INSIDE = r'''
import json, os, statistics, subprocess, time

def median(work, runs=11):
    times = []
    for _ in range(runs):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return statistics.median(times)

def say(**figures):
    with open(os.environ["FIGURES"], "a") as out:
        out.write(json.dumps(figures) + "\n")

def test_ready(wcow_engine, nanoserver_image, request):
    """The fixture's own way against the two calls alone, in turn."""
    from pytest_wcow._resources.container import end, make
    from pytest_wcow._state import run_of
    from imagebuild.containers import Spec, create_request
    run, spec = run_of(request.config), Spec.of(nanoserver_image)
    made, bare, pairs = [], [], []
    def call():
        body = create_request(spec)
        one = wcow_engine.client.json("POST", "/containers/create", body=body)["Id"]
        with wcow_engine.client.call("POST", f"/containers/{one}/start"): pass
        bare.append(one)
    for _ in range(12):
        before = time.perf_counter()
        made.append(make(run, wcow_engine, request, spec))
        middle = time.perf_counter()
        call()
        pairs.append((middle - before, time.perf_counter() - middle))
        end(run, wcow_engine, made.pop())
        with wcow_engine.client.call("DELETE", f"/containers/{bare.pop()}", query={"force": True}): pass
    say(ready=statistics.median(one for one, _ in pairs[1:]), api=statistics.median(one for _, one in pairs[1:]))

def test_cmd(nanoserver, wcow_engine):
    docker = ["docker", "exec", nanoserver.id, "cmd", "/c", "echo", "x"]
    env = {**os.environ, **wcow_engine.env}
    ours, theirs = [], []
    for _ in range(15):
        ours.append(median(lambda: nanoserver.cmd("echo x").check(), 1))
        theirs.append(median(lambda: subprocess.run(docker, env=env, check=True, capture_output=True), 1))
    say(cmd=statistics.median(ours), docker_cmd=statistics.median(theirs))
'''
POWERSHELL = INSIDE.partition("def test_ready")[0] + r'''
def test_powershell(container_factory, servercore_image, wcow_engine):
    """The first of a container, each in a container of its own: what PowerShell keeps in one speeds its next start."""
    env = {**os.environ, **wcow_engine.env}
    def theirs(box):
        docker = ["docker", "exec", box.id, "powershell", "-NoProfile", "-Command", "1"]
        return median(lambda: subprocess.run(docker, env=env, check=True, capture_output=True), 1)
    theirs(container_factory(servercore_image))  # files are in memory now
    firsts, seconds, others = [], [], []
    for _ in range(5):
        others.append(theirs(container_factory(servercore_image)))
        box = container_factory(servercore_image)
        firsts.append(median(lambda: box.powershell("1").check(), 1))
        seconds.append(median(lambda: box.powershell("1").check(), 5))
    say(first=statistics.median(firsts), second=statistics.median(seconds),
        docker_powershell=statistics.median(others))
'''
CMD = INSIDE.partition("def test_ready")[0] + "def test_cmd" + INSIDE.partition("def test_cmd")[2]
ONE_CONTAINER = f'''
import pytest
@pytest.mark.parametrize("n", range({MANY}))
def test_one(nanoserver_session, n): nanoserver_session.cmd("echo x").check()
'''
EACH_ITS_OWN = f'''
import pytest
@pytest.mark.parametrize("n", range({MANY}))
def test_one(nanoserver, n): pass
'''
MEMORY = r'''
import json, os
import pytest

def resident():
    with open("/proc/self/smaps_rollup") as text:
        return next(int(line.split()[1]) for line in text if line.startswith("Rss"))

@pytest.fixture(scope="session")
def nanoserver_args(): return {"command": ["sleep", "600"]}

@pytest.mark.parametrize("n", range(1001))
def test_one(nanoserver, n):
    nanoserver.inspect()
    if n in (10, 1000):
        with open(os.environ["FIGURES"], "a") as out:
            out.write(json.dumps({f"memory_{n}": resident()}) + "\n")
'''


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with users.ourselves().folder() as made:
        yield made


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    with programs.skipping():
        return wheels.build(folder)


@pytest.fixture(scope="module")
def place(folder: Path, wheel: Path) -> Iterator[Place]:
    with programs.skipping():
        python = wheels.install(folder / "env", users.ourselves(), f"{wheel}[pytest]", "pytest-xdist")
        with plugin_runs.place(python=python) as made:
            made.pytest(plugin_runs.HELLO).passed(1)  # the engine runs, and has its image
            yield made


def figures(place: Place, text: str, *args: str, tests: int) -> Mapping[str, float]:
    """What the tests of a run say of themselves."""
    with tempfile.NamedTemporaryFile("r", dir=place.folder) as told:
        place.pytest(text, *args, timeout=1800, FIGURES=told.name).passed(tests)
        return {key: value for line in told for key, value in json.loads(line).items()}


def seconds(place: Place, text: str, passes: int, *args: str) -> float:
    """How long a whole pytest takes."""
    before = time.perf_counter()
    place.pytest(text, *args, timeout=1800).passed(passes)
    return time.perf_counter() - before


def stop(place: Place) -> None:
    programs.run(place.user.python, "-m", "imagebuild", "engine", "stop", "--root", place.root, cwd=plugin_runs.HERE,
                 timeout=60, user=place.user)


def test_a_collection(report: Report, wheel: Path, tmp_path: Path) -> None:
    """``pytest --co`` in an empty folder, in turn: pytest alone, with us, and with peers."""
    with programs.skipping():
        me = users.ourselves()
        packages = {"pytest": ["pytest"], "wcow": ["pytest", str(wheel)],
                    "a plugin of one line, with wcow's list of files": ["pytest", str(_control(tmp_path, wheel))],
                    "pytest-docker": ["pytest", "pytest-docker"],
                    "pytest-docker-tools": ["pytest", "pytest-docker-tools"]}
        pythons = {name: wheels.install(tmp_path / name, me, *wanted) for name, wanted in packages.items()}
    (tmp_path / "empty").mkdir()
    walls: dict[str, list[float]] = {name: [] for name in pythons}
    for run in range(CO_RUNS + 1):
        for name, python in pythons.items():
            cost = _collect(python, tmp_path / "empty")
            if run:
                walls[name].append(cost)
    found = {name: statistics.median(each) * 1000 for name, each in walls.items()}
    report.lines("pytest: what a collection costs", [
        "| `pytest --co`, nothing there | ms | more |", "|---|---:|---:|",
        *(f"| {name} | {took:.0f} | {took - found['pytest']:+.0f} |" for name, took in found.items()), "",
        f"Bar: at most 5 ms more. Medians of {CO_RUNS}, in turn. pytest itself goes through the list of all files of a "
        "distribution that brings a plugin: the line of one line is what that costs."])


def _control(folder: Path, like: Path) -> Path:
    """A wheel with a plugin of one line, and the files of another wheel, all of them empty."""
    with zipfile.ZipFile(like) as wheel:
        names = [name for name in wheel.namelist() if name.startswith("imagebuild/") and not name.endswith("/")]
    info = "control-1.dist-info"
    texts = {"control.py": "def pytest_report_header(): return 'control'\n",
             **{f"bulk/{name}": "" for name in names},
             f"{info}/METADATA": "Metadata-Version: 2.1\nName: control\nVersion: 1\n",
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
             f"{info}/entry_points.txt": "[pytest11]\ncontrol = control\n"}
    made = folder / "control-1-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as wheel:
        for name, text in texts.items():
            wheel.writestr(name, text)
        wheel.writestr(f"{info}/RECORD", "".join(
            f"{name},{'' if name.endswith('RECORD') else EMPTY},\n" for name in [*texts, f"{info}/RECORD"]))
    return made


def _collect(python: str, folder: Path) -> float:
    code = ("import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-m', 'pytest', '--co', '-q', "
            f"'-p', 'no:cacheprovider', {str(folder)!r}]) not in (0, 5))")
    # As users have it: Python may keep what it compiled.
    return measure(["env", "-u", "PYTHONDONTWRITEBYTECODE", python, "-c", code]).wall


def test_what_a_test_waits_for(place: Place, report: Report) -> None:
    """A container, a program in it, and PowerShell, beside the API and the docker command in the same run."""
    found = dict(figures(place, INSIDE, tests=2))
    rows = [
        ("`nanoserver`, asked to ready", found["ready"], "create and start over the API", found["api"], "≤ 1.3"),
        ('`cmd("echo x")`', found["cmd"], "`docker exec … cmd /c echo x`", found["docker_cmd"], "≤ 1.0"),
    ]
    last = []
    with programs.skipping():
        programs.run(place.user.python, "-m", "imagebuild", "powershell", "install", "--root", place.root, "--from",
                     windows_programs.powershell(), "--no-prepare", cwd=plugin_runs.HERE, timeout=300, user=place.user)
        stop(place)
        found |= figures(place, POWERSHELL, tests=1)
        rows.append(('first `powershell("1")`', found["first"], "`docker exec … powershell`, its first",
                     found["docker_powershell"], "≤ 1.3"))
        last = [f'| second `powershell("1")` | {found["second"] * 1000:.0f} ms | | | | ≤ 50 ms |']
    report.lines("pytest: what a test waits for", [
        "| | | beside | | times | bar |", "|---|---:|---|---:|---:|---|",
        *(f"| {what} | {one * 1000:.0f} ms | {beside} | {other * 1000:.0f} ms | {one / other:.2f} | {bar} |"
          for what, one, beside, other, bar in rows), *last])


def test_a_hundred_tests(place: Place, report: Report) -> None:
    """On one container, and each with its own, by one process and by two."""
    shared = statistics.median(seconds(place, ONE_CONTAINER, MANY) for _ in range(RUNS))
    execs = MANY * figures(place, CMD, tests=1)["cmd"]
    pairs = [(seconds(place, EACH_ITS_OWN, MANY, "-n", "0"), seconds(place, EACH_ITS_OWN, MANY, "-n", "2"))
             for _ in range(RUNS)]
    one, two = (statistics.median(column) for column in zip(*pairs, strict=True))
    report.lines("pytest: a hundred tests", [
        "| | | bar |", "|---|---:|---|",
        f"| on one session container | {shared:.1f} s | ≤ 100 execs + 2 s: {execs + 2:.1f} s |",
        f"| a container each, `-n 0` | {one:.1f} s | |",
        f"| a container each, `-n 2` | {two:.1f} s | ≥ 1.5 times faster: {one / two:.2f} |"])


def test_the_two_tests(place: Place, report: Report) -> None:
    """The first two tests that anybody writes, as a whole pytest."""
    text = plugin_runs.HELLO + plugin_runs.MOUNT
    runs = statistics.median(seconds(place, text, 2) for _ in range(5))
    starts = []
    for _ in range(RUNS):
        stop(place)
        starts.append(seconds(place, text, 2))
    fresh = replace(place, root=place.user.own(_folder(place.root.parent / "fresh")))
    try:
        first = seconds(fresh, text, 2)
    finally:
        stop(fresh)
        shutil.rmtree(fresh.root, ignore_errors=True)
    report.lines("pytest: two tests, the whole of pytest", [
        "| the engine | | bar |", "|---|---:|---|",
        f"| runs | {runs:.2f} s | ≤ 2 s |",
        f"| is started by the run | {statistics.median(starts):.2f} s | ≤ 3 s |",
        f"| is started, and has no Wine prefix yet | {first:.1f} s | ≤ 40 s |"])


def test_memory(report: Report, tmp_path: Path) -> None:
    """A container for each of a thousand tests, in the real engine over a sandbox that starts nothing."""
    with engines.served(tmp_path / "engine") as one:
        told = tmp_path / "figures"
        (tmp_path / "test_it.py").write_text(MEMORY)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "pytest_wcow", "-p", "no:cacheprovider", "test_it.py",
             f"--wcow-engine=unix://{one.socket}", f"--wcow-image={engines.IMAGE}"], cwd=tmp_path, text=True,
            capture_output=True, check=False, env=plugin_runs.environment({"FIGURES": str(told)}))
    assert done.returncode == 0, done.stdout[-3000:]
    found = {key: value for line in told.read_text().splitlines() for key, value in json.loads(line).items()}
    ten, thousand = (found[f"memory_{n}"] / 1024 for n in (10, 1000))
    report.lines("pytest: memory", [
        f"A container for each test: {ten:.0f} MB after 10 tests, {thousand:.0f} MB after 1,000 "
        f"({thousand - ten:+.1f} MB; bar: at most 20 more)."])


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
