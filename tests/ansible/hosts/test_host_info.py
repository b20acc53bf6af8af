# SPDX-License-Identifier: Apache-2.0
"""The module ``host_info``: the document of a machine, as a result and as a fact."""

from __future__ import annotations

import pytest
from support.ansible_hosts import Host

from imagebuild.doctor import machines
from imagebuild.windows import machine_json

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("connection", ["psrp", "winrm"])
def test_facts_are_the_document_of_the_machine(host: Host, connection: str) -> None:
    task = {"wcow.containers.host_info": {}}
    got = host.controller(connection).play(task, {"ansible.builtin.debug": {"var": "wcow_machine.host.version"}},
                                           arguments=("--check",))
    info = got[0]
    assert not info.changed and not info["reboot_required"] and info["pending_reboot"] == []
    reading = machine_json.from_document(info["machine"])
    assert reading.notes == ()
    assert reading.facts.host.name == "WIN" and str(reading.facts.host.version).startswith("10.0.20348.")
    assert reading.facts.clock.now is not None and reading.facts.clock.now.endswith("Z")
    assert machines(info["machine"]) == (reading.facts,)
    assert info["ansible_facts"] == {"wcow_machine": info["machine"]}
    assert got[1]["wcow_machine.host.version"] == info["machine"]["host"]["version"]


def test_a_restart_that_is_due_is_seen(host: Host) -> None:
    controller = host.controller()
    controller.shell("[void](New-Item -Force 'HKLM:\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Component Based "
                     "Servicing\\RebootPending'); exit 0")
    got = controller.play({"wcow.containers.host_info": {}}).one()
    assert got["reboot_required"] and got["pending_reboot"] == ["component-servicing"]
