# SPDX-License-Identifier: Apache-2.0
"""The modules for Docker objects reach the engine of a Windows host through the host's own connection."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import ansible_hosts, programs, windows_programs
from support.ansible_hosts import raw

pytestmark = pytest.mark.slow

WORDS = "This file was created by user 'me' on windows host"


@pytest.fixture(scope="module")
def host() -> Iterator[ansible_hosts.Host]:
    """A host with Docker's command line, which carries the engine's API."""
    with programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as started:
        yield started


@pytest.mark.parametrize("connection", ["psrp", "winrm"])
def test_a_folder_of_the_host_is_read_in_a_container_of_its_engine(host: ansible_hosts.Host, connection: str) -> None:
    played = host.controller(connection).play(
        raw(f'New-Item -ItemType Directory C:\\test -Force | Out-Null; Set-Content C:\\test\\win2016_me.txt "{WORDS}"'),
        {"wcow.containers.container": {
            "name": "example", "image": "nanoserver", "command": ["cmd"], "interactive": True, "pull": "never",
            "mounts": [{"source": "C:\\test", "target": "C:\\example"}]}},
        {"wcow.containers.container_exec": {"container": "example", "command": "type C:\\example\\win2016_me.txt"}},
        {"wcow.containers.image_compat": {"name": "nanoserver", "isolation": "process"}},
        *({"wcow.containers.container_exec": {"container": "example", "argv": ["cmd", "/c", "exit"], "creates": path},
           "check_mode": True} for path in ("C:\\example\\win2016_me.txt", "C:\\none")),
        {"wcow.containers.container": {"name": "example", "state": "absent"}})
    assert [one.state for one in played.outcomes] == ["ok"] * 7, played.printed
    assert played[1]["container"]["State"]["Running"]
    assert played[2]["stdout_lines"] == [WORDS]
    assert played[3]["runs"] == "yes"
    assert [one.changed for one in played.outcomes[4:]] == [False, True, True]


def test_an_engine_that_is_stopped_is_named(host: ansible_hosts.Host) -> None:
    played = host.controller().play(
        raw("Stop-Service docker -Force"),
        {"wcow.containers.volume_info": {}, "ignore_errors": True},
        raw("Start-Service docker"),
        {"wcow.containers.volume_info": {}})
    assert played[1].state == "failed"
    assert "docker_engine" in played[1].message or "Start-Service docker" in played[1].message, played[1].message
    assert played[3].state == "ok"
