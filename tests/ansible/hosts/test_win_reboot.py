# SPDX-License-Identifier: Apache-2.0
"""Ansible's own ``win_reboot`` on a host: it finds the restart over by itself."""

from __future__ import annotations

from typing import Any

import pytest
from support.ansible_hosts import Host, raw

pytestmark = pytest.mark.slow

REBOOT: dict[str, Any] = {"ansible.windows.win_reboot": {"reboot_timeout": 120, "connect_timeout": 5,
                                                         "post_reboot_delay": 0, "pre_reboot_delay": 2}}
BOOTED = raw("(Get-CimInstance Win32_OperatingSystem).LastBootUpTime.ToFileTime()")
SIGN_IN = raw(r"Test-Path 'HKLM:\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon\AutoLogonChecked'")


@pytest.mark.parametrize("connection", ["psrp", "winrm"])
def test_a_restart_is_over_for_ansible_and_the_engine_runs_after_it(host: Host, connection: str) -> None:
    controller = host.controller(connection)
    got = controller.play(BOOTED, REBOOT, BOOTED, SIGN_IN, raw("(Get-Service docker).Status"),
                          raw(r"Test-Path \\.\pipe\docker_engine"))
    assert got[1].state == "ok" and got[1]["rebooted"], got.printed
    assert int(got[2].text) > int(got[0].text)
    assert [one.text.strip() for one in got.outcomes[3:]] == ["True", "Running", "True"]
