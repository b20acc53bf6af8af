# SPDX-License-Identifier: Apache-2.0
"""A host of which only the engine's address is known: its API is all there is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from ...dockerapi.client.environment import Certificates, Endpoint, endpoint
from ...errors import UnsupportedError
from ...windows.facts import docker_info as dockerinfo
from ...windows.facts.machine import DaemonFacts, MachineFacts
from ..address import HostAddress
from ..command import Command
from ..port import Done, Progress

if TYPE_CHECKING:
    from ...dockerapi import Client


class EngineHost:
    """An engine at ``tcp://``, ``unix://``, ``npipe://`` or ``context://``. Its facts are what the engine says."""

    def __init__(self, address: HostAddress) -> None:
        self.address = address
        self.name = str(address)

    def engine(self) -> Client:
        """See the port."""
        from ...dockerapi import Client

        return Client.to(self._endpoint())

    def facts(self) -> MachineFacts:
        """See the port. DaemonError when the engine does not answer."""
        with self.engine() as client:
            info, version = client.json("GET", "/info"), client.json("GET", "/version")
        return MachineFacts(
            host=replace(dockerinfo.host_of(info, version), source=self.name),
            daemon=DaemonFacts(data_root=info.get("DockerRootDir"), driver=info.get("Driver")),
            notes=("only the engine was asked: the rest of the machine is not known",))

    def run(self, command: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Done:
        """UnsupportedError."""
        self._refuse("run a program")

    def open(self, command: Sequence[str], *, deadline: float | None = None) -> Command:
        """UnsupportedError."""
        self._refuse("run a program")

    def powershell(self, text: str, *, timeout: float | None = None) -> Done:
        """UnsupportedError."""
        self._refuse("run a script")

    def put(self, source: Path, target: str, *, progress: Progress | None = None) -> int:
        """UnsupportedError."""
        self._refuse("put a file")

    def get(self, source: str, target: Path, *, progress: Progress | None = None) -> int:
        """UnsupportedError."""
        self._refuse("get a file")

    def close(self) -> None:
        """Nothing to let go of."""

    def _endpoint(self) -> Endpoint:
        address = self.address
        if address.kind == "context":
            return endpoint({"DOCKER_CONTEXT": address.path, **_environment()})
        from ...dockerapi.client.address import Address

        path = "" if address.kind == "tcp" else address.path
        prefix = address.path if address.kind == "tcp" else ""
        certificates = Certificates(Path(address.ca) if address.ca else None,
                                    Path(address.certificate) if address.certificate else None,
                                    Path(address.key) if address.key else None) \
            if address.kind == "tcp" and (address.ca or address.certificate) else None
        return Endpoint(Address(address.kind, path=path, name=address.name, port=address.port, prefix=prefix),
                        certificates)

    def _refuse(self, what: str) -> NoReturn:
        raise UnsupportedError(f"cannot {what} on {self.name}", why="it is the address of an engine alone",
                               hint="winrm://host or ssh://user@host reaches the machine")


def _environment() -> dict[str, str]:
    import os

    return {key: value for key, value in os.environ.items() if key in ("DOCKER_CONFIG", "HOME", "USERPROFILE")}
