# SPDX-License-Identifier: Apache-2.0
"""A client of the docker SDK that loses no output.

The SDK reads an exec's or an attached container's stream from the socket, past the buffer in which ``http.client`` has
read the head; what came with the head in one packet is lost (docker/docker-py#3332, #2042). Its connections get a
buffer of one byte here, so that nothing is read too far.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .engine import Engine


class CarefulResponse(http.client.HTTPResponse):
    """An answer whose head is read without what follows it."""

    def __init__(self, sock: socket.socket, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        raw = sock.makefile("rb", buffering=0)
        self.fp = io.BufferedReader(raw, 1)


def open_docker(engine: Engine) -> Any:
    """A ``docker.DockerClient`` of the engine. Raises DependencyError when the SDK is not installed."""
    try:
        import docker  # type: ignore[import-untyped]
    except ImportError:
        from imagebuild.errors import DependencyError

        raise DependencyError("cannot make a client of the docker SDK",
                              why="the Python package docker is not installed",
                              hint="pip install docker", package="docker") from None
    environment = {**os.environ, **engine.env}
    client = docker.from_env(timeout=120, environment=environment)
    for adapter in client.api.adapters.values():
        for name in ("get_connection", "get_connection_with_tls_context"):
            if hasattr(adapter, name):
                setattr(adapter, name, _careful(getattr(adapter, name)))
    return client


def _careful(get: Any) -> Any:
    def getting(*args: Any, **more: Any) -> Any:
        pool = get(*args, **more)
        if not getattr(pool, "_wcow_careful", False):
            make = pool._new_conn

            def new() -> Any:
                connection = make()
                connection.response_class = CarefulResponse
                return connection

            pool._new_conn, pool._wcow_careful = new, True
        return pool

    return getting
