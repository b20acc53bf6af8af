# SPDX-License-Identifier: Apache-2.0
"""A container as the engine remembers it: what was asked for, what it was made of, and how it is.

The record is one JSON document in the container's folder, written whenever something changes that has to outlive the
engine. What only lives while it runs is in :mod:`.run`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...dockerapi import shapes
from ...dockerapi.duration import NEVER, ago, moment_text
from ..files import read_document, write_document
from ..interfaces import Attachment
from ..networks import model as net_model
from ..streams.output import Output

if TYPE_CHECKING:
    from ..streams.webproxy import WebProxy
    from .run import Run
    from .secrets import Secrets

RECORD = "container.json"
VERSION = 1
"""Of the document; another one is not read."""


@dataclass(slots=True, eq=False)
class Container:
    """One container. ``config`` has the image's settings merged in; times are nanoseconds since 1970, 0 is never.

    ``status`` is ``created``, ``running``, ``restarting``, ``removing``, ``exited`` or ``dead``.
    """

    id: str
    name: str
    folder: Path
    created: int
    image: str
    config: shapes.Config
    host: shapes.HostConfig
    networks: dict[str, shapes.EndpointSettings] = field(default_factory=dict)
    mounts: tuple[shapes.MountPoint, ...] = ()
    command: str = ""
    status: str = "created"
    exit_code: int = 0
    error: str = ""
    started: int = 0
    finished: int = 0
    restarts: int = 0
    stopped_by_hand: bool = False
    pause: float = 0.0
    run: Run | None = None
    attachment: Attachment = field(default_factory=lambda: Attachment(None))
    health: shapes.Health | None = None
    execs: list[str] = field(default_factory=list)
    proxy: WebProxy | None = None
    secrets: Secrets | None = None
    folders: dict[str, str] = field(default_factory=dict)
    output: Output = field(init=False)

    def __post_init__(self) -> None:
        self.output = Output(self.folder / "output")

    @property
    def running(self) -> bool:
        """Whether a program of it runs now."""
        return self.run is not None and self.status == "running"

    @property
    def short(self) -> str:
        """The first twelve digits of the id, which is also the host's name inside."""
        return self.id[:12]

    def attributes(self) -> dict[str, str]:
        """What its events say of it."""
        return {**dict(self.config.labels or {}), "image": self.config.image, "name": self.name}

    def save(self, *, sync: bool = False) -> None:
        """Remember it, with ``sync`` through a power cut: that it exists, but not that it ran, for then nothing does.
        StoreError when that is not possible."""
        write_document(self.folder / RECORD, sync=sync, document={
            "version": VERSION, "id": self.id, "name": self.name, "created": self.created, "image": self.image,
            "config": shapes.to_json(self.config), "host": shapes.to_json(self.host),
            "networks": {name: shapes.to_json(settings) for name, settings in self.networks.items()},
            "mounts": [shapes.to_json(mount) for mount in self.mounts], "command": self.command,
            "status": self.status, "exit_code": self.exit_code, "error": self.error, "started": self.started,
            "finished": self.finished, "restarts": self.restarts, "stopped_by_hand": self.stopped_by_hand})

    @classmethod
    def load(cls, folder: Path) -> Container | None:
        """The container of a folder; ``None`` when there is no whole one in it."""
        document = read_document(folder / RECORD)
        if not isinstance(document, dict) or document.get("version") != VERSION:
            return None
        try:
            return cls(
                document["id"], document["name"], folder, document["created"], document["image"],
                shapes.from_json(shapes.Config, document["config"]),
                shapes.from_json(shapes.HostConfig, document["host"]),
                {name: shapes.from_json(shapes.EndpointSettings, settings)
                 for name, settings in document["networks"].items()},
                tuple(shapes.from_json(shapes.MountPoint, mount) for mount in document["mounts"]),
                document["command"], document["status"], document["exit_code"], document["error"],
                document["started"], document["finished"], document["restarts"], document["stopped_by_hand"])
        except (KeyError, TypeError, AttributeError):
            return None

    # --- as clients see it

    def state(self) -> shapes.State:
        """For inspection."""
        return shapes.State(
            status=self.status, running=self.status in ("running", "restarting"),
            restarting=self.status == "restarting", dead=self.status == "dead",
            pid=self.run.pid if self.run is not None else 0, exit_code=self.exit_code, error=self.error,
            started_at=moment_text(self.started) if self.started else NEVER,
            finished_at=moment_text(self.finished) if self.finished else NEVER, health=self.health)

    def status_text(self) -> str:
        """What ``docker ps`` shows (moby ``container/state.go``)."""
        now = time.time_ns()
        if self.status == "running":
            health = f" (health: {self.health.status})" if self.health is not None and \
                self.health.status == "starting" else f" ({self.health.status})" if self.health is not None else ""
            return f"Up {ago(now - self.started)}{health}"
        if self.status == "restarting":
            return f"Restarting ({self.exit_code}) {ago(now - self.finished)} ago"
        if self.status == "removing":
            return "Removal In Progress"
        if self.status == "dead":
            return "Dead"
        return f"Exited ({self.exit_code}) {ago(now - self.finished)} ago" if self.started else "Created"

    def port_map(self) -> dict[str, tuple[shapes.PortBinding, ...] | None]:
        """Exposed ports and where they are published, of one that runs and has a network; else none, as in moby."""
        if not self.running or all(place.network == net_model.NONE for place in self.attachment.endpoints):
            return {}
        found: dict[str, Any] = dict.fromkeys(sorted({*(self.config.exposed_ports or ()),
                                                      *(self.host.port_bindings or {})}))
        for port in self.attachment.published:
            key = f"{port.port}/{port.protocol}"
            found[key] = (*(found.get(key) or ()), shapes.PortBinding(host_ip=port.host_ip or "0.0.0.0",
                                                                      host_port=str(port.host_port)))
        return found

    def endpoints(self) -> dict[str, shapes.EndpointSettings]:
        """Its networks, with the addresses it has while it runs."""
        out = dict(self.networks)
        for place in self.attachment.endpoints:
            asked = out.get(place.network) or shapes.EndpointSettings()
            out[place.network] = shapes.EndpointSettings(
                ipam_config=asked.ipam_config, links=asked.links, aliases=asked.aliases, mac_address=place.mac,
                network_id=place.network_id, endpoint_id=place.endpoint_id, gateway=place.gateway,
                ip_address=place.address, ip_prefix_len=place.prefix, driver_opts=asked.driver_opts,
                dns_names=tuple(dict.fromkeys((self.name, *place.aliases, self.short))))
        return out

    @property
    def words(self) -> tuple[str, ...]:
        """Entrypoint and command, as they were given."""
        return (*(self.config.entrypoint or ()), *(self.config.cmd or ()))

    def inspect(self) -> shapes.Inspect:
        """``GET /containers/{id}/json``."""
        words = self.words
        endpoints = self.endpoints()
        first = endpoints.get(self.host.network_mode) or next(iter(endpoints.values()), shapes.EndpointSettings())
        main = self.networks.get(self.host.network_mode)
        config = replace(self.config, mac_address=self.config.mac_address or (main.mac_address if main else ""))
        sandbox = self.id if self.running and not net_model.other_of(self.host.network_mode) else ""
        return shapes.Inspect(
            id=self.id, created=moment_text(self.created), path=words[0] if words else "", args=tuple(words[1:]),
            state=self.state(), image=self.image, log_path="", name=f"/{self.name}", restart_count=self.restarts,
            driver="windowsfilter", platform="windows", exec_ids=tuple(self.execs) or None,
            host_config=replace(self.host, links=None),  # moby shows the links it made, and on Windows makes none
            graph_driver=shapes.GraphDriver(name="windowsfilter",
                                            data={"dir": rf"C:\ProgramData\docker\windowsfilter\{self.id}"}),
            mounts=self.mounts, config=config,
            network_settings=shapes.NetworkSettings(
                sandbox_id=sandbox, ports=self.port_map(), endpoint_id=first.endpoint_id,
                gateway=first.gateway, ip_address=first.ip_address, ip_prefix_len=first.ip_prefix_len,
                mac_address=first.mac_address, networks=endpoints))
