# SPDX-License-Identifier: Apache-2.0
"""A Windows engine that does what a test scripts: it fails a call with a text of Windows, and tells what it was asked.

Behind it is our server, so clients meet real HTTP; there are no programs. What Wine never does (a busy pipe, errors of
HCS and HNS, a removal that fails) is scripted with the texts of the failure catalogue.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagebuild.compat.failures import catalogue
from imagebuild.dockerapi import Identity, Request, Response, Route, Server, faults, respond, shapes
from imagebuild.dockerapi.streams import STDERR, STDOUT

from . import tunnels

IMAGE = "mcr.microsoft.com/windows/nanoserver:ltsc2022"


def words(failure: str, number: int = 0) -> str:
    """What Windows or an engine writes, from the failure catalogue."""
    found = next(one for one in catalogue.failures() if one.id == failure)
    return found.patterns[number].example


@dataclass
class Script:
    """What the engine is and does. ``fails`` has texts by call (``start``, ``stop``, ``delete``, ``create``, ``exec``),
    each used once; ``asked`` is every call; ``run`` gives code and output of a program. The call ``hold`` has done its
    work, sets ``reached`` and is answered when ``release`` is set. ``things`` are labels of volumes and networks,
    ``nonsense`` is the body of an answer (``create``, ``inspect``)."""

    os_version: str = "10.0.20348.2762"
    image_version: str = "10.0.20348.2762"
    os_type: str = "windows"
    images: set[str] = field(default_factory=lambda: {IMAGE})
    fails: dict[str, list[str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    created: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    put: list[str] = field(default_factory=list)
    log: bytes = b""
    exits: int | None = None
    starts_now: int = 0
    starts_most: int = 0
    start_seconds: float = 0.0
    run: Callable[[list[str]], tuple[int, bytes, bytes]] = lambda argv: (0, b"", b"")
    hold: str = ""
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)
    things: dict[str, dict[str, str]] = field(default_factory=dict)
    nonsense: dict[str, bytes] = field(default_factory=dict)
    built: list[dict[str, str]] = field(default_factory=list)
    mounts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    execs: dict[str, tuple[list[str], int]] = field(default_factory=dict)
    inputs: dict[str, bytes] = field(default_factory=dict)

    def expect(self, call: str) -> None:
        """Note a call, and fail it where that is scripted."""
        self.asked.append(call)
        texts = self.fails.get(call)
        if texts:
            raise faults.Internal(texts.pop(0))

    async def pause(self, call: str) -> None:
        """Hold the answer of a call back where that is scripted."""
        if call == self.hold:
            self.reached.set()
            while not self.release.is_set():
                await asyncio.sleep(0.01)

    def find(self, name: str) -> str:
        if name not in self.states:
            raise faults.no_such_container(name)
        return name


async def info(request: Request, script: Script) -> Response:
    return respond.json({"OSType": script.os_type, "OSVersion": script.os_version, "OperatingSystem": "Windows Server",
                         "Architecture": "x86_64", "ServerVersion": "26.1.5", "Isolation": "process", "NCPU": 4,
                         "Name": "scripted", "ID": "1", "Driver": "windowsfilter", "Labels": []})


async def version(request: Request, script: Script) -> Response:
    return respond.json({"Version": "26.1.5", "ApiVersion": "1.45", "MinAPIVersion": "1.24", "Os": script.os_type,
                         "Arch": "amd64", "KernelVersion": f"10.0 {script.os_version.split('.')[2]}"})


async def image(request: Request, script: Script) -> Response:
    if request["name"] not in script.images:
        raise faults.no_such_image(request["name"])
    return respond.json({"Id": "sha256:" + "1" * 64, "Os": "windows", "Architecture": "amd64",
                         "OsVersion": script.image_version, "RepoTags": [request["name"]], "Config": {}})


async def pull(request: Request, script: Script) -> Response:
    script.expect("pull")
    script.images.add(request.text("fromImage"))
    await script.pause("pull")
    return respond.json({"status": "done"})


async def create(request: Request, script: Script) -> Response:
    script.expect("create")
    document = await request.json_value()
    script.created.append(document)
    identifier = f"{len(script.created):012x}" + "0" * 52
    script.states[identifier] = "created"
    script.mounts[identifier] = [
        {"Type": one["Type"], "Source": one.get("Source", ""), "Name": one.get("Source", "") or "anonymous",
         "Destination": one["Target"], "RW": not one.get("ReadOnly", False)}
        for one in (document.get("HostConfig") or {}).get("Mounts") or ()]
    await script.pause("create")
    if "create" in script.nonsense:
        return respond.text(script.nonsense["create"].decode())
    return respond.json(shapes.Created(id=identifier, warnings=()), 201)


async def start(request: Request, script: Script) -> Response:
    script.starts_now += 1
    script.starts_most = max(script.starts_most, script.starts_now)
    try:
        await asyncio.sleep(script.start_seconds)
        script.expect("start")
    finally:
        script.starts_now -= 1
    script.states[script.find(request["id"])] = "running" if script.exits is None else "exited"
    await script.pause("start")
    return respond.empty()


async def inspect(request: Request, script: Script) -> Response:
    identifier = script.find(request["id"])
    if "inspect" in script.nonsense:
        return respond.text(script.nonsense["inspect"].decode())
    state, asked = script.states[identifier], script.created[int(identifier[:12], 16) - 1]
    host = asked.get("HostConfig") or {}
    ports = {port: [{"HostIp": "", "HostPort": one[0]["HostPort"] or "49153"}]
             for port, one in (host.get("PortBindings") or {}).items()}
    return respond.json({
        "Id": identifier, "Name": f"/c{identifier[8:12]}", "Image": "sha256:" + "1" * 64, "Config": asked, "Mounts":
        script.mounts[identifier], "HostConfig": {"Isolation": host.get("Isolation", ""), "NetworkMode": "nat"},
        "State": {"Status": state, "Running": state == "running", "ExitCode": script.exits or 0},
        "NetworkSettings": {"Ports": ports, "Networks": {"nat": {"IPAddress": "127.0.0.1"}}}})


async def stop(request: Request, script: Script) -> Response:
    script.expect("stop")
    script.states[script.find(request["id"])] = "exited"
    await script.pause("stop")
    return respond.empty()


async def kill(request: Request, script: Script) -> Response:
    script.expect("kill")
    script.states[script.find(request["id"])] = "exited"
    return respond.empty()


async def wait(request: Request, script: Script) -> Response:
    script.expect("wait")
    return respond.json(shapes.Waited(status_code=0))


async def delete(request: Request, script: Script) -> Response:
    script.expect("delete")
    del script.states[script.find(request["id"])]
    return respond.empty()


async def logs(request: Request, script: Script) -> Response:
    script.expect("logs")
    await script.pause("logs")

    async def frames() -> Any:
        from imagebuild.dockerapi.streams import frame

        if script.log:
            yield frame(STDOUT, script.log)

    return respond.raw(frames(), multiplexed=True)


async def make_exec(request: Request, script: Script) -> Response:
    script.expect("exec")
    identifier = f"e{len(script.execs):063x}"
    asked = await request.json_value()
    script.execs[identifier] = (list(asked["Cmd"]), -1)
    if asked.get("AttachStdin"):
        script.inputs[identifier] = b""
    return respond.json(shapes.Id(id=identifier), 201)


async def start_exec(request: Request, script: Script) -> None:
    await request.json_value()
    argv, _ = script.execs[request["id"]]
    async with await request.hijack(multiplexed=True) as connection:
        if request["id"] in script.inputs:
            script.inputs[request["id"]] = b"".join([part async for part in connection])  # unread, it breaks the end
        await script.pause("exec")
        code, out, errors = await asyncio.to_thread(script.run, argv)
        script.execs[request["id"]] = (argv, code)
        for stream, data in ((STDOUT, out), (STDERR, errors)):
            if data:
                await connection.write_frame(stream, data)


async def inspect_exec(request: Request, script: Script) -> Response:
    return respond.json({"ID": request["id"], "Running": False, "ExitCode": script.execs[request["id"]][1]})


async def archive(request: Request, script: Script) -> Response:
    async for _ in request.body:
        pass
    script.put.append(request.text("path"))
    return respond.empty(200)


async def events(request: Request, script: Script) -> Response:
    return respond.text("")


async def nothing(request: Request, script: Script) -> Response:
    return respond.json([])


async def containers(request: Request, script: Script) -> Response:
    return respond.json([{"Id": one, "Names": [f"/c{one[8:12]}"], "State": state,
                          "Labels": script.created[int(one[:12], 16) - 1].get("Labels") or {}}
                         for one, state in script.states.items()])


async def build(request: Request, script: Script) -> Response:
    async for _ in request.body:
        pass
    script.expect("build")
    await script.pause("build")
    script.images.add(request.text("t"))
    script.built.append({name: request.text(name) for name in ("t", "dockerfile", "target", "buildargs")})
    return respond.json({"stream": "done"})


async def volumes(request: Request, script: Script) -> Response:
    return respond.json({"Volumes": [{"Name": path.rpartition("/")[2], "Labels": labels}
                                     for path, labels in script.things.items() if path.startswith("/volumes/")]})


async def networks(request: Request, script: Script) -> Response:
    return respond.json([{"Id": path.rpartition("/")[2], "Name": path.rpartition("/")[2], "Labels": labels}
                         for path, labels in script.things.items() if path.startswith("/networks/")])


async def make_thing(request: Request, script: Script) -> Response:
    document, kind = await request.json_value(), request["kind"]
    script.expect(kind)
    labels = script.things.setdefault(f"/{kind}/{document['Name']}", document.get("Labels") or {})
    await script.pause(kind)
    return respond.json({"Name": document["Name"], "Id": document["Name"], "Labels": labels}, 201)


async def delete_thing(request: Request, script: Script) -> Response:
    script.expect(f"delete {request['kind']}")
    if script.things.pop(f"/{request['kind']}/{request['name']}", None) is None:
        raise faults.NotFound("no such thing")
    return respond.empty()


ROUTES = (
    Route("GET", "/info", info), Route("GET", "/version", version),
    Route("GET", "/images/{name:.*}/json", image), Route("POST", "/images/create", pull),
    Route("GET", "/images/json", nothing), Route("GET", "/networks", networks), Route("GET", "/volumes", volumes),
    Route("GET", "/events", events), Route("POST", "/{kind:volumes|networks}/create", make_thing),
    Route("POST", "/build", build),
    Route("DELETE", "/{kind:volumes|networks}/{name}", delete_thing), Route("GET", "/containers/json", containers),
    Route("POST", "/containers/create", create),
    Route("POST", "/containers/{id}/start", start), Route("GET", "/containers/{id}/json", inspect),
    Route("POST", "/containers/{id}/stop", stop), Route("POST", "/containers/{id}/kill", kill),
    Route("POST", "/containers/{id}/wait", wait), Route("DELETE", "/containers/{id}", delete),
    Route("GET", "/containers/{id}/logs", logs), Route("PUT", "/containers/{id}/archive", archive),
    Route("POST", "/containers/{id}/exec", make_exec), Route("POST", "/exec/{id}/start", start_exec),
    Route("GET", "/exec/{id}/json", inspect_exec))


async def ping(request: Request, script: Script) -> Response:
    return respond.text("OK")


@contextmanager
def scripted(folder: Path, script: Script) -> Iterator[str]:
    """Serve a script for the time of a block: its address."""
    loop = asyncio.new_event_loop()
    ready, stop_ = threading.Event(), asyncio.Event()
    path = folder / "scripted.sock"

    async def serve() -> None:
        server = Server((Route("GET", "/_ping", ping), Route("HEAD", "/_ping", ping), *ROUTES), script,
                        identity=Identity(os_type=script.os_type))
        await server.listen_unix(path)
        ready.set()
        await stop_.wait()
        await server.close(grace=0.2)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        with tunnels.through(f"unix://{path}", folder) as address:
            yield address
    finally:
        loop.call_soon_threadsafe(stop_.set)
        thread.join(20)
        loop.close()
