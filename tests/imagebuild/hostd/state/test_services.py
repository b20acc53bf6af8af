# SPDX-License-Identifier: Apache-2.0
"""The services of a host as its state has them."""

from __future__ import annotations

import pytest
from support import machines

from imagebuild.errors import FormatError
from imagebuild.hostd.state import services as state_services
from imagebuild.hostd.state import state
from imagebuild.windows.facts.machine import Service


def of(*services: Service) -> state.HostState:
    return state.of_machine(machines.changed(machines.SERVER_2022, {"services": services}))


def test_services_are_made_started_stopped_and_removed() -> None:
    made = of(Service("docker", "stopped", "auto"), Service("hns", "running", "auto"),
              Service("vmms", "stopped", "manual"), Service("containerd", "absent"), Service("x", "unknown"))
    lines = state_services.batch(made).decode().split("\r\n")
    assert lines[1] == "net stop docker >nul 2>&1"
    assert lines[2].startswith("sc query hns ") and f'binPath= "{state_services.PROGRAM}" start= auto' in lines[2]
    assert lines[3] == "net start hns >nul 2>&1"
    assert "start= demand" in lines[4] and lines[5] == "net stop vmms >nul 2>&1"
    assert "sc delete containerd" in lines[6]
    assert "sc create WinRM " in lines[7] and 'DisplayName= "Windows Remote Management (WS-Management)"' in lines[7]
    assert lines[8:] == ["net start WinRM >nul 2>&1", "exit /b 0", ""]


def test_a_state_may_say_that_winrm_is_stopped() -> None:
    lines = state_services.batch(of(Service("winrm", "stopped", "manual"))).decode().split("\r\n")
    assert [line.split(" >nul")[0] for line in lines[1:3]] == ["sc query winrm", "net stop winrm"]
    assert lines[3] == "exit /b 0"


@pytest.mark.parametrize("service", [
    Service("a&b", "running"), Service("hns", "paused"), Service("hns", "starting"), Service("hns", "running", "boot")])
def test_a_service_that_no_host_can_have_is_refused(service: Service) -> None:
    with pytest.raises(FormatError, match="cannot use this state"):
        state_services.check(of(service))


@pytest.mark.parametrize("name", machines.SAMPLES)
def test_the_services_of_machines_can_be_had(name: str) -> None:
    state_services.check(state.of_machine(machines.SAMPLES[name]))
