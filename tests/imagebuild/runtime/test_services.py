# SPDX-License-Identifier: Apache-2.0
"""The service manager is there when a program first asks for it, and not before."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, Done, run, start, wait_for

from imagebuild.runtime import Box, Command, Stdio

pytestmark = pytest.mark.slow
SERVICE = Path(__file__).with_name("service.c")


@pytest.fixture
def serving(boxes: Boxes) -> Boxes:
    """Boxes with ``C:\\service.exe``, and a batch file whose name says nothing of services."""
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(SERVICE), "service.exe")
    (boxes.layer / "ask.bat").write_text("@sc query Eventlog\n@exit /b %ERRORLEVEL%\n")
    return boxes


def _names(box: Box) -> list[str]:
    return [row.name for row in box.processes()]


def _eventlog_runs(done: Done) -> bool:
    return done.code == 0 and re.search(r"STATE\s*: 4", done.out) is not None


def test_the_first_program_that_asks_for_services_finds_them_running(serving: Boxes) -> None:
    assert _eventlog_runs(serving.run(r"cmd /c C:\ask.bat"))
    box = serving.open()
    start(box, "probe sleep")
    assert "services.exe" not in _names(box)
    assert _eventlog_runs(run(box, r"cmd /c C:\ask.bat", main=False))
    assert "services.exe" in _names(box)
    assert _eventlog_runs(run(box, r"cmd /c C:\ask.bat", main=False))
    assert {"winedevice.exe", "plugplay.exe"}.isdisjoint(_names(box))


def test_many_that_ask_at_once_all_find_them(serving: Boxes) -> None:
    box = serving.open()
    start(box, "probe sleep")
    null = os.open(os.devnull, os.O_RDWR)
    asking = [box.exec(Command(r"cmd /c C:\ask.bat"), Stdio(null, null, null)) for _ in range(8)]
    os.close(null)
    assert [one.ended.result(60) for one in asking] == [0] * 8
    assert _names(box).count("services.exe") == 1


def test_a_program_with_a_window_starts_no_services(serving: Boxes) -> None:
    """Its desktop asks for one of COM's, which no box needs."""
    box = serving.open()
    start(box, r"C:\service.exe desktop")
    assert wait_for(lambda: "explorer.exe" in _names(box))
    assert not wait_for(lambda: "services.exe" in _names(box), 2)
    assert _eventlog_runs(run(box, r"cmd /c C:\ask.bat", main=False))


def test_the_desktop_stays_when_the_last_program_with_a_window_has_ended(serving: Boxes) -> None:
    """Else the next PowerShell would start it anew; a second is how long Wine keeps it."""
    box = serving.open()
    start(box, "probe sleep")
    null = os.open(os.devnull, os.O_RDWR)
    box.exec(Command(r"C:\service.exe desktop"), Stdio(null, null, null))
    os.close(null)
    assert wait_for(lambda: "explorer.exe" in _names(box), 30)
    run(box, "taskkill /f /im service.exe", main=False)
    assert wait_for(lambda: "service.exe" not in _names(box), 30)
    assert not wait_for(lambda: "explorer.exe" not in _names(box), 4)


def test_a_service_of_ones_own_starts_has_a_console_and_stops(serving: Boxes) -> None:
    box = serving.open()
    start(box, "probe sleep")
    assert run(box, r"C:\service.exe make", main=False).out == "1 0\n"
    assert wait_for(lambda: "STATE              : 4" in run(box, "sc query mine", main=False).out)
    assert run(box, r"cmd /c type C:\service.txt", main=False).out == "title 1, code page 437\n"
    assert run(box, "sc stop mine", main=False).code == 0
    assert wait_for(lambda: "STATE              : 1" in run(box, "sc query mine", main=False).out)
    assert wait_for(lambda: "service.exe" not in _names(box))


def test_without_a_service_manager_a_program_is_told_so(serving: Boxes) -> None:
    system = serving.layer / "windows/system32"
    system.mkdir(parents=True)
    (system / "services.exe").write_bytes(b"")
    done = serving.run(r"cmd /c C:\ask.bat")
    assert done.code != 0
