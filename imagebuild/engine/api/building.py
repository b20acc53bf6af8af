# SPDX-License-Identifier: Apache-2.0
"""``POST /build`` of the classic builder, its cache, and ``POST /commit``.

Source: moby ``api/server/router/build/build_routes.go``, ``api/server/router/container/container_routes.go``.

BuildKit sessions are not offered: ``_ping`` says ``Builder-Version: 1``, and a client that asks for one all the same is
told so.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import Mapping
from functools import partial

from ...dockerapi import faults, respond
from ...dockerapi.http.body import Body, ClientGone
from ...dockerapi.http.request import Request
from ...dockerapi.http.routing import Route
from ...dockerapi.respond import Response
from ...dockerapi.shapes import Config, Id
from ...errors import WcowError
from ...oci import Reference
from ...stores.layout.collect import collect
from ..building.classic import BuildCall, BuildProcess
from ..building.run import StepLimits
from ..events import Event
from ..images.collection import Images
from ..images.commit import CommitCall, commit
from ..images.config import run_of
from ..images.host import parse_platform
from ..images.names import named, repo_tag
from ..images.owner import ImageOwner
from ..images.transfer.registry import credentials_by_host
from ..images.transfer.stream import stream

DEFAULT_DOCKERFILE = "Dockerfile"
CONTEXT_SECONDS = 300.0
"""How long a build waits for the next piece of its context."""
ISOLATIONS = ("", "default", "process", "hyperv")


async def build_image(request: Request, engine: ImageOwner) -> Response:
    """``docker build``: the context is the body, a tar, or behind ``remote``."""
    images = engine.images
    if images.build_tools is None:
        raise faults.NotImplemented("this engine does not build images")
    runner = engine.step_runner()
    call = _call(request, runs=runner is not None)
    images.listen()
    read, write = os.pipe()
    process = BuildProcess(os.fdopen(read, "rb"), runner)
    sending = asyncio.get_running_loop().create_task(_send(request.body, write, process))

    async def ended() -> None:
        process.cancel()
        sending.cancel()
        await asyncio.wait([sending])  # what is left of the body is read by others from here on

    return await stream(partial(process.run, images, call, images.build_tools), ended=ended)


async def _send(body: Body, pipe: int, process: BuildProcess) -> None:
    """Hand the context to the process as it comes. A client that leaves in the middle ends the build."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(pipe, "wb"))
    writer = asyncio.StreamWriter(transport, protocol, None, loop)
    try:
        while data := await _next(body):
            writer.write(data)
            await writer.drain()
        transport.close()  # once all is written
    except (ClientGone, faults.Fault) as error:
        process.cancel(error)
    except OSError:
        pass  # the process has read all it wants
    finally:
        if not transport.is_closing():
            transport.abort()


async def _next(body: Body) -> bytes:
    """The next piece of a context. A client that sends nothing would keep the turn of a build from others."""
    try:
        async with asyncio.timeout(CONTEXT_SECONDS):
            return await body.read()
    except TimeoutError:
        raise faults.BadRequest(f"the build context did not come: nothing for {CONTEXT_SECONDS:g} seconds") from None


def _call(request: Request, *, runs: bool) -> BuildCall:
    if request.text("version") not in ("", "1", "2"):
        raise faults.BadRequest(f'invalid version "{request.text("version")}"')
    if request.text("version") == "2":
        raise faults.BadRequest("buildkit not supported by daemon")
    if request.flag("squash"):
        raise faults.BadRequest("squash is only supported with experimental mode")
    if request.text("isolation").lower() not in ISOLATIONS:
        raise faults.BadRequest(f'unsupported isolation: "{request.text("isolation")}"')
    remote = request.text("remote")
    arguments = _texts(request, "buildargs", "error reading build args")
    asked = {
        "context": remote or "-", "dockerfile": request.text("dockerfile") or DEFAULT_DOCKERFILE,
        "target": request.text("target") or None, "platform": request.text("platform") or None,
        "build_args": [(name, value) for name, value in arguments.items() if value is not None],
        "labels": [(name, value or "") for name, value in _texts(request, "labels", "error reading labels").items()],
        "no_cache": request.flag("nocache"), "pull": request.flag("pull"), "run": "engine" if runs else "none"}
    limits = StepLimits(request.text("networkmode"), request.texts("extrahosts"), request.number("memory"))
    return BuildCall(asked, _names(request.texts("t")),
                     credentials_by_host(request.header("x-registry-config")),
                     parse_platform(request.text("platform")), request.flag("q"), limits)


def _names(texts: tuple[str, ...]) -> tuple[Reference, ...]:
    out: list[Reference] = []
    for text in filter(None, texts):
        name = named(text)
        if name.digest is not None:
            raise faults.BadRequest("build tag cannot contain a digest")
        out.append(name.tagged())
    return tuple(dict.fromkeys(out))


def _texts(request: Request, name: str, what: str) -> Mapping[str, str | None]:
    """A query value that is a map of texts, each of which may be null."""
    try:
        value = request.document(name) or {}
    except faults.BadRequest as error:
        raise faults.BadRequest(f"{what}: {error.message}") from None
    if not isinstance(value, dict) or not all(item is None or isinstance(item, str) for item in value.values()):
        raise faults.BadRequest(f"{what}: json: cannot unmarshal into Go value of type map[string]string")
    return value


async def prune_builds(request: Request, engine: ImageOwner) -> Response:
    """``docker builder prune``: what builds remember, and layers that no image has."""
    request.number("keep-storage")
    freed = await engine.images.in_thread(_prune, engine.images)
    engine.images.events.publish(Event("builder", "prune", "", {"reclaimed": str(freed)}))
    return respond.json({"CachesDeleted": None, "SpaceReclaimed": freed})


def _prune(images: Images) -> int:
    size = 0
    for name in ("steps", "indexes"):
        folder = images.cache / name
        size += sum(path.stat().st_size for path in folder.glob("*") if path.is_file())
        shutil.rmtree(folder, ignore_errors=True)
    try:
        return size + collect(images.shelf.store).size
    except WcowError as error:
        raise faults.Internal(str(error)) from error


async def cancel_build(request: Request, engine: ImageOwner) -> Response:
    """BuildKit's cancel: there is no such build here."""
    if not request.text("id"):
        raise faults.BadRequest("build ID not provided")
    return respond.empty(200)


async def commit_container(request: Request, engine: ImageOwner) -> Response:
    """``docker commit``."""
    config = await request.json(Config)
    name = repo_tag(request.text("repo"), request.text("tag"))
    source = engine.commitable(request.text("container"))
    call = CommitCall(name, request.text("author"), request.text("comment"), request.texts("changes"),
                      None if config == Config() else run_of(config))
    stopping = threading.Event()
    try:
        kept = await engine.images.waiting(commit, engine.images, source, call, stopping.is_set)
    finally:
        stopping.set()
    engine.images.events.publish(Event("container", "commit", source.container, {
        "comment": call.comment, "imageID": str(kept.id), "imageRef": name.familiar if name else ""}))
    return respond.json(Id(id=kept.id), 201)


ROUTES: tuple[Route, ...] = (
    Route("POST", "/commit", commit_container, to_the_end=True),
    Route("POST", "/build", build_image),
    Route("POST", "/build/prune", prune_builds, since="1.31"),
    Route("POST", "/build/cancel", cancel_build),
)
