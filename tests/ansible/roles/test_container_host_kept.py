# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` on a host that is not fresh: it was stopped, half installed, waits for a restart, has an
old engine with containers, has no network; and it takes the engine away."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import ansible_hosts, programs, windows_programs
from support.ansible_hosts import raw
from support.container_hosts import HNS, STEPS, Role, bare, changed, named, role

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
        yield role(host)


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
    assert changed(made.play()) == []


def test_a_pending_restart_waits_for_the_containers_and_starts_them_again(made: Role) -> None:
    made.host.state(machine=HNS, pending_reboot=["windows-update"])
    refused = made.play().outcomes[-1]
    assert refused.state == "failed" and "web (nanoserver)" in refused.message
    left = made.play(container_host_reboot="features")
    assert "Restart the host where Windows says that it is due" not in changed(left)
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


def test_a_half_installed_host_is_made_whole(made: Role) -> None:
    made.host.state(features={"Containers": "InstallPending"}, machine=HNS, pending_reboot=["component-servicing"])
    half = raw("[void](mkdir -Force C:\\ProgramData\\docker\\config, 'C:\\Program Files\\Docker'); "
               "Set-Content C:\\ProgramData\\docker\\config\\daemon.json '{\"debug\": tru'; "
               "Set-Content 'C:\\Program Files\\Docker\\docker.exe' x")
    played = made.play(half)
    steps = changed(played)[1:]
    assert steps == [step for step in STEPS[1:] if step in steps], played.printed
    assert "Restart the host where Windows says that it is due" in steps and "Install the engine" in steps
    assert named(played, "Set the engine's settings")["malformed"]
    assert changed(made.play()) == []


def test_a_run_that_was_stopped_behind_each_step_ends_where_a_whole_one_does(made: Role) -> None:
    bare(made)
    for step in STEPS:
        if step != "Restart the engine":  # a handler: the step before it is the one that asks for it
            done = changed(made.play(stop_after=step))
            assert done[-1] == step and set(done[:-1]) <= {STEPS[6], "Restart the engine"}, (step, done)
    assert changed(made.play()) == []
    assert made.controller.shell("(Get-ItemProperty HKLM:\\SYSTEM\\CurrentControlSet\\Services\\docker).Environment"
                                 ).splitlines()[0].startswith("HTTPS_PROXY=")


def test_a_host_without_a_network_gets_all_from_files(made: Role, tmp_path: Path) -> None:
    archive = tmp_path / "nanoserver.tar"
    assert made.controller.play(
        {"wcow.containers.image": {"name": "nanoserver", "export_to": str(archive)}},
        {"wcow.containers.image": {"name": "nanoserver", "state": "absent", "force": True}})[1].changed
    bare(made, {"Containers": "Removed"})
    made.host.put("sources.txt", b"")
    offline = {"container_host_feature_source": "C:\\Windows", "container_host_verify_archive": str(archive)}
    played = made.play(**offline)
    assert changed(played)[0] == "Install the features of Windows"
    assert changed(played)[-1] == "Have the image with which the engine is tried"
    assert changed(made.play(**offline)) == []
