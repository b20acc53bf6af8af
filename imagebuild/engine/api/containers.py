# SPDX-License-Identifier: Apache-2.0
"""The calls about containers that are not streams: lists, inspection, life and death."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from ...dockerapi import Request, Response, Route, faults, respond, shapes
from ...oci import Platform
from ..containers import listing as container_list
from ..containers.create import create
from ..events import Event
from ..gotext import quoted
from ..images.host import parse_platform
from ..images.listing import until_of
from ..networks import model as net_model
from ..streams.streams import CELLS
from ..validation import runtime as refusals_later
from ..validation.config import check_kill
from .own.processes import container_processes

if TYPE_CHECKING:
    from ..core import Engine


async def list_containers(request: Request, engine: Engine) -> Response:
    """``docker ps``."""
    found = container_list.listed(engine, request.filters(), everything=request.flag("all"),
                                  limit=request.number("limit"))
    return respond.json(container_list.rows(engine, found))


async def create_container(request: Request, engine: Engine) -> Response:
    """``docker create``."""
    asked = await request.json(shapes.CreateRequest)
    container, warnings = await create(engine, asked, name=request.text("name"), version=request.version,
                                       platform=_platform(request))
    return respond.json(shapes.Created(id=container.id, warnings=warnings), 201)


async def inspect_container(request: Request, engine: Engine) -> Response:
    """``docker inspect``. The sizes that ``--size`` asks for are 0, as those of every Windows container."""
    found = engine.containers.find(request["id"]).inspect()
    if not request.version.at_least("1.45"):
        found = _with_all_aliases(found)
    if request.flag("size"):
        found = replace(found, size_rw=0, size_root_fs=0)
    return respond.json(found)


async def start_container(request: Request, engine: Engine) -> Response:
    """``docker start``."""
    refusals_later.check_checkpoint(request.text("checkpoint"))
    await engine.containers.start(engine.containers.find(request["id"]))
    return respond.empty()


async def stop_container(request: Request, engine: Engine) -> Response:
    """``docker stop``."""
    timeout = _timeout(request)
    container = engine.containers.find(request["id"])
    try:
        await engine.containers.stop(container, timeout, _stop_signal(request))
    except faults.BadRequest as fault:
        raise faults.Internal(f"cannot stop container: {request['id']}: {fault.message}") from None
    return respond.empty()


async def restart_container(request: Request, engine: Engine) -> Response:
    """``docker restart``."""
    timeout = _timeout(request)
    container = engine.containers.find(request["id"])
    try:
        await engine.containers.restart(container, timeout, _stop_signal(request))
    except faults.Fault as fault:  # whatever it was: moby keeps its words only
        raise faults.Internal(f"Cannot restart container {request['id']}: {fault.message}") from None
    return respond.empty()


async def kill_container(request: Request, engine: Engine) -> Response:
    """``docker kill``."""
    try:
        check_kill(signal := request.text("signal"))  # before the container is looked for, as moby does it
        await engine.containers.kill(engine.containers.find(request["id"]), signal)
    except faults.Fault as fault:
        raise type(fault)(f"cannot kill container: {request['id']}: {fault.message}") from None
    return respond.empty()


async def pause_container(request: Request, engine: Engine) -> Response:
    """``docker pause``: only Hyper-V containers can, on Windows."""
    container = engine.containers.find(request["id"])
    if not container.running:
        raise faults.not_running(container.id)
    raise refusals_later.pause(container.id)


async def unpause_container(request: Request, engine: Engine) -> Response:
    """``docker unpause``."""
    raise refusals_later.unpause(engine.containers.find(request["id"]).id)


async def wait_container(request: Request, engine: Engine) -> Response:
    """``docker wait``: the head goes out at once, the code when it is known."""
    condition = request.text("condition") if request.version.at_least("1.30") else ""
    condition = condition or "not-running"
    if condition not in ("not-running", "next-exit", "removed"):
        raise faults.BadRequest(f"invalid condition: {quoted(condition)}")
    container = engine.containers.find(request["id"])
    future = await engine.containers.wait(container, condition)

    async def answer() -> AsyncIterator[bytes]:
        yield b""
        try:
            waited = shapes.Waited(status_code=await future)
        except faults.Fault as fault:
            waited = shapes.Waited(error=shapes.WaitError(message=fault.message), status_code=container.exit_code)
        yield json.dumps(shapes.to_json(waited)).encode() + b"\n"

    return Response(200, answer(), respond.JSON)


async def rename_container(request: Request, engine: Engine) -> Response:
    """``docker rename``."""
    container = engine.containers.find(request["id"])
    if not request.text("name"):
        raise faults.BadRequest("Neither old nor new names may be empty")
    engine.containers.rename(container, request.text("name"))
    await asyncio.to_thread(engine.networks.rename, container.id, container.name)
    return respond.empty()


async def remove_container(request: Request, engine: Engine) -> Response:
    """``docker rm``."""
    container = engine.containers.find(request["id"])
    if request.flag("link"):  # there are none on Windows but the name itself (moby daemon/delete.go rmLink)
        raise faults.Internal("Conflict, cannot remove the default link name of the container")
    await engine.containers.remove(container, force=request.flag("force"), volumes=request.flag("v"))
    return respond.empty()


async def prune_containers(request: Request, engine: Engine) -> Response:
    """``docker container prune``."""
    filters = request.filters().check(("until", "label", "label!"))
    if len(filters.get("until")) > 1:
        raise faults.BadRequest("more than one until filter specified")
    until = until_of(filters.get("until"))
    gone = []
    for one in engine.containers:
        if one.running or one.status == "restarting" or (until is not None and one.created > until):
            continue
        if filters.labels(one.config.labels) and filters.without_labels(one.config.labels):
            with suppress(faults.Fault):  # somebody was quicker, or its folder cannot go: the others can
                await engine.containers.remove(one)
                gone.append(one.id)
    engine.events.publish(Event("container", "prune", "", {"reclaimed": "0"}))
    return respond.json(shapes.ContainersPruned(deleted=tuple(gone) or None))


async def top_container(request: Request, engine: Engine) -> Response:
    """``docker top``: as a Windows engine shows it (moby ``daemon/top_windows.go``)."""
    refusals_later.check_top(request.text("ps_args"))  # before the container is looked for, as moby does it
    container = engine.containers.find(request["id"])
    run = container.run
    if run is None:
        raise faults.not_running(container.id)
    rows = await asyncio.to_thread(run.box.processes)
    return respond.json(shapes.Top(titles=("Name", "PID", "CPU", "Private Working Set"), processes=tuple(
        (row.name, str(row.pid), *_usage(row.host_pid)) for row in container_processes(rows))))


async def resize_container(request: Request, engine: Engine) -> Response:
    """The client's terminal has another size."""
    container = engine.containers.find(request["id"])
    run = container.run
    if run is None:
        raise faults.not_running(container.id)
    rows, columns = request.number("h"), request.number("w")
    run.streams.resize(rows, columns)
    await asyncio.to_thread(run.box.resize, run.process, rows & CELLS, columns & CELLS)
    engine.events.publish(Event("container", "resize", container.id, {
        **container.attributes(), "height": str(rows), "width": str(columns)}))
    return respond.empty(200)


async def update_container(request: Request, engine: Engine) -> Response:
    """``docker update``: of a Windows container only the restart policy."""
    container = engine.containers.find(request["id"])
    asked = await request.json(shapes.UpdateRequest)
    engine.containers.check_there(container)
    container.host = refusals_later.check_update(container.id, container.host, asked, cpus=os.cpu_count() or 1,
                                                 version=request.version)
    container.save()
    engine.events.publish(Event("container", "update", container.id, container.attributes()))
    return respond.json(shapes.Updated())


async def export_container(request: Request, engine: Engine) -> Response:
    """``docker export``: a Windows engine never does."""
    engine.containers.find(request["id"])
    raise refusals_later.export()


async def container_stats(request: Request, engine: Engine) -> Response:
    """``docker stats``."""
    from ..containers.stats import stats_of

    container = engine.containers.find(request["id"])
    one_shot = request.version.at_least("1.41") and request.flag("one-shot")
    if request.flag("stream", True) and one_shot:
        raise faults.BadRequest("cannot have stream=true and one-shot=true")
    if not request.flag("stream", True):
        first: shapes.Stats | None = None
        if container.running and not one_shot:  # a client makes a rate of two
            first = await asyncio.to_thread(stats_of, container)
            await asyncio.sleep(1)
        return respond.json(await asyncio.to_thread(stats_of, container, first))

    async def lines() -> AsyncIterator[object]:
        before: shapes.Stats | None = None
        while container.status != "removing":
            before = await asyncio.to_thread(stats_of, container, before)
            yield before
            await asyncio.sleep(1)

    return respond.json_lines(lines())


async def checkpoints(_request: Request, _engine: Engine) -> Response:
    """``docker checkpoint``: never on Windows."""
    raise refusals_later.checkpoint()


def _timeout(request: Request) -> int | None:
    """Seconds of a stop. What is no number is 500: moby hands on what its parser says (container_routes.go)."""
    try:
        return request.number("t") if request.text("t") else None
    except faults.BadRequest as fault:
        raise faults.Internal(fault.message.replace("ParseInt", "Atoi")) from None


def _stop_signal(request: Request) -> str:
    """The signal that a stop or restart asks for, which clients could not say before API 1.42."""
    return request.text("signal") if request.version.at_least("1.42") else ""


def _platform(request: Request) -> Platform | None:
    return parse_platform(request.text("platform")) if request.version.at_least("1.41") else None


def _with_all_aliases(found: shapes.Inspect) -> shapes.Inspect:
    """As clients before API 1.45 knew it: the short id and the host's name are aliases, too, in networks that a user
    made."""
    more = (found.id[:12], found.config.hostname)
    networks = {name: place if net_model.is_predefined(name) else
                replace(place, aliases=tuple(dict.fromkeys((*(place.aliases or ()), *more))))
                for name, place in found.network_settings.networks.items()}
    return replace(found, network_settings=replace(found.network_settings, networks=networks))


def _usage(host_pid: int) -> tuple[str, str]:
    """CPU time and private memory of a process, as texts."""
    from ..containers.stats import cpu_seconds, private_bytes

    seconds = cpu_seconds(host_pid)
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    size = private_bytes(host_pid)
    return f"{int(hours):02}:{int(minutes):02}:{left:06.3f}", f"{size / 1e6:.3f}MB".replace(".000", "")


ROUTES = (
    Route("GET", "/containers/json", list_containers),
    Route("POST", "/containers/create", create_container),
    Route("POST", "/containers/prune", prune_containers, since="1.25", to_the_end=True),
    Route("GET", "/containers/{id}/json", inspect_container),
    Route("POST", "/containers/{id}/start", start_container, to_the_end=True),
    Route("POST", "/containers/{id}/stop", stop_container, to_the_end=True),
    Route("POST", "/containers/{id}/restart", restart_container, to_the_end=True),
    Route("POST", "/containers/{id}/kill", kill_container, to_the_end=True),
    Route("POST", "/containers/{id}/pause", pause_container, note="refused, as on Windows"),
    Route("POST", "/containers/{id}/unpause", unpause_container, note="refused, as on Windows"),
    Route("POST", "/containers/{id}/wait", wait_container),
    Route("POST", "/containers/{id}/rename", rename_container),
    Route("DELETE", "/containers/{id}", remove_container, to_the_end=True),
    Route("GET", "/containers/{id}/top", top_container),
    Route("POST", "/containers/{id}/resize", resize_container),
    Route("POST", "/containers/{id}/update", update_container, since="1.22"),
    Route("GET", "/containers/{id}/export", export_container, note="refused, as on Windows"),
    Route("GET", "/containers/{id}/stats", container_stats),
    Route("GET", "/containers/{id}/checkpoints", checkpoints, note="refused, as on Windows"),
    Route("POST", "/containers/{id}/checkpoints", checkpoints, note="refused, as on Windows"),
    Route("DELETE", "/containers/{id}/checkpoints/{checkpoint}", checkpoints, note="refused, as on Windows"),
)
