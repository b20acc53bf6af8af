# SPDX-License-Identifier: Apache-2.0
"""Programs in a container ask for echoes: by Windows' calls, which .NET and PowerShell use."""

from __future__ import annotations

import pytest
from support import programs, windows_programs
from support.engine import IMAGE, Docker

pytestmark = pytest.mark.slow

SCRIPT = r"""
$ping = [Net.NetworkInformation.Ping]::new()
'127.0.0.1', $env:OTHER | ForEach-Object { $ping.Send($_, 3000).Status.ToString() }
(Test-Connection $env:OTHER -Count 1).Status.ToString()
Test-Connection $env:OTHER -Count 1 -Quiet
[Net.NetworkInformation.NetworkInterface]::GetAllNetworkInterfaces().OperationalStatus -contains 'Up'
"""


def test_net_and_powershell_ping_another_container(docker: Docker, name: str) -> None:
    with programs.skipping():
        powershell = windows_programs.powershell()
    docker("run", "-d", "--name", name, IMAGE, "cmd", "/c", "ping -n 60 127.0.0.1 >nul")
    try:
        address = docker("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", name)
        said = docker("run", "--rm", "-e", f"OTHER={address}", "-v", f"{powershell}:C:\\pwsh:ro", IMAGE,
                      r"C:\pwsh\pwsh.exe", "-NoProfile", "-Command", SCRIPT.strip().replace("\n", "; "))
    finally:
        docker("rm", "-f", name)
    assert said.splitlines() == ["Success", "Success", "Success", "True", "True"], said
