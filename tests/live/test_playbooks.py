# SPDX-License-Identifier: Apache-2.0
"""Rows of ``docs/unproven.md``, "Modules for hosts": the playbooks that stand-ins play (``tests/ansible``), on a real
Windows host."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs
from support.ansible_hosts import Controller
from support.ansible_states import CONNECTIONS, ROWS, Row
from support.workbench import fill

from imagebuild.host import HostAddress
from imagebuild.host import address as addresses

pytestmark = pytest.mark.slow

PLAYBOOKS = sorted((ansible_hosts.REPOSITORY / "playbooks").glob("*.yml"))


def variables(connection: str) -> dict[str, Any]:
    """How Ansible reaches the host by one of its connections."""
    name = "WCOW_LIVE_SSH" if connection == "ssh" else "WCOW_LIVE_HOST"
    text = os.environ.get(name)
    if not text:
        pytest.skip(f"{name} names no Windows host (tests/live/conftest.py says what is needed)")
    at: HostAddress = addresses.parse(text)
    found: dict[str, Any] = {"ansible_connection": connection, "ansible_host": at.name, "ansible_user": at.user}
    if at.port:
        found["ansible_port"] = at.port
    if password := os.environ.get("WCOW_LIVE_PASSWORD"):
        found["ansible_password"] = password
    if connection == "ssh":
        return {**found, "ansible_shell_type": "cmd"}
    scheme, ca = ("https" if at.kind == "winrm" else "http"), os.environ.get("WCOW_LIVE_CA", "")
    found |= {"ansible_psrp_protocol": scheme, "ansible_winrm_scheme": scheme, "ansible_psrp_auth": "ntlm",
              "ansible_winrm_transport": "ntlm"}
    return {**found, "ansible_psrp_ca_cert": ca, "ansible_winrm_ca_trust_path": ca} if ca else found


def wanting(row: Row) -> str:
    """What a row needs and the host has not."""
    given = {"source": "WCOW_LIVE_ENGINE", "registry": "WCOW_LIVE_REGISTRY", "restart": "WCOW_LIVE_RESTART"}
    if row.document is not None:
        return "it is for stand-ins: it sets their state document"
    if "base" in row.needs:
        return "it is for stand-ins: it builds from a stand-in of Microsoft's base"
    if row.state.endswith("upgraded"):
        return "it is for stand-ins: it needs two archives"
    return next((f"{given[one]} is not set" for one in sorted(row.needs) if not os.environ.get(given[one])), "")


@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_a_state_is_told_is_reached_and_stays(row: Row, connection: str, live_image: str, tmp_path: Path) -> None:
    """That every state of every module"""
    if wanting(row):
        pytest.skip(wanting(row))
    fill(tmp_path / "work" / "context", {"app.txt": "hello"})
    values = {"image": live_image, "work": str(tmp_path / "work"), "run": f"live-{connection}",
              "registry": os.environ.get("WCOW_LIVE_REGISTRY", ""), "source": os.environ.get("WCOW_LIVE_ENGINE", ""),
              "checksum": os.environ.get("WCOW_LIVE_CHECKSUM", "")}
    with programs.skipping():
        controller = Controller(ansible_hosts.collections(tmp_path / "controller"), variables(connection))
        row.hold(controller.play(*row.tasks, vars=values).outcomes)


@pytest.mark.parametrize("connection", CONNECTIONS)
def test_the_scenario_of_the_playbooks_plays(connection: str, live_image: str, tmp_path: Path) -> None:
    """That the playbooks play"""
    source = os.environ.get("WCOW_LIVE_ENGINE", "")
    with programs.skipping():
        controller = Controller(ansible_hosts.collections(tmp_path / "controller"), variables(connection))
        played = controller.playbook("example", {"example_hosts": "all", "example_image": live_image})
        assert "fatal:" not in played.printed and "This file was created by user 'me'" in played.printed, played.printed
        if not source:
            pytest.skip("the example has played; WCOW_LIVE_ENGINE is not set, so no engine was installed")
        made = {"container_host_hosts": "all", "container_host_engine_source": source,
                "container_host_engine_checksum": os.environ.get("WCOW_LIVE_CHECKSUM", ""),
                "container_host_running_containers": "stop", "container_host_verify_image": live_image,
                "container_host_reboot": "if_required" if os.environ.get("WCOW_LIVE_RESTART") else "never"}
        for _run in range(2):
            played = controller.playbook("container_host", made)
            assert {one.state for one in played.outcomes} <= {"ok", "skipped"}, played.printed
        assert not [one for one in played.outcomes if one.changed], played.printed
