# SPDX-License-Identifier: Apache-2.0
"""The engine that containers run on: which one, and what is known of it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from . import embedded

if TYPE_CHECKING:
    from imagebuild.containers import Home, Starts
    from imagebuild.dockerapi import Client, shapes
    from imagebuild.host import Host

AUTO, EMBEDDED = "auto", "embedded"
CONNECT_SECONDS, LOOK_SECONDS = 30.0, 5.0
CALL_SECONDS, SILENT_SECONDS = 180.0, 600.0
"""What an engine has until a call's answer begins, and between two parts of an answer; what takes longer says so."""
TRIES, PAUSE = 5, 0.5


class Engine:
    """A Windows engine, the embedded one or another. ``env`` lets subprocesses and SDKs use the same one::

        subprocess.run(["docker", "ps"], env={**os.environ, **wcow_engine.env})
    """

    def __init__(self, address: str, client: Client, env: dict[str, str] | None = None, max_starts: int = 0, *,
                 host: str = "", machine: Host | None = None, tunnel: ExitStack | None = None) -> None:
        self.address = address
        self.client = client
        self.env = env if env is not None else {"DOCKER_HOST": address}
        self._max_starts = max_starts
        self.machine = machine  #: the host that a tunnel leads to; None for an engine with an address of its own
        self._host = host
        self._tunnel = tunnel

    def __repr__(self) -> str:
        return f"<Engine {self.address}>"

    @cached_property
    def document(self) -> dict[str, Any]:
        """What it says of itself, as it came; asked once."""
        found: dict[str, Any] = self.client.json("GET", "/info")
        return found

    @cached_property
    def info(self) -> shapes.Info:
        """The same with names."""
        from imagebuild.dockerapi import shapes

        return shapes.from_json(shapes.Info, self.document)

    @cached_property
    def home(self) -> Home:
        """Where its containers are, seen from here."""
        from imagebuild.containers import Home

        found = Home.of(self.address, self.info)
        return Home(False, self._host, found.embedded) if self._host else found

    def close(self) -> None:
        """Close its connections, and its tunnel where it is a host's."""
        self.client.close()
        if self._tunnel is not None:
            self._tunnel.close()

    @property
    def embedded(self) -> bool:
        """Whether it is the embedded engine, which runs programs in Wine."""
        return self.home.embedded

    @property
    def build(self) -> int:
        """The Windows build of its host: 20348; 0 where it does not say."""
        parts = self.info.os_version.split(".")
        return int(parts[2]) if len(parts) > 2 and parts[2].isdigit() else 0

    @cached_property
    def starts(self) -> Starts:
        """How many of its containers start at a time."""
        from imagebuild.containers import Starts

        from .._places import state_folder

        most = self._max_starts or (os.cpu_count() or 1 if self.embedded else 1)
        return Starts(state_folder() / "locks", self.address, most)


def open_engine(wanted: str, max_starts: int = 0, say: embedded.Say = lambda _: None) -> Engine:
    """Find the engine that was asked for, or start the embedded one; ``say`` gets lines of progress. Raises a WcowError
    where there is none."""
    if wanted == AUTO:
        found = _docker_s(max_starts)
        if found is not None:
            return found
    if wanted in (AUTO, EMBEDDED):
        address = embedded.ensure_embedded(say)
        found = Engine(address, _client(address), max_starts=max_starts)
    else:
        found = open_named(wanted, max_starts)
    try:
        expect_windows(found.client, found.address)
    except BaseException:
        found.close()
        raise
    return found


def expect_windows(client: Client, address: str) -> None:
    """Raise a WcowError when no engine answers there, or one that does not run Windows containers. A pipe that is busy
    is tried again."""
    import time

    from imagebuild.containers import trouble_of
    from imagebuild.errors import DaemonError, UnsupportedError

    for number in range(TRIES):
        try:
            ping = client.ping()
            break
        except DaemonError as error:
            found = trouble_of(str(error), "connect")
            if found is None or number == TRIES - 1:
                raise
            time.sleep(PAUSE)
    if ping.os_type != "windows":
        raise UnsupportedError(f"the engine at {address} runs {ping.os_type or 'other'} containers",
                               why="Windows containers need a Windows engine",
                               hint="--wcow-engine=embedded runs them on this machine")


def _client(address: str) -> Client:
    from imagebuild.dockerapi import Client

    return Client.at(address, timeout=CONNECT_SECONDS, deadline=CALL_SECONDS, silence=SILENT_SECONDS)


def open_named(wanted: str, max_starts: int = 0) -> Engine:
    """An engine by its address, its context or its host; it was not asked anything yet. TLS is that of the context, or
    that of Docker's variables."""
    from imagebuild.dockerapi import Client, endpoint

    from . import hosts

    kind, _colon, rest = wanted.partition("://")
    if hosts.names_host(wanted):
        with ExitStack() as stack:
            address, machine, host = hosts.open_tunnel(wanted, stack)
            return Engine(wanted, _client(address), {"DOCKER_HOST": address}, max_starts, host=host, machine=machine,
                          tunnel=stack.pop_all())
    if kind in ("http", "https"):
        return Engine(wanted, _client(wanted), max_starts=max_starts)
    if kind == "context":
        usual = {name: text for name, text in os.environ.items() if name != "DOCKER_HOST"}
        found = endpoint({**usual, "DOCKER_CONTEXT": rest})
    else:
        found = endpoint(host=wanted)
    env = {"DOCKER_HOST": str(found.address)}
    if kind == "context":
        files = found.certificates
        folder = next((one.parent for one in (files.ca, files.certificate) if one), None) if files else None
        env |= {"DOCKER_CERT_PATH": str(folder or ""), "DOCKER_TLS_VERIFY": "1" if files and files.verify else ""}
    client = Client.to(found, timeout=CONNECT_SECONDS, deadline=CALL_SECONDS, silence=SILENT_SECONDS)
    return Engine(client.host, client, env, max_starts)


def _docker_s(max_starts: int) -> Engine | None:
    """The engine of Docker's settings when it is a Windows engine and answers; None otherwise."""
    from imagebuild.dockerapi import Client
    from imagebuild.errors import WcowError

    try:
        client = Client.from_environment(timeout=LOOK_SECONDS, deadline=CALL_SECONDS, silence=SILENT_SECONDS)
        if client.ping().os_type == "windows":
            return Engine(client.host, client, env={}, max_starts=max_starts)  # they find it as we did
    except WcowError:
        return None
    client.close()
    return None


def engine_number(config: pytest.Config, engines: int) -> int:
    """Which engine of a pool is this process's: xdist's workers go through it in turn."""
    worker = getattr(config, "workerinput", {}).get("workerid", "")
    digits = worker.removeprefix("gw")
    return int(digits) % engines if digits.isdigit() else 0
