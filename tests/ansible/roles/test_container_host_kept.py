# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` on a host that is not fresh: it has an old engine with containers, waits for a restart;
and it takes the engine away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import ansible_hosts, programs, windows_programs
from support.container_hosts import HNS, STEPS, Role, changed, named, role

pytestmark = pytest.mark.slow

WEB = {"wcow.containers.container": {"name": "web", "image": "nanoserver", "command": ["cmd"], "interactive": True,
                                     "pull": "never", "restart_policy": "unless-stopped"}}
JOB = {"wcow.containers.container": {"name": "job", "image": "nanoserver", "command": ["cmd"], "interactive": True,
                                     "pull": "never"}}
INFO = {"wcow.containers.container_info": {"all": True}}


@pytest.fixture(scope="module")
def made() -> Iterator[Role]:
    """A host as ``wcow host`` makes it: an engine of version 26.1.5 runs. The tests below follow each other on it."""
    with programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as host:
        one = role(host)
        one.variables["container_host_preflight"] = False  # it is looked at where hosts are fresh
        yield one


def states(made: Role) -> dict[str, bool]:
    found = made.controller.play(INFO).one()["containers"]
    return {one["Name"].lstrip("/"): one["State"]["Running"] for one in found}


def test_an_old_engine_is_not_upgraded_while_containers_run(made: Role) -> None:
    made.host.state(machine=HNS)
    played = made.play(WEB, JOB)
    failed = played.outcomes[-1]
    assert failed.state == "failed" and failed.task.endswith("Install the engine"), played.printed
    assert "web (nanoserver)" in failed.message and "job (nanoserver)" in failed.message
    assert states(made) == {"web": True, "job": True}


def test_an_old_engine_is_upgraded_and_containers_with_a_restart_policy_run_again(made: Role) -> None:
    played = made.play(container_host_running_containers="stop")
    steps = changed(played)
    assert steps == [step for step in STEPS[4:] if step in steps] and steps[0] == "Install the engine"
    upgrade = named(played, "Install the engine")
    assert (upgrade["version_before"], upgrade["version"], upgrade["containers_not_started"]) == (
        "26.1.5", "28.4.0", [])
    assert states(made) == {"web": True, "job": False}


def test_a_pending_restart_waits_for_the_containers_and_starts_them_again(made: Role) -> None:
    made.host.state(machine=HNS, pending_reboot=["windows-update"])
    refused = made.play().outcomes[-1]
    assert refused.state == "failed" and "web (nanoserver)" in refused.message
    played = made.play(container_host_running_containers="stop")
    assert changed(played)[0] == "Restart the host where Windows says that it is due"
    assert named(played, "Restart the host where Windows says that it is due")["containers_not_started"] == []
    assert states(made)["web"]
    assert changed(made.play()) == []


def test_the_engine_is_taken_away_once_and_its_data_only_when_asked(made: Role) -> None:
    gone = {"container_host_state": "absent", "container_host_running_containers": "stop"}
    refused = made.play(container_host_state="absent").outcomes[-1]
    assert refused.state == "failed" and "web (nanoserver)" in refused.message
    assert changed(made.play(**gone)) == [
        "Remove the engine", "Let Defender look at its files again", "Remove the firewall's rules"]
    assert made.controller.shell("Test-Path C:\\ProgramData\\docker").strip() == "True"
    assert changed(made.play(**gone)) == []
    assert changed(made.play(**gone, container_host_purge_data=True)) == ["Remove the engine"]
    assert made.controller.shell("Test-Path C:\\ProgramData\\docker").strip() == "False"
