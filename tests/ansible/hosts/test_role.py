# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` on a Windows host: made, kept, taken apart."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs, sandboxes
from support.ansible_hosts import Controller, Played, raw

pytestmark = pytest.mark.slow

SUPPORT = Path(ansible_hosts.__file__).parent
STATE = {"features": {"Containers": "Available"}, "optional": {}, "rules": {},
         "defender": {"ExclusionPath": [], "ExclusionProcess": [], "ExclusionExtension": []}}


def put(path: str, data: bytes) -> dict[str, Any]:
    return raw(f"[void](mkdir -Force (Split-Path '{path}')); [IO.File]::WriteAllBytes('{path}', "
               f"[Convert]::FromBase64String('{base64.b64encode(data).decode()}'))")


def changed(played: Played) -> list[str]:
    assert all(one.state in ("ok", "skipped") for one in played.outcomes), played.printed
    return [one.task.rpartition(": ")[2] for one in played.outcomes if one.changed]


STEPS = [
    "Install the features of Windows",
    "Restart the host where Windows says that it is due",
    "Leave the engine's files out of Defender's view",
    "Set the engine's settings",
    "Install the engine",
    "Set up the engine's service",
    "Set the firewall's rules",
    "Restart the engine where it has not read its settings or its environment",
]


@pytest.fixture(scope="module")
def role(controller: Controller) -> Callable[..., dict[str, Any]]:
    """Prepares the host; returns what makes a task of the role. The tests below follow each other on it."""
    with programs.skipping():
        program = sandboxes.compile_program(SUPPORT / "ansible_dockerd.c", '-DVERSION="28.4.0"', "-ladvapi32")
    archive = ansible_hosts.zipped({"docker/docker.exe": b"x", "docker/dockerd.exe": program.read_bytes()})
    controller.play(put("C:\\docker.zip", archive), put(r"C:\ProgramData\wcow\state.json", json.dumps(STATE).encode()),
                    raw("[void](mkdir -Force C:\\engine)"))
    variables = {
        "container_host_engine_version": "28.4.0", "container_host_engine_source": "C:\\docker.zip",
        "container_host_engine_checksum": hashlib.sha256(archive).hexdigest(),
        "container_host_engine_config": {"debug": True},
        "container_host_service_environment": {"HTTPS_PROXY": "http://p"},
        "container_host_defender_exclusions": ["C:\\ProgramData\\docker"],
        "container_host_firewall_rules": [{"name": "docker-tls", "local_port": ["2376"]}],
    }

    def task(**more: Any) -> dict[str, Any]:
        return {"ansible.builtin.include_role": {"name": "wcow.containers.container_host"},
                "vars": {**variables, **more}}

    return task


def test_a_host_is_made_as_check_mode_has_told(controller: Controller, role: Callable[..., dict[str, Any]]) -> None:
    check = controller.play(role(), arguments=("--check", "--diff"))
    assert changed(check) == [step for step in STEPS if "service" not in step and "Restart" not in step]
    assert changed(controller.play(role())) == STEPS


def test_a_second_run_changes_nothing(controller: Controller, role: Callable[..., dict[str, Any]]) -> None:
    assert changed(controller.play(role())) == []


def test_a_run_that_was_stopped_is_made_good(controller: Controller, role: Callable[..., dict[str, Any]]) -> None:
    late = raw("Set-Content C:\\ProgramData\\docker\\config\\daemon.json '{\"debug\": true}'")
    assert changed(controller.play(late, role()))[1:] == [STEPS[-1]]


def test_the_engine_is_taken_away_once(controller: Controller, role: Callable[..., dict[str, Any]]) -> None:
    gone = role(container_host_state="absent")
    assert changed(controller.play(gone)) == [
        "Remove the engine", "Let Defender look at its files again", "Remove the firewall's rules"]
    assert changed(controller.play(gone)) == []
