# SPDX-License-Identifier: Apache-2.0
"""PowerShell that is not there, is broken, or runs what is wrong, floods or never ends: what Windows says."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
from support import made_programs, programs, windows_programs
from support.engine import IMAGE, Docker, Engine

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder() -> Path:
    with programs.skipping():
        return windows_programs.powershell()


def test_nanoserver_has_no_powershell(windows: Engine) -> None:
    said = windows.refused("run", "--rm", IMAGE, "powershell", "1")
    assert "The system cannot find the file specified. (0x2)" in said
    done = windows.docker("run", "--rm", IMAGE, "cmd", "/c", "powershell 1", ok=False)
    assert done.returncode and "powershell" in done.stderr.lower()


def test_an_image_whose_powershell_is_broken_says_so(windows: Engine, folder: Path) -> None:
    broken = windows.fresh()
    (broken / "pwsh.exe").write_bytes(made_programs.program())  # a head, and nothing behind it
    shutil.copyfile(folder / "pwsh.exe", broken / "whole.exe")  # what starts it, without the rest of it
    said = windows.refused("run", "--rm", "-v", f"{broken}:C:\\pwsh", IMAGE, r"C:\pwsh\pwsh.exe", "-Command", "1")
    assert "not a valid Win32 application" in said and "0xc1" in said
    done = windows.docker("run", "--rm", "-v", f"{broken}:C:\\pwsh", IMAGE, r"C:\pwsh\whole.exe", ok=False)
    assert done.returncode and "The application to execute does not exist" in done.stderr


def test_a_script_with_a_syntax_error_ends_with_1_and_says_where(windows: Engine, folder: Path) -> None:
    scripts = windows.fresh()
    (scripts / "bad.ps1").write_text("'begun'\nif (1 -eq\n")
    done = windows.docker("run", "--rm", "-v", f"{folder}:C:\\pwsh:ro", "-v", f"{scripts}:C:\\s", IMAGE,
                          r"C:\pwsh\pwsh.exe", "-NoProfile", "-File", r"C:\s\bad.ps1", ok=False)
    assert done.returncode == 1
    assert "bad.ps1:2" in done.stderr and "begun" not in done.stdout


@pytest.mark.parametrize("script", ["while ($true) { 'x' * 10000 }", "while ($true) { }", "Start-Sleep 100000"])
def test_a_script_that_floods_or_never_ends_is_stopped_and_killed(windows: Engine, docker: Docker, folder: Path,
                                                                  script: str) -> None:
    made = docker("run", "-d", "--log-opt", "max-size=1m", "-v", f"{folder}:C:\\pwsh:ro", IMAGE, r"C:\pwsh\pwsh.exe",
                  "-NoProfile", "-Command", script)
    try:
        time.sleep(3)
        before = time.monotonic()
        docker("stop", "-t", "2", made)
        assert time.monotonic() - before < 15
        assert docker("inspect", "-f", "{{.State.Status}}", made) == "exited"
        docker("start", made)
        docker("kill", made)
        assert docker("wait", made) == "1067"
    finally:
        docker("rm", "-f", made)
    assert sum(path.stat().st_size for path in windows.root.rglob("*.log")) < 20e6


def test_an_exec_that_floods_ends_with_its_reader(windows: Engine, docker: Docker, folder: Path) -> None:
    made = docker("run", "-d", "-v", f"{folder}:C:\\pwsh:ro", IMAGE, "ping", "-n", "3600", "127.0.0.1")
    try:
        with windows.terminal("sh", "-c", f"docker exec {made} C:\\\\pwsh\\\\pwsh.exe -NoProfile -Command "
                              "'while (1) { 1 }' | head -n 3; echo read") as screen:
            screen.read_to(b"read", 60)
        assert docker("exec", made, "cmd", "/c", "echo here") == "here"
    finally:
        docker("rm", "-f", made)
