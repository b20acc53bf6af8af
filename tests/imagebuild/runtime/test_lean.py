# SPDX-License-Identifier: Apache-2.0
"""What a box does without, so that its start is quick and it lies idle in little memory."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import toolchain
from imagebuild.runtime.port import Process
from imagebuild.runtime.wine import processes

pytestmark = pytest.mark.slow

ZONE = r"""
#include <windows.h>
#include <stdio.h>
#include <time.h>
int main(int count, char **argument)
{
    DYNAMIC_TIME_ZONE_INFORMATION zone;
    (void)argument;
    GetDynamicTimeZoneInformation(&zone);
    printf("%ld %ls %ls", zone.Bias, zone.TimeZoneKeyName, zone.StandardName);
    _tzset();
    if (count > 1) printf(" %ld", _timezone);
    return 0;
}
"""


@pytest.fixture
def zone(boxes: Boxes, tmp_path: Path) -> None:
    with programs.skipping():
        compiler = programs.find(toolchain.COMPILER)
    (tmp_path / "zone.c").write_text(ZONE)
    programs.run(compiler, "-o", boxes.layer / "zone.exe", tmp_path / "zone.c")
    (boxes.layer / "zone.exe").chmod(0o644)


@pytest.mark.usefixtures("zone")
def test_the_machines_time_zone_is_no_containers_and_tz_is_heard_by_the_c_library_alone(
        boxes: Boxes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "JST-9")
    utc = "0 UTC Coordinated Universal Time"
    assert boxes.run(r"C:\zone.exe c", name="none").out == f"{utc} 0"
    assert boxes.run(r"C:\zone.exe c", name="own", environment={"TZ": "EST5EDT"}).out == f"{utc} 18000"


@pytest.mark.usefixtures("zone")
def test_the_time_zone_is_utc_and_is_the_first_to_be_looked_at(boxes: Boxes) -> None:
    assert boxes.run(r"C:\zone.exe").out == "0 UTC Coordinated Universal Time"  # whatever the key is called
    zones = boxes.run(r'reg query "HKLM\Software\Microsoft\Windows NT\CurrentVersion\Time Zones"', name="zones").out
    names = re.findall(r"Time Zones\\(\S.*)", zones)
    assert names[0] == "(UTC)"
    assert {"UTC", "Pacific Standard Time", "W. Europe Standard Time"} <= set(names)


def test_nothing_runs_in_an_idle_box_but_launcher_and_program(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "ping -n 3600 127.0.0.1")
    assert sorted(row.name for row in box.processes()) == ["launcher.exe", "ping.exe"]


def test_the_launcher_gives_back_the_stacks_of_its_threads(boxes: Boxes) -> None:
    box = boxes.open()
    holder = start(box, "ping -n 3600 127.0.0.1").host_pid
    launcher = next(one for one in processes.below(processes.scan(), [holder]) if one.name == "launcher.exe")
    smaps = Path(f"/proc/{launcher.pid}/smaps")

    def largest() -> int:
        return max(map(int, re.findall(r"^Private_Dirty:\s+(\d+)", smaps.read_text(), re.MULTILINE)))

    assert sandboxes.wait_for(lambda: largest() < 900)


def mapped(pid: int) -> set[str]:
    """The Windows files in a process."""
    maps = Path(f"/proc/{pid}/maps").read_text()
    return set(re.findall(r"/([^/\n]+\.(?:dll|exe|sys))$", maps, re.MULTILINE | re.IGNORECASE))


def pids(program: Process) -> dict[str, int]:
    """Its processes on this machine, without the ".exe" that some of their names have."""
    return {one.name.removesuffix(".exe"): one.pid for one in processes.below(processes.scan(), [program.host_pid])}


LEAST = {"apisetschema.dll", "ntdll.dll", "wcowbase.dll", "kernel32.dll", "kernelbase.dll"}
"""In every process: Wine's, and the functions of ours that stand in its ntdll (decision 0040)."""


def test_the_launcher_has_no_library_but_those_of_every_program_and_the_kernels(boxes: Boxes) -> None:
    box = boxes.open()
    program = start(box, "ping -n 3600 127.0.0.1")
    assert sandboxes.wait_for(lambda: {*LEAST, "ws2_32.dll"} < mapped(pids(program)["ping"]))  # so one can see them
    assert mapped(pids(program)["launcher"]) == {*LEAST, "launcher.exe", "ntoskrnl.exe"}


def test_cmd_starts_without_a_desktop(boxes: Boxes) -> None:
    box = boxes.open()
    program = start(box, "cmd /c ping -n 3600 127.0.0.1")  # it waits for a console's program
    assert sandboxes.wait_for(lambda: "ping" in pids(program))
    assert mapped(pids(program)["cmd"]) == {*LEAST, "cmd.exe", "wcowcmd.dll", "ucrtbase.dll"}


def test_the_files_of_etc_are_on_no_disk(boxes: Boxes) -> None:
    box = boxes.open(hosts=(("10.1.2.3", "somewhere"),), dns=("10.9.8.7",))
    done = run(box, "probe read /etc/hosts")
    assert "10.1.2.3\tsomewhere\n" in done.out.replace("\r", "")
    assert not (boxes.root / "box" / "etc").exists()
