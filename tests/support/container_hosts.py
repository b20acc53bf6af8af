# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` in tests: its steps by name, and a host that it is to make a container host."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from .ansible_hosts import Controller, Host, Played

STEPS = (
    "Install the features of Windows",
    "Restart the host where Windows says that it is due",
    "Leave the engine's files out of Defender's view",
    "Set the engine's settings",
    "Install the engine",
    "Set up the engine's service",
    "Have the engine restarted where it has not read its settings or its environment",
    "Have the services that networks need start with Windows",
    "Set the firewall's rules",
    "Restart the engine",
    "Make the engine's networks",
)
"""What changes on a host that has nothing, in this order."""
VERSION = "28.4.0"
HNS = {"schema": "wcow.machine/1", "services": [{"name": "hns", "state": "stopped", "start": "manual"}]}


@dataclass(slots=True)
class Role:
    """Plays the role on a host."""

    host: Host
    controller: Controller
    variables: dict[str, Any]

    def play(self, *more: dict[str, Any], check: bool = False, stop_after: str = "", **variables: Any) -> Played:
        """Play the role, and tasks before it. ``stop_after`` names a step behind which ansible-playbook is killed."""
        task = {"ansible.builtin.include_role": {"name": "wcow.containers.container_host"},
                "vars": {**self.variables, **variables}}
        self.controller.extra.update(
            {"ANSIBLE_CALLBACKS_ENABLED": "wcow_results,wcow_stop", "WCOW_STOP_AFTER": stop_after} if stop_after
            else {"ANSIBLE_CALLBACKS_ENABLED": "wcow_results"})
        return self.controller.play(*more, task, arguments=("--check", "--diff") if check else ("--diff",))


def role(host: Host) -> Role:
    """Prepare a host for the role: an archive of the engine is on its drive."""
    source, checksum = host.archive(VERSION)
    return Role(host, host.controller(), {
        "container_host_engine_version": VERSION, "container_host_engine_source": source,
        "container_host_engine_checksum": checksum, "container_host_engine_config": {"debug": True},
        "container_host_proxy": {"https": "http://proxy.example.com:3128", "without": ["localhost", ".example.com"]},
        "container_host_defender_exclusions": ["C:\\ProgramData\\docker"],
        "container_host_firewall_rules": [{"name": "docker-tls", "local_port": ["2376"]}],
        "container_host_network_services": ["hns"], "container_host_networks": [{"name": "extra"}],
        "container_host_verify_image": "nanoserver", "container_host_verify_pull": "never",
    })


def bare(made: Role, features: dict[str, str] | None = None) -> None:
    """Take everything away that the role makes, and let the host have these features."""
    gone = {"wcow.containers.engine": {"state": "absent", "running_containers": "stop"}}
    removed = made.controller.play(gone).one()
    assert removed.state == "ok", removed
    made.host.state(features=features or {"Containers": "Available"}, machine=HNS)


def changed(played: Played) -> list[str]:
    """The names of the tasks that changed something, none of which failed."""
    assert all(one.state in ("ok", "skipped") for one in played.outcomes), played.printed
    return [one.task.rpartition(": ")[2] for one in played.outcomes if one.changed]


def named(played: Played, name: str) -> dict[str, Any]:
    """The result of a task."""
    return next(one.result for one in played.outcomes if one.task.endswith(name))


def end(made: Role) -> dict[str, Any]:
    """What the role leaves on a host, apart from what differs from one making to the next (ids, times)."""
    state = json.loads(made.host.wcow("state", made.host.name))
    played = made.controller.play(
        {"ansible.builtin.raw": LOOK}, {"wcow.containers.network_info": {}},
        {"wcow.containers.container_info": {}}, {"wcow.containers.image_info": {}},
        {"wcow.containers.engine_request": {"path": "/version"}})
    assert [one.state for one in played.outcomes] == ["ok"] * 5, played.printed
    look, networks, containers, images, version = played.outcomes
    return {"state": {key: state[key] for key in ("features", "optional", "rules", "defender", "pending_reboot")},
            "files and services": look.text.strip().splitlines(),
            "networks": sorted((one["Name"], one["Driver"]) for one in networks["networks"]),
            "containers": containers["containers"], "images": sorted(one["Id"] for one in images["images"]),
            "version": json.loads(version["body"])["Version"]}


LOOK = r"""
$docker = 'HKLM:\SYSTEM\CurrentControlSet\Services\docker'
[IO.File]::ReadAllText('C:\ProgramData\docker\config\daemon.json') -replace '\s', ''
(Get-Item $docker).GetValue('ImagePath'); (Get-Item $docker).GetValue('Start')
(Get-Item $docker).GetValue('Environment') -join ' '
(Get-Service docker).Status; (Get-Service hns).Status
(Get-Item HKLM:\SYSTEM\CurrentControlSet\Services\hns).GetValue('Start')
(Get-ChildItem -Name 'C:\Program Files\Docker') -join ' '
[Environment]::GetEnvironmentVariable('Path', 'Machine')
"""
