# SPDX-License-Identifier: Apache-2.0
"""The engine that containers run on: which one, and what is known of it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from . import _embedded

if TYPE_CHECKING:
    from imagebuild.dockerapi import Client, shapes

EMBEDDED = "embedded"
CALL_SECONDS = 60.0


class Engine:
    """A Windows engine, the embedded one or another. ``env`` lets subprocesses and SDKs use the same one::

        subprocess.run(["docker", "ps"], env={**os.environ, **wcow_engine.env})
    """

    def __init__(self, address: str, client: Client, *, embedded: bool) -> None:
        self.address = address
        self.client = client
        self.embedded = embedded

    def __repr__(self) -> str:
        return f"<Engine {self.address}>"

    @property
    def env(self) -> dict[str, str]:
        """The variables by which Docker's clients find it."""
        return {"DOCKER_HOST": self.address}

    @cached_property
    def info(self) -> shapes.Info:
        """What it says of itself, asked once."""
        from imagebuild.dockerapi import shapes

        return self.client.json("GET", "/info", shape=shapes.Info)

    @property
    def build(self) -> str:
        """The Windows build of its host: ``20348``."""
        parts = self.info.os_version.split(".")
        return parts[2] if len(parts) > 2 else ""


def open_engine(wanted: tuple[str, ...]) -> Engine:
    """Find the engine that was asked for, or start the embedded one. Raises a WcowError where there is none."""
    from imagebuild.dockerapi import Client
    from imagebuild.errors import UnsupportedError

    address = wanted[0]
    embedded = address in ("auto", EMBEDDED)
    if embedded:
        address = _embedded.ensure_embedded()
    client = Client.at(address, timeout=CALL_SECONDS)
    ping = client.ping()
    if ping.os_type != "windows":
        client.close()
        raise UnsupportedError(f"the engine at {address} runs {ping.os_type or 'other'} containers",
                               why="Windows containers need a Windows engine",
                               hint="--wcow-engine=embedded runs them on this machine")
    return Engine(address, client, embedded=embedded)
