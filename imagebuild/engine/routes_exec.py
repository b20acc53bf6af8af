# SPDX-License-Identifier: Apache-2.0
"""``docker exec``: one more program in a running container."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..dockerapi import Hijacked, Request, Response, Route, faults, respond, shapes
from ..sandbox.port import Command, Process
from .commandline import exec_line
from .container import Container
from .detach import DetachKeys
from .events import Event
from .routes_streams import APART, feed
from .streams import Streams

if TYPE_CHECKING:
    from .core import Engine


@dataclass(slots=True, eq=False)
class Exec:
    """One program, asked for, running or ended."""

    id: str
    container: Container
    asked: shapes.ExecCreate
    process: Process | None = None
    streams: Streams | None = None
    code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.code is None


async def create_exec(request: Request, engine: Engine) -> Response:
    """Ask for a program."""
    container = engine.containers.find(request["id"])
    asked = await request.json(shapes.ExecCreate)
    if not asked.cmd:
        raise faults.BadRequest("No exec command specified")
    if not container.running:
        raise faults.not_running(container.id)
    DetachKeys.parse(asked.detach_keys)
    made = Exec(secrets.token_hex(32), container, asked)
    engine.execs[made.id] = made
    container.execs.append(made.id)
    engine.events.publish(Event("container", f"exec_create: {' '.join(asked.cmd)}", container.id,
                                {**container.attributes(), "execID": made.id}))
    return respond.json(shapes.Id(id=made.id), 201)


async def start_exec(request: Request, engine: Engine) -> Response | None:
    """Start it, attached unless ``Detach`` says otherwise."""
    made = _find(engine, request["id"])
    asked = await request.json(shapes.ExecStart)
    if made.process is not None:
        raise faults.Conflict(f"Error: Exec command {made.id} has already run")
    if not made.container.running:
        raise faults.not_running(made.container.id)
    engine.events.publish(Event("container", f"exec_start: {' '.join(made.asked.cmd or ())}", made.container.id,
                                {**made.container.attributes(), "execID": made.id}))
    if asked.detach:
        made.streams = _streams(made, lambda stream, data: None, stdin=False)
        await _start(made, asked)
        engine.keep(_finish(made, engine))
        return respond.empty(200)
    queue: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
    made.streams = _streams(made, lambda stream, data: queue.put_nowait((stream, data)), stdin=made.asked.attach_stdin)
    try:
        await _start(made, asked)
    except BaseException:
        made.streams.close()
        raise
    finish = engine.keep(_finish(made, engine))
    connection = await request.hijack(multiplexed=not made.asked.tty)
    async with connection:
        await asyncio.sleep(APART)
        await _attached(made, connection, queue, finish)
    return None


async def _attached(made: Exec, connection: Hijacked, queue: asyncio.Queue[tuple[int, bytes]],
                    finish: asyncio.Task[None]) -> None:
    assert made.streams is not None
    keys = DetachKeys.parse(made.asked.detach_keys) if made.asked.tty else None
    typing = asyncio.create_task(feed(made.streams, connection, keys, close=True)) if made.asked.attach_stdin else None
    try:
        while not (finish.done() and queue.empty()):
            getting = asyncio.create_task(queue.get())
            waiting: list[asyncio.Task[object]] = [getting, finish]
            if typing is not None and not typing.done():
                waiting.append(typing)
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
            else:
                stream, data = getting.result()
                if made.asked.tty:
                    await connection.write(data)
                else:
                    await connection.write_frame(stream, data)
            if typing is not None and typing.done() and not typing.cancelled() and typing.exception() is None and \
                    typing.result():
                return
    finally:
        if typing is not None:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)


def _streams(made: Exec, sink: object, *, stdin: bool) -> Streams:
    return Streams(sink, tty=made.asked.tty, stdin=stdin)  # type: ignore[arg-type]


async def _start(made: Exec, asked: shapes.ExecStart) -> None:
    run = made.container.run
    if run is None or made.streams is None:
        raise faults.not_running(made.container.id)
    size = asked.console_size or made.asked.console_size
    if made.asked.tty and size and all(size):
        made.streams.resize(*size)
    environment = dict(line.partition("=")[::2] for line in made.asked.env or ())
    command = Command(exec_line(made.asked.cmd or ()), made.asked.working_dir or made.container.config.working_dir,
                      environment, tty=made.asked.tty)
    made.process = await asyncio.to_thread(run.box.exec, command, made.streams.stdio)
    made.streams.started()


async def _finish(made: Exec, engine: Engine) -> None:
    assert made.process is not None
    assert made.streams is not None
    code = await asyncio.wrap_future(made.process.ended)
    await made.streams.ended()
    made.code = code
    made.ended.set()
    if made.id in made.container.execs:
        made.container.execs.remove(made.id)
    engine.events.publish(Event("container", "exec_die", made.container.id,
                                {**made.container.attributes(), "execID": made.id, "exitCode": str(code)}))


async def inspect_exec(request: Request, engine: Engine) -> Response:
    """How it went."""
    made = _find(engine, request["id"])
    words = made.asked.cmd or ("",)
    return respond.json(shapes.ExecInspect(
        id=made.id, running=made.running, exit_code=made.code, open_stdin=made.asked.attach_stdin,
        open_stdout=made.asked.attach_stdout, open_stderr=made.asked.attach_stderr, container_id=made.container.id,
        detach_keys=made.asked.detach_keys, pid=made.process.host_pid if made.process and made.running else 0,
        process_config=shapes.ExecProcess(tty=made.asked.tty, entrypoint=words[0], arguments=tuple(words[1:]),
                                          user=made.asked.user)))


async def resize_exec(request: Request, engine: Engine) -> Response:
    """The client's terminal has another size."""
    made = _find(engine, request["id"])
    if not made.running or made.streams is None:
        raise faults.Conflict(f"exec {made.id} is not running")
    rows, columns = request.number("h"), request.number("w")
    made.streams.resize(rows, columns)
    run = made.container.run
    if run is not None and made.process is not None:
        await asyncio.to_thread(run.box.resize, made.process, rows, columns)
    return respond.empty(200)


def _find(engine: Engine, identifier: str) -> Exec:
    made = engine.execs.get(identifier)
    if made is None:
        raise faults.no_such_exec(identifier)
    return made


ROUTES = (
    Route("POST", "/containers/{id}/exec", create_exec),
    Route("POST", "/exec/{id}/start", start_exec),
    Route("GET", "/exec/{id}/json", inspect_exec),
    Route("POST", "/exec/{id}/resize", resize_exec),
)
