# SPDX-License-Identifier: Apache-2.0
"""Calls of our own for the named pipes of a container: served and closed while it runs.

A stand-in host opens its ``docker_engine`` when its service is started and closes it with that service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, faults, respond
from ....dockerapi.shape import key, shape
from ...containers.run import Run
from ...streams.pipes import PipeRelay
from .sockets import socket_of

if TYPE_CHECKING:
    from ...core import Engine


@shape("wcow.Pipe")
class Pipe:
    """The body of ``PUT /wcow/containers/{id}/pipes/{name}``: the path of a Unix socket of this machine, to which each
    connection of the pipe goes."""

    socket: str = key("Socket")


async def open_pipe(request: Request, engine: Engine) -> Response:
    """Serve the pipe `\\\\.\\pipe\\NAME` in a running container by a socket of this machine; of one that is served,
    change the socket."""
    container = engine.containers.find(request["id"])
    asked = await request.json(Pipe)
    path = socket_of(engine.settings, asked.socket)
    async with engine.containers.locked(container):
        run = _running(container.run, container.id)
        if run.pipes is None:
            relay = PipeRelay()
            await relay.start(run.box, {})
            run.pipes = relay
        await run.pipes.open(request["name"], path)
    return respond.empty(204)


async def close_pipe(request: Request, engine: Engine) -> Response:
    """Serve a pipe no more, and end its connections."""
    container = engine.containers.find(request["id"])
    async with engine.containers.locked(container):
        run = _running(container.run, container.id)
        if run.pipes is not None:
            await run.pipes.close(request["name"])
    return respond.empty(204)


def _running(run: Run | None, identifier: str) -> Run:
    if run is None:
        raise faults.not_running(identifier)
    return run


ROUTES = (
    Route("PUT", "/wcow/containers/{id}/pipes/{name}", open_pipe, note="ours: a host's docker_engine"),
    Route("DELETE", "/wcow/containers/{id}/pipes/{name}", close_pipe, note="ours: a host's docker_engine"),
)
