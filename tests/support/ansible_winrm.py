# SPDX-License-Identifier: Apache-2.0
"""Hosts of WinRM whose docker.exe is this machine's docker, for playbooks that need no Windows behind it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagebuild.hostd.program import Start

from . import programs
from .ansible_hosts import Controller, collections
from .winrm_machine import ShellMachine, ShellProgram
from .winrm_service import PASSWORD, USER, Served, serving

_DOCKER = re.compile(r'"?C:\\[^"]{0,200}\\docker\.exe"?')


class DockerMachine(ShellMachine):
    """Runs ``docker`` where docker.exe is asked for; it reaches the engine at an address."""

    def __init__(self, engine: str) -> None:
        super().__init__()
        self.environment["DOCKER_HOST"] = engine

    async def start(self, start: Start) -> ShellProgram:
        """Start a line."""
        self.started.append(start)
        line = start.line.removeprefix('cmd.exe /C "').removesuffix('"')
        return await self._run("sh", "-c", _DOCKER.sub("docker", line), environment={**self.environment})


@contextmanager
def winrm_host(folder: Path, engine: str, connection: str) -> Iterator[tuple[Controller, Served]]:
    """What plays on such a host by one of Ansible's connections."""
    programs.find("docker")
    folder.mkdir(parents=True)
    with serving(folder, DockerMachine(engine)) as served:
        yield controller(folder, served, connection), served


def controller(folder: Path, served: Served, connection: str) -> Controller:
    """What plays on a service."""
    return Controller(collections(folder / "controller"), {
        "ansible_host": "127.0.0.1", "ansible_port": served.port, "ansible_user": USER,
        "ansible_password": PASSWORD, "ansible_connection": connection, "ansible_psrp_protocol": "http",
        "ansible_psrp_auth": "ntlm", "ansible_winrm_scheme": "http", "ansible_winrm_transport": "ntlm"})


def brokers(marker: str) -> list[int]:
    """The brokers of playbooks that run with this text in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if b"host.broker" in (entry / "cmdline").read_bytes() and \
                    os.fsencode(marker) in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found
