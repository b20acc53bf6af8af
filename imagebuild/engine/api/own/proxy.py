# SPDX-License-Identifier: Apache-2.0
"""A call of our own for the HTTP proxy of a container: builds see by it what a RUN downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, faults, respond
from ....dockerapi.shape import key, shape
from ...streams.webproxy import WebProxy
from .sockets import socket_of

if TYPE_CHECKING:
    from ...core import Engine


@shape("wcow.Proxy")
class Proxy:
    """The body of ``PUT /wcow/containers/{id}/proxy``: the path of a Unix socket of this machine where an HTTP proxy
    listens, and certificates (PEM) that the container's programs are to trust."""

    socket: str = key("Socket")
    certificates: str = key("Certificates")


async def put_proxy(request: Request, engine: Engine) -> Response:
    """Give the programs of a container a proxy, from its next start on: `HTTP_PROXY` and its sisters are in their
    environment, and neither the container's record nor a commit of it has any of it."""
    container = engine.containers.find(request["id"])
    asked = await request.json(Proxy)
    path = socket_of(engine.settings, asked.socket)
    async with engine.containers.locked(container):
        if container.running:
            raise faults.Conflict(f"container {container.id} is running: a proxy is given to one that is not")
        container.proxy = WebProxy(path, asked.certificates.encode())
    return respond.empty(204)


ROUTES = (
    Route("PUT", "/wcow/containers/{id}/proxy", put_proxy, note="ours: what a RUN downloads"),
)
