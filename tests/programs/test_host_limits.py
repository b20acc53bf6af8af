# SPDX-License-Identifier: Apache-2.0
"""A host's consoles, its PowerShell that is started ahead, a disk that is full, and a kill while a state is applied."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs
from support.ansible_hosts import PASSWORD, Host

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # of clients
SMALL = 96 << 20


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    pytest.importorskip("pypsrp", reason="pypsrp is not installed: pip install 'wcow[test]'")
    with programs.skipping(), ansible_hosts.host() as started:
        yield started


def wsman(host: Host) -> Any:
    from pypsrp.wsman import WSMan

    return WSMan("127.0.0.1", port=host.document["winrm_port"], username="Administrator", password=PASSWORD, ssl=False,
                 auth="ntlm", encryption="always")


def commands(host: Host, *lines: str, page: int | None = None) -> list[tuple[int, bytes, bytes]]:
    """Command lines in one shell."""
    from pypsrp.shell import Process, WinRS

    out = []
    with warnings.catch_warnings(), wsman(host) as connection, WinRS(connection, codepage=page) as shell:
        warnings.simplefilter("ignore")
        for line in lines:
            process = Process(shell, line)
            process.invoke()
            out.append((process.rc, process.stdout, process.stderr))
    return out


def script(host: Host, text: str) -> list[Any]:
    """A script in a runspace of its own."""
    from pypsrp.powershell import PowerShell, RunspacePool

    with warnings.catch_warnings(), wsman(host) as connection, RunspacePool(connection) as pool:
        warnings.simplefilter("ignore")
        shell = PowerShell(pool)
        shell.add_script(text)
        return list(shell.invoke())


@pytest.mark.parametrize(("page", "said"), [
    (None, b"\x81?\r\n"), (437, b"\x81?\r\n"), (1252, b"\xfc\x80\r\n"), (65001, b"\xc3\xbc\xe2\x82\xac\r\n")])
def test_a_command_writes_in_the_code_page_that_its_shell_was_opened_with(host: Host, page: int | None,
                                                                         said: bytes) -> None:
    assert commands(host, "echo ü€", 'cmd /c "exit 300"', page=page) == [(0, said, b""), (300, b"", b"")]


def test_a_powershell_that_was_started_ahead_has_the_environment_of_now(host: Host) -> None:
    ready = "@(Get-Process powershell).Count"
    script(host, "[Environment]::SetEnvironmentVariable('WcowLater', 'before', 'Machine')")
    until = time.monotonic() + 60
    while script(host, ready)[0] < 2 and time.monotonic() < until:
        time.sleep(1)
    assert script(host, "[Environment]::SetEnvironmentVariable('WcowLater', 'now', 'Machine'); $path = 'C:\\later'; "
                  "$all = [Environment]::GetEnvironmentVariable('PATH', 'Machine') + ';' + $path; "
                  "[Environment]::SetEnvironmentVariable('PATH', $all, 'Machine'); 1") == [1]
    for _ in range(3):
        assert script(host, "$env:WcowLater; $env:PATH.Contains(';C:\\later;'); $env:PATH -like '*\\system32;*'; "
                      "($env:PATH -split ';' -like '*\\WindowsApps').Count") == ["now", True, True, 1]
        time.sleep(3)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_told_to_clients_and_costs_nothing_that_is_there(host: Host) -> None:
    folder = host.root / "hosts" / host.name / "drive"
    host.wcow("stop", host.name)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", folder], check=True)
    try:
        host.document.update(json.loads(host.wcow("start", host.name, "--format", "json")))
        assert commands(host, "echo kept> C:\\kept.txt")[0][0] == 0
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as stream:
            while room := os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize:
                stream.write(bytes(min(room, 1 << 20)))
        code, _out, said = commands(host, "copy C:\\Windows\\System32\\cmd.exe C:\\more.exe")[0]
        assert code == 1 or said
        # By a cmdlet: where its trial script cannot be written, PowerShell takes the machine for a locked one.
        words = script(host, "try { Set-Content C:\\big.txt ('x' * 4000000) -ErrorAction Stop } catch { \"$_\" }")
        assert len(words) == 1 and "space" in str(words[0]).lower(), words
        assert commands(host, "type C:\\kept.txt") == [(0, b"kept\r\n", b"")]
        filler.unlink()
        assert commands(host, "echo again> C:\\again.txt & type C:\\again.txt")[0][:2] == (0, b"again \r\n")
    finally:
        host.wcow("stop", host.name)
        subprocess.run(["umount", folder], check=True)
        host.document.update(json.loads(host.wcow("start", host.name, "--format", "json")))


def test_a_host_that_is_killed_while_a_state_is_applied_has_it_after_the_next_start(host: Host) -> None:
    document = json.loads(host.wcow("list", "--format", "json"))[0]
    place = Path(host.root, "hosts", host.name)
    state = json.loads(host.wcow("state", host.name))
    state["features"]["Containers"] = "Available" if state["features"]["Containers"] == "Installed" else "Installed"
    environment = {**os.environ, "WCOW_ENGINE_ROOT": str(host.root / "engine")}
    asks = subprocess.Popen([sys.executable, "-m", "imagebuild", "host", "state", host.name, "-"], env=environment,
                            cwd=ansible_hosts.REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)
    assert asks.stdin is not None
    asks.stdin.write(json.dumps(state))
    asks.stdin.close()
    until = time.monotonic() + 60
    while not (place / "state-new").exists() and time.monotonic() < until:
        time.sleep(0.005)
    os.kill(document["pid"], signal.SIGKILL)
    assert asks.wait(60) != 0
    assert asks.stderr is not None and "does not answer" in asks.stderr.read()
    assert (place / "state-new").exists()
    host.document.update(json.loads(host.wcow("start", host.name, "--format", "json")))
    assert not (place / "state-new").exists()
    assert json.loads(host.wcow("state", host.name))["features"]["Containers"] == state["features"]["Containers"]
    assert commands(host, "ver")[0][0] == 0
