# SPDX-License-Identifier: Apache-2.0
"""A stand-in host by the clock of its clients: pypsrp and Ansible's own connections, over the loopback."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs, windows_programs
from support.ansible_hosts import PASSWORD, Host
from support.bench import Report
from support.engine import descendants

MIB = 16
TASKS = [
    {"ansible.windows.win_ping": {}},
    {"ansible.windows.win_command": "cmd /c ver"},
    {"ansible.windows.win_shell": "Get-Date"},
    {"ansible.windows.win_file": {"path": "C:\\bench", "state": "directory"}},
    {"ansible.windows.win_copy": {"content": "bench", "dest": "C:\\bench\\a.txt"}},
    {"ansible.windows.win_stat": {"path": "C:\\bench\\a.txt"}},
    {"ansible.windows.win_regedit": {"path": "HKLM:\\SOFTWARE\\Bench", "name": "x", "data": "1"}},
    {"ansible.windows.win_environment": {"name": "BENCH", "value": "1", "level": "machine", "state": "present"}},
    {"ansible.windows.win_powershell": {"script": "$PSVersionTable.PSVersion.Major"}},
    {"ansible.windows.win_find": {"paths": "C:\\bench"}},
]
"""Ten kinds of task."""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as started:
        yield started


def pss(pid: int) -> int:
    """KiB of a process."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def median(work: Any, runs: int) -> float:
    """Seconds; the first run is not counted."""
    times = []
    for _ in range(runs + 1):
        before = time.perf_counter()
        work()
        times.append(time.perf_counter() - before)
    return statistics.median(times[1:])


def start_to_ping(host: Host) -> tuple[float, float]:
    """Seconds of ``wcow host start``, and until Ansible's win_ping has answered."""
    host.wcow("stop", host.name)
    before = time.perf_counter()
    document = json.loads(host.wcow("start", host.name, "--format", "json"))
    started = time.perf_counter() - before
    host.document.update(document)
    pool_seconds = _ping(host)
    return started, started + pool_seconds


def _ping(host: Host) -> float:
    before = time.perf_counter()
    assert "pong" in _ansible(host, "psrp", [{"ansible.windows.win_ping": {}}])[1]
    return time.perf_counter() - before


def _ansible(host: Host, connection: str, tasks: list[dict[str, Any]]) -> tuple[dict[str, float], str]:
    """Play tasks; return the seconds of each by its name, and all that was printed."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        named = [{"name": f"task {number}", **task} for number, task in enumerate(tasks)]
        (folder / "play.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False, "tasks": named}]))
        variables = host.controller(connection).variables
        (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": {"win": variables}}}))
        done = subprocess.run(
            [Path(sys.executable).with_name("ansible-playbook"), "-v", "-i", folder / "hosts.json",
             folder / "play.yml"], capture_output=True, text=True, timeout=600, check=False, env={
                 **os.environ, "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks", "ANSIBLE_NOCOLOR": "1",
                 "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all", "ANSIBLE_HOME": str(folder / "home")})
    assert done.returncode == 0, done.stdout + done.stderr
    return {name: float(seconds) for name, seconds in re.findall(
        r"^(task \d+) -+ ([\d.]+)s$", done.stdout, re.MULTILINE)}, done.stdout


def big_file(host: Host) -> tuple[float, float]:
    """Seconds to copy 16 MiB to the host, and to fetch them again, by psrp."""
    with tempfile.TemporaryDirectory() as temporary:
        there, back = Path(temporary, "there"), Path(temporary, "back")
        there.write_bytes(os.urandom(MIB << 20))
        seconds, _said = _ansible(host, "psrp", [
            {"ansible.windows.win_copy": {"src": str(there), "dest": "C:\\big.bin"}},
            {"ansible.builtin.fetch": {"src": "C:\\big.bin", "dest": str(back), "flat": True}}])
        assert back.read_bytes() == there.read_bytes()
    return seconds["task 0"], seconds["task 1"]


def open_session(host: Host) -> tuple[float, float, float]:
    """Seconds of a PSRP command in an open session, of a cmd command in an open shell, and of ``docker.exe ps``."""
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.shell import Process, WinRS
    from pypsrp.wsman import WSMan

    def wsman() -> Any:
        return WSMan("127.0.0.1", port=host.document["winrm_port"], username="Administrator", password=PASSWORD,
                     ssl=False, auth="ntlm", encryption="always")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = wsman(), wsman()
        with first, RunspacePool(first) as pool:
            def script() -> None:
                shell = PowerShell(pool)
                shell.add_script("1 + 1")
                assert list(shell.invoke()) == [2]

            psrp = median(script, 21)
        with second, WinRS(second) as shell:
            def run(line: str) -> None:
                process = Process(shell, line)
                process.invoke()
                assert process.rc == 0, process.stderr

            return psrp, median(lambda: run("cd"), 21), median(lambda: run("docker.exe ps"), 7)


def test_a_host(host: Host, report: Report) -> None:
    psrp, cmd, docker = open_session(host)
    by_psrp, by_winrm = (statistics.median(_ansible(host, one, TASKS)[0].values()) for one in ("psrp", "winrm"))
    there, back = big_file(host)
    starts = [start_to_ping(host) for _ in range(3)]
    started, pinged = (statistics.median(column) for column in zip(*starts, strict=True))
    time.sleep(5)
    idle = sum(pss(pid) for pid in descendants(host.document["pid"])) / 1024
    rows = [
        ("`wcow host start`", f"{started:.1f} s", ""),
        ("`wcow host start` until Ansible's win_ping has answered", f"{pinged:.1f} s", "≤ 6 s"),
        ("a PSRP command in an open session", f"{psrp * 1000:.0f} ms", "≤ 40 ms"),
        ("a cmd command in an open shell", f"{cmd * 1000:.0f} ms", "≤ 120 ms"),
        ("an Ansible task, median of ten kinds, by psrp", f"{by_psrp:.2f} s", "≤ 1.8 s"),
        ("an Ansible task, median of ten kinds, by winrm", f"{by_winrm:.2f} s", "≤ 3 s"),
        (f"{MIB} MiB by psrp, to the host", f"{there:.1f} s", "≤ 2.5 s"),
        (f"{MIB} MiB by psrp, from the host", f"{back:.1f} s", "≤ 5 s"),
        ("`docker.exe ps` on a host", f"{docker:.2f} s", "≤ 0.30 s"),
        ("an idle host", f"{idle:.0f} MB PSS", "≤ 250 MB"),
    ]
    report.lines("A stand-in host", [
        "| | | bar |", "|---|---:|---|", *(f"| {what} | {figure} | {bar} |" for what, figure, bar in rows)])
