# SPDX-License-Identifier: Apache-2.0
"""The calls that are streams: attach, and logs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ...dockerapi import Hijacked, Request, Response, Route, faults, respond, streams
from ...dockerapi.duration import moment_text, parse_moment
from ...errors import FormatError
from ..containers.container import Container
from ..events import Event
from ..streams.detach import Detached, DetachKeys
from ..streams.lines import Wanted, read
from ..streams.log_options import details_of, limit_of
from ..streams.output import STDOUT, Held, Output
from ..streams.streams import Streams

if TYPE_CHECKING:
    from ..core import Engine


async def logs(request: Request, engine: Engine) -> Response:
    """``docker logs``."""
    if not (request.flag("stdout") or request.flag("stderr")):
        raise faults.BadRequest("Bad parameters: you must choose at least one stream")
    container = engine.containers.find(request["id"])
    if container.status in ("removing", "dead"):
        raise faults.Conflict("can not get logs from container which is dead or marked for removal")
    if container.host.log_config.type == "none":
        raise faults.NotImplemented("configured logging driver does not support reading")
    limit_of(container.host.log_config)  # moby opens the log here: options with wrong values are told
    tail = request.text("tail", "all")
    wanted = Wanted(request.flag("stdout"), request.flag("stderr"), _moment(request, "since"),
                    _moment(request, "until"), int(tail) if tail.isascii() and tail.isdigit() else -1,
                    request.flag("follow"))
    multiplexed, stamped = not container.config.tty, request.flag("timestamps")
    details = details_of(container) if request.flag("details") else b""

    async def pieces() -> AsyncIterator[bytes]:
        async for found in read(container.output, wanted):
            before = (moment_text(found.at, fixed=True).encode() + b" " if stamped else b"") + details
            lines = [before + line for line in found.lines] if before else found.lines
            yield streams.frame_each(found.stream, lines) if multiplexed else b"".join(lines)

    return respond.raw(pieces(), multiplexed=multiplexed and request.version.at_least("1.42"))


async def attach(request: Request, engine: Engine) -> None:
    """``docker attach``, and the half of ``docker run`` that shows output: before the start as after it."""
    wanted = Attached.asked(request, engine)
    with wanted.output.held() as held:
        connection = await request.hijack(multiplexed=not wanted.container.config.tty)
        await _attached(engine, wanted, connection, held)


async def attach_websocket(request: Request, engine: Engine) -> None:
    """Attach over a WebSocket: stdout and stderr are one stream of messages, and a close frame ends it."""
    wanted = Attached.asked(request, engine)
    if not request.version.at_least("1.42"):  # older clients get all streams, whatever they name
        wanted = replace(wanted, stdin=True, stdout=True, stderr=True)
    with wanted.output.held() as held:
        await _attached(engine, wanted, await request.websocket(), held)


@dataclass(frozen=True, slots=True)
class Attached:
    """What a client wants to see and to type, from which place of the output on."""

    container: Container
    keys: DetachKeys
    run: int
    start: int
    stream: bool
    stdin: bool
    stdout: bool
    stderr: bool

    @classmethod
    def asked(cls, request: Request, engine: Engine) -> Attached:
        """Read a request. BadRequest for keys that do not exist, Conflict for a container that cannot be attached."""
        keys = DetachKeys.parse(request.text("detachKeys"))
        container = engine.containers.find(request["id"])
        if container.status in ("removing", "dead"):
            raise faults.Conflict(f"container {container.id} is marked for removal")
        if container.status == "restarting":
            raise faults.Conflict(f"container {request['id']} is restarting, wait until the container is running")
        return cls(container, keys, container.output.run, 0 if request.flag("logs") else container.output.end,
                   *(request.flag(name) for name in ("stream", "stdin", "stdout", "stderr")))

    @property
    def output(self) -> Output:
        """The container's."""
        return self.container.output

    def shows(self, stream: int) -> bool:
        """Whether the client wants this stream (1 stdout, 2 stderr)."""
        return self.stdout if stream == STDOUT else self.stderr


async def _attached(engine: Engine, wanted: Attached, connection: Hijacked, held: Held) -> None:
    """Until the run is over, or the client is gone."""
    container = wanted.container
    engine.events.publish(Event("container", "attach", container.id, container.attributes()))
    async with connection:
        await connection.head_read()
        tasks = []
        if wanted.stream and wanted.stdin and container.config.open_stdin:
            tasks.append(asyncio.create_task(_input(container, connection, wanted.keys)))
        elif connection.ends_as_a_whole:
            tasks.append(asyncio.create_task(_unwanted(connection)))
        output = asyncio.create_task(_output(wanted, connection, held))
        try:
            await asyncio.wait([output, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if any(_left(task) for task in tasks):
                engine.events.publish(Event("container", "detach", container.id, container.attributes()))
            elif not output.done():
                await output
        finally:
            for task in (output, *tasks):
                task.cancel()
            await asyncio.gather(output, *tasks, return_exceptions=True)


def _left(task: asyncio.Task[bool]) -> bool:
    """Whether the client's side says that it is gone for good (detached), not that it will type no more."""
    return task.done() and not task.cancelled() and task.exception() is None and task.result()


async def _output(wanted: Attached, connection: Hijacked, held: Held) -> None:
    """Pass output on, from an offset, until the run is over: the one that goes on, or else the next."""
    output, start = wanted.output, wanted.start
    for after, chunk in output.chunks(start, held=held):
        start = after
        if wanted.shows(chunk.stream):
            await _send(wanted.container, connection, chunk.stream, chunk.data)
    if not wanted.stream:
        return
    await output.begun(wanted.run)
    async for chunk in output.follow(start, held):
        if wanted.shows(chunk.stream):
            await _send(wanted.container, connection, chunk.stream, chunk.data)


async def _send(container: Container, connection: Hijacked, stream: int, data: bytes) -> None:
    if container.config.tty:
        await connection.write(data)
    else:
        await connection.write_frame(stream, data)


async def _input(container: Container, connection: Hijacked, keys: DetachKeys) -> bool:
    """Pass on what the client types; true when it is gone: it typed the keys that detach, or closed as a whole."""
    while container.run is None:
        if container.status not in ("created", "restarting", "exited"):
            return False
        await asyncio.sleep(0.01)
    if await feed(container.run.streams, connection, keys if container.config.tty else None,
                  close=container.config.stdin_once):
        return True
    return connection.ends_as_a_whole and await _unwanted(connection)


async def _unwanted(connection: Hijacked) -> bool:
    """Read what a client sends to a program that takes no input, or no more of it; true when the client closes."""
    async for _unused in connection:
        pass
    return True


async def feed(target: Streams, connection: Hijacked, keys: DetachKeys | None, *, close: bool) -> bool:
    """From a connection into a program, until the client ends its direction; true when it detached."""
    async for data in connection:
        if keys is not None:
            try:
                data = keys.pass_on(data)
            except Detached as left:
                await target.write(left.before)
                return True
        if not await target.write(data):
            return False
    if close:
        target.close_input()
    return False


def _moment(request: Request, name: str) -> int:
    text = request.text(name)
    if not text or text == "0":
        return 0
    try:
        return parse_moment(text, now=time.time_ns())
    except FormatError as error:
        raise faults.BadRequest(str(error)) from None


ROUTES = (
    Route("GET", "/containers/{id}/logs", logs),
    Route("POST", "/containers/{id}/attach", attach),
    Route("GET", "/containers/{id}/attach/ws", attach_websocket),
)
