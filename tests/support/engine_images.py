# SPDX-License-Identifier: Apache-2.0
"""An engine that has images and nothing else, and what clients ask of it: as values, or through the docker command."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from imagebuild.builder.run.downloads import Downloads
from imagebuild.dockerapi import Request, Response, Route, Server, faults, respond
from imagebuild.engine.api.images import ROUTES
from imagebuild.engine.events import Events
from imagebuild.engine.images.collection import Images
from imagebuild.engine.images.commit import Commitable
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.engine.images.unpack import Ground
from imagebuild.engine.settings import EngineSettings
from imagebuild.stores import (
    Credentials,
    FixedCredentials,
    Login,
    NoCredentials,
    RegistryClient,
    RegistryStore,
    Retries,
)

from . import images as made
from .registry_double import RegistryDouble
from .wire import Conversation

UPPER = made.UPPER[:-1]  # its hive is none, which is found out when an image is made ready to run


@dataclass
class Owner:
    """The engine."""

    images: Images
    settings: EngineSettings
    events: Events = field(default_factory=Events)
    containers: dict[str, Commitable] = field(default_factory=dict)
    runner: Any = None  # a double of StepRunner

    def step_runner(self) -> Any:
        """See :class:`~imagebuild.engine.images.owner.ImageOwner`."""
        return self.runner

    def commitable(self, container: str) -> Commitable:
        """See :class:`~imagebuild.engine.images.owner.ImageOwner`."""
        if container not in self.containers:
            raise faults.no_such_container(container)
        return self.containers[container]


def owner(root: Path, *, build: int = 20348, registries: Registries | None = None) -> Owner:
    """An engine below a folder, whose builds reach no network."""
    root.mkdir(parents=True, exist_ok=True)
    settings = EngineSettings(root, build=build)
    events = Events()

    tools = Downloads(offline=True)
    return Owner(Images(settings, events, registries=registries, build_tools=tools), settings, events)


def connect(credentials: Credentials) -> RegistryClient:
    """A client for registries that asks once."""
    return RegistryClient(credentials=credentials, retries=Retries(attempts=1))


def repository(double: RegistryDouble, path: str = "team/app") -> RegistryStore:
    """A repository of a double, to put images in, as who may."""
    who: Credentials = NoCredentials()
    if double.auth.kind:
        who = FixedCredentials.of(double.host, Login(double.auth.user, double.auth.password))
    return RegistryStore(f"{double.host}/{path}", client=connect(who))


def put(engine: Owner, *names: str, layers: Any = None, **facts: str) -> str:
    """Put a small Windows image in, and give its id."""
    from imagebuild.oci import Reference

    with engine.images.shelf.writing() as store:
        below, above = made.layer(store, made.BASE, base=True), made.layer(store, layers or UPPER)
        image, descriptor = made.image(store, None, below, above, **facts)
        from imagebuild.engine.images.layers import check_layers
        check_layers(engine.images.shelf, store, image, lambda layer, done: None, name="test")
        kept = engine.images.shelf.keep(store, descriptor, [Reference.parse(name).tagged() for name in names])
    return str(kept.id)


REGISTRY = b"WINE REGISTRY Version 2\n;; All keys relative to %s\n\n#arch=win64\n\n"
GROUND_FILES = {"system.reg": b"REGISTRY\\\\Machine", "user.reg": b"REGISTRY\\\\User\\\\S-1-5-21-0-0-0-1000",
         "userdef.reg": b"REGISTRY\\\\User\\\\.Default"}


def ground(folder: Path) -> Ground:
    """A drive with the folders of Windows and an empty registry, as Wine would have made them."""
    drive = folder / "template" / "drive_c"
    (drive / "windows" / "system32").mkdir(parents=True, exist_ok=True)
    for name, root in GROUND_FILES.items():
        (folder / "template" / name).write_bytes(REGISTRY % root)
    return Ground("template-1", (drive,), folder / "template")


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body.splitlines() if line.strip()]

    @property
    def message(self) -> str:
        return str(self.json["message"])


async def _ping(request: Request, engine: Any) -> Response:
    return respond.text("OK", headers=(("Builder-Version", "1"),))


async def _version(request: Request, engine: Any) -> Response:
    return respond.json({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": "windows",
                         "Arch": "amd64"})


BASICS = (Route("GET", "/_ping", _ping), Route("HEAD", "/_ping", _ping), Route("GET", "/version", _version))
ALL = (*ROUTES, *BASICS)


@dataclass
class Served:
    """A server in a thread of its own; ``docker -H`` reaches it at ``address``."""

    path: Path
    engine: Any

    @property
    def address(self) -> str:
        return f"unix://{self.path}"

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None,
            **query: Any) -> Answer:
        """One request and its answer, at API 1.45 unless the path has a version."""
        target = path if path.startswith("/v1") else f"/v1.45{path}"
        if query:
            target += "?" + urlencode(query, doseq=True)
        head = {"Host": "docker", "Connection": "close", "Content-Length": str(len(body)),
                "Content-Type": "application/json", **(headers or {})}
        text = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in head.items())

        async def talk() -> Answer:
            conversation = await Conversation.open(self.path)
            try:
                status, _, data = await conversation.ask(text.encode() + b"\r\n" + body)
            finally:
                conversation.close()
            return Answer(status, data)

        return asyncio.run(talk())


@contextmanager
def serving(engine: Any, folder: Path, routes: tuple[Route, ...] = ALL) -> Iterator[Served]:
    """A server for the time of a block."""
    path = folder / "docker.sock"
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        server = Server(routes, engine)
        await server.listen_unix(path)
        ready.set()
        await stop.wait()
        await server.close(grace=0)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield Served(path, engine)
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()
