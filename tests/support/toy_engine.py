# SPDX-License-Identifier: Apache-2.0
"""An engine made of scripts: enough of Docker's API for real clients to list, run, attach to and read containers.

It shows how handlers use the room, and what other people's clients make of its bytes. A container's image decides what
it does: ``hello`` says something on both streams and ends with 0; ``upper`` says its input in capitals and ends with 3.
"""

from __future__ import annotations

import asyncio
import base64
import io
import tarfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from imagebuild.dockerapi import Request, Response, Route, faults, names, respond, shapes, streams
from imagebuild.dockerapi.duration import moment_text
from imagebuild.dockerapi.http import bridge
from imagebuild.dockerapi.jsonlines import Message, Progress

EXIT = {"hello": 0, "upper": 3}
WHEN = 1_700_000_000


@dataclass
class Container:
    """What a script remembers."""

    id: str
    name: str
    request: shapes.CreateRequest
    started: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    attached: asyncio.Event = field(default_factory=asyncio.Event)
    log: list[tuple[int, bytes]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def state(self) -> str:
        return "exited" if self.ended.is_set() else "running" if self.started.is_set() else "created"

    @property
    def code(self) -> int:
        return EXIT.get(self.request.image, 0)


class Engine:
    """All that is there."""

    def __init__(self) -> None:
        self.containers: dict[str, Container] = {}
        self.loaded = 0
        self.built: list[str] = []
        self.errors: list[str] = []
        self.seen: list[str] = []

    def find(self, name: str) -> Container:
        identifier = names.by_prefix(name, self.containers)
        for one in self.containers.values():
            if one.id == identifier or one.name == name.removeprefix("/"):
                return one
        raise faults.no_such_container(name)


async def ping(request: Request, engine: Engine) -> Response:
    return respond.text("OK", headers=(("Builder-Version", "1"), ("Cache-Control", "no-cache")))


async def version(request: Request, engine: Engine) -> Response:
    return respond.json(shapes.Version(
        platform=shapes.PlatformName(name="Toy"), version="0.1", api_version="1.45", min_api_version="1.24",
        git_commit="none", go_version="none", os="windows", arch="amd64", kernel_version="10.0 20348",
        components=(shapes.Component(name="Engine", version="0.1", details={"Os": "windows"}),)))


async def info(request: Request, engine: Engine) -> Response:
    return respond.json(shapes.Info(id="toy", os_type="windows", os_version="10.0.20348.1", n_cpu=2, name="toy",
                                    operating_system="Windows Server", containers=len(engine.containers),
                                    plugins=shapes.Plugins(volume=("local",), network=("nat",), log=("json-file",))))


async def listing(request: Request, engine: Engine) -> Response:
    filters = request.filters().check({"name", "status", "label", "id"})
    rows = [shapes.Summary(id=one.id, names=(f"/{one.name}",), image=one.request.image, image_id="sha256:0",
                           command="script", created=WHEN, state=one.state, status=one.state.title(),
                           ports=(shapes.Port(private_port=80, public_port=8080, ip="127.0.0.1"),))
            for one in engine.containers.values()
            if (request.flag("all") or one.state == "running" or "status" in filters)
            and filters.match("name", f"/{one.name}") and filters.exact("status", one.state)
            and filters.labels(one.request.labels)]
    return respond.json(rows)


async def create(request: Request, engine: Engine) -> Response:
    wanted = await request.json(shapes.CreateRequest)
    name = names.check_container_name(request.text("name")) if request.has("name") else names.random_name()
    if wanted.image not in EXIT:
        raise faults.no_such_image(f"{wanted.image}:latest")
    if taken := next((one for one in engine.containers.values() if one.name == name), None):
        raise faults.name_in_use(name, taken.id)
    one = Container(names.new_id(), name, wanted)
    engine.containers[one.id] = one
    return respond.json(shapes.Created(id=one.id), 201)


async def inspect(request: Request, engine: Engine) -> Response:
    one = engine.find(request["id"])
    return respond.json(shapes.Inspect(
        id=one.id, name=f"/{one.name}", created=moment_text(WHEN * 10**9), image="sha256:0", platform="windows",
        state=shapes.State(status=one.state, running=one.state == "running", exit_code=one.code),
        config=shapes.Config(image=one.request.image, tty=one.request.tty, open_stdin=one.request.open_stdin,
                             cmd=one.request.cmd, labels=one.request.labels or {}),
        host_config=one.request.host_config or shapes.HostConfig()))


async def start(request: Request, engine: Engine) -> Response:
    one = engine.find(request["id"])
    if one.started.is_set():
        raise faults.NotModified("already started")
    one.started.set()
    if one.request.image == "hello":
        one.log += [(streams.STDOUT, b"hello\r\n"), (streams.STDERR, b"oops\r\n")]
        if not one.attached.is_set():
            one.ended.set()
    return respond.empty()


async def attach(request: Request, engine: Engine) -> None:
    one = engine.find(request["id"])
    stream = await request.hijack(multiplexed=not one.request.tty)
    one.attached.set()

    async def say(number: int, data: bytes) -> None:
        if one.request.tty:
            await stream.write(data)
        else:
            await stream.write_frame(number, data)

    await one.started.wait()
    if one.request.image == "hello":
        for number, data in one.log:
            await say(number, data)
    else:
        async for data in stream:
            one.log.append((streams.STDOUT, data.upper()))
            await say(streams.STDOUT, data.upper())
    one.ended.set()


async def logs(request: Request, engine: Engine) -> Response:
    one = engine.find(request["id"])
    if not (request.flag("stdout") or request.flag("stderr")):
        raise faults.BadRequest("Bad parameters: you must choose at least one stream")
    wanted = {number for number, name in ((1, "stdout"), (2, "stderr")) if request.flag(name)}
    stamp = f"{moment_text(WHEN * 10**9, fixed=True)} ".encode() if request.flag("timestamps") else b""

    async def said() -> AsyncIterator[bytes]:
        for number, data in one.log:
            if number in wanted:
                for frame in streams.frames(number, stamp + data):
                    yield frame
        if request.flag("follow"):
            await one.ended.wait()
    return respond.raw(said(), multiplexed=request.version.at_least("1.42"))


async def wait(request: Request, engine: Engine) -> Response:
    one = engine.find(request["id"])

    async def ended() -> AsyncIterator[shapes.Waited]:
        await one.ended.wait()
        yield shapes.Waited(status_code=one.code)
    return respond.json_lines(ended())


async def remove(request: Request, engine: Engine) -> Response:
    one = engine.find(request["id"])
    if one.state == "running" and not request.flag("force"):
        raise faults.must_be_stopped(one.name)
    one.ended.set()
    del engine.containers[one.id]
    return respond.empty()


async def resize(request: Request, engine: Engine) -> None:
    request.number("h")


async def pull(request: Request, engine: Engine) -> Response:
    async def progress() -> AsyncIterator[Message]:
        yield Message(status="Pulling from library/hello", id="latest")
        for current in (1, 50, 100):
            yield Message(status="Downloading", id="abc", progress=Progress(current, 100))
        if request.text("fromImage") == "missing":
            raise faults.NotFound("manifest unknown")
        yield Message(status="Status: Downloaded newer image for hello:latest")
    return respond.json_lines(progress())


async def load(request: Request, engine: Engine) -> Response:
    async for data in request.body:
        engine.loaded += len(data)

    async def said() -> AsyncIterator[Message]:
        yield Message(stream="Loaded image: hello:latest\n")
    return respond.json_lines(said())


async def build(request: Request, engine: Engine) -> Response:
    def unpack(file: io.BufferedReader) -> list[str]:
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            return [member.name for member in tar]
    engine.built = await asyncio.to_thread(unpack, request.body.blocking())

    async def said() -> AsyncIterator[Message]:
        yield Message(stream="Step 1/1 : FROM hello\n")
        yield Message(aux={"ID": f"sha256:{'0' * 64}"})
        yield Message(stream=f"Successfully tagged {request.text('t')}\n")
    return respond.json_lines(said())


def _stat(name: str, size: int) -> tuple[tuple[str, str], ...]:
    stat = shapes.PathStat(name=name, size=size, mode=0o644, mtime=moment_text(WHEN * 10**9))
    return (("X-Docker-Container-Path-Stat", base64.b64encode(respond.gojson.dumps(stat)).decode()),)


async def get_archive(request: Request, engine: Engine) -> Response:
    one, path = engine.find(request["id"]), request.text("path")
    if path not in one.files:
        raise faults.no_such_file(path, request["id"])
    name, data = path.rpartition("/")[2], one.files[path]

    def write(file: object) -> None:
        with tarfile.open(fileobj=file, mode="w|") as tar:  # type: ignore[call-overload]
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return respond.tar(bridge.from_thread(write), headers=_stat(name, len(data)))


async def put_archive(request: Request, engine: Engine) -> Response:
    one, folder = engine.find(request["id"]), request.text("path").rstrip("/")

    def unpack(file: io.BufferedReader) -> None:
        with tarfile.open(fileobj=file, mode="r|*") as tar:
            for member in tar:
                content = tar.extractfile(member)
                if content:
                    one.files[f"{folder}/{member.name}"] = content.read()
    await asyncio.to_thread(unpack, request.body.blocking())
    return respond.empty(200)


async def events(request: Request, engine: Engine) -> Response:
    async def said() -> AsyncIterator[shapes.Event]:
        for one in engine.containers.values():
            yield shapes.Event(type="container", action="create", time=WHEN, time_nano=WHEN * 10**9, scope="local",
                               actor=shapes.Actor(id=one.id, attributes={"name": one.name}))
    return respond.json_lines(said())


def routes() -> list[Route]:
    """The table."""
    container = "/containers/{id}"
    return [
        Route("GET", "/_ping", ping), Route("HEAD", "/_ping", ping), Route("GET", "/version", version),
        Route("GET", "/info", info), Route("GET", "/events", events), Route("GET", "/containers/json", listing),
        Route("POST", "/containers/create", create), Route("GET", f"{container}/json", inspect),
        Route("POST", f"{container}/start", start, to_the_end=True), Route("POST", f"{container}/attach", attach),
        Route("GET", f"{container}/logs", logs), Route("POST", f"{container}/wait", wait),
        Route("POST", f"{container}/resize", resize), Route("DELETE", container, remove),
        Route("HEAD", f"{container}/archive", get_archive), Route("GET", f"{container}/archive", get_archive),
        Route("PUT", f"{container}/archive", put_archive), Route("POST", "/images/create", pull),
        Route("POST", "/images/load", load), Route("POST", "/build", build),
    ]


def seen(engine: Engine, table: list[Route]) -> list[Route]:
    """The same table, and ``engine.seen`` keeps the names of the routes that were called."""
    def watching(route: Route) -> Route:
        async def handler(request: Request, app: Engine) -> Response | None:
            app.seen.append(route.name)
            return await route.handler(request, app)
        return replace(route, handler=handler)
    return [watching(route) for route in table]


