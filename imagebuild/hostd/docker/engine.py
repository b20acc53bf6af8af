# SPDX-License-Identifier: Apache-2.0
"""The Docker engine of a host: one of its own, whose ``docker_engine`` is a pipe in the host's box.

Its images, networks and containers are in the host's folder, and its drive ``C:`` is the host's: of ``-v C:\\a:C:\\b``
the first is a folder of the host. The engine of the box itself is another one, which clients in the box do not reach.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ...dockerapi import Client, faults
from ...engine import EngineSettings, engine_place, inside
from ...errors import StoreError, WcowError
from ...images import BaseRequest, bring_stand_in
from ..record import HostPlace, HostRecord
from .dockerd import DaemonConfig

if TYPE_CHECKING:
    from ...engine.core import Engine

log = logging.getLogger("wcow.hostd")

Make = Callable[[EngineSettings], "Engine"]
STAND_IN = "nanoserver:latest"
"""What a new engine has to begin with, so that a container runs without a registry: an image of ours, which has
nothing of Microsoft's."""


class HostEngine:
    """A host's engine, running or not. ``client`` is one of the engine that runs the host's ``container``. Its methods
    block, and may be called from any thread."""

    def __init__(self, place: HostPlace, record: HostRecord, make: Make, client: Client, container: str) -> None:
        self._place, self._record, self._make = place, record, make
        self._client, self._container = client, container
        self._lock = threading.Lock()
        self._running: ExitStack | None = None

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._running is not None

    def start(self, config: DaemonConfig, version: str) -> None:
        """Start it and open its pipes in the box. Raises what keeps it from that; StoreError when it runs."""
        with self._lock, ExitStack() as stack:
            if self._running is not None:
                raise StoreError(f"the engine of {self._record.name} runs already", why="a dockerd.exe holds it")
            new = not self._place.engine.exists()
            self._place.engine.mkdir(exist_ok=True, mode=0o700)
            settings = EngineSettings(
                self._place.engine, build=self._record.build, revision=self._record.revision, name=self._record.name,
                drives={"C": self._place.drive}, native=False, shared=engine_place().root, labels=config.labels,
                data_root=config.data_root, debug=config.debug, log_driver=config.log_driver,
                log_options=config.log_options, version=version)
            found = stack.enter_context(inside(lambda: self._make(settings), self._place.engine, patient=False))
            if new:
                self._fill(found.host)
            for pipe in config.pipes:
                open_pipe(self._client, self._container, pipe, found.socket)
                stack.callback(self._close_pipe, pipe)
            self._running = stack.pop_all()
            log.info("%s: the engine runs", self._record.name)

    def stop(self) -> None:
        """Close its pipe, end its containers and the engine; nothing happens when it does not run."""
        with self._lock:
            running, self._running = self._running, None
            if running is not None:
                running.close()
                log.info("%s: the engine has stopped", self._record.name)

    def _fill(self, address: str) -> None:
        with Client.at(address, timeout=60) as client:
            bring_stand_in(client, BaseRequest(flavour="nanoserver", os_version=self._record.os_version), STAND_IN)

    def _close_pipe(self, name: str) -> None:
        with contextlib.suppress(faults.Fault, WcowError), \
                self._client.call("DELETE", f"/wcow/containers/{self._container}/pipes/{name}"):
            pass  # or the box has ended, and with it the pipe


def open_pipe(client: Client, container: str, name: str, socket: Path) -> None:
    """Open a pipe in a host's box, whose connections go to a socket of this machine. Raises a fault."""
    with client.call("PUT", f"/wcow/containers/{container}/pipes/{name}", body={"Socket": str(socket)}):
        pass
