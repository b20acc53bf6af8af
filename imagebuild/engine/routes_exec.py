# SPDX-License-Identifier: Apache-2.0
"""``docker exec``: one more program in a running container."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..dockerapi import Hijacked, Request, Response, Route, faults, respond, shapes
from ..errors import WcowError
from ..sandbox.port import Command, Process
from .commandline import exec_line
from .container import Container
from .detach import DetachKeys
from .events import Event
from .routes_streams import feed
from .start_fault import start_fault
from .streams import CELLS, Streams
from .waiting import Waiting

if TYPE_CHECKING:
    from .core import Engine

KEPT_SECONDS = 300
"""How long a program that ended can be asked about."""


@dataclass(slots=True, eq=False)
class Exec:
    """One program, asked for, running or ended."""

    id: str
    container: Container
    asked: shapes.ExecCreate
    process: Process | None = None
    streams: Streams | None = None
    code: int | None = None
    asked_to_start: bool = False
    ended_at: float = 0.0

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
    _forget(engine)
    made = Exec(secrets.token_hex(32), container, asked)
    engine.execs[made.id] = made
    container.execs.append(made.id)
    _tell(made, engine, f"exec_create: {' '.join(asked.cmd)}")
    return respond.json(shapes.Id(id=made.id), 201)


async def start_exec(request: Request, engine: Engine) -> Response | None:
    """Start it, attached unless ``Detach`` says otherwise."""
    made = _find(engine, request["id"])
    asked = await request.json(shapes.ExecStart)
    if made.asked_to_start:
        raise faults.Conflict(f"Error: Exec command {made.id} has already run")
    if not made.container.running:
        raise faults.not_running(made.container.id)
    made.asked_to_start = True
    waiting = Waiting()
    made.streams = Streams(waiting.put, tty=made.asked.tty, stdin=made.asked.attach_stdin and not asked.detach)
    waiting.source = made.streams
    if asked.detach:
        waiting.drop()
    # A client that leaves now must not take away the descriptors that a thread is giving to the program.
    await asyncio.shield(engine.keep(_start(made, asked)))
    _tell(made, engine, f"exec_start: {' '.join(made.asked.cmd or ())}")
    finish = engine.keep(_finish(made, engine))
    if asked.detach:
        return respond.empty(200)
    try:
        connection = await request.hijack(multiplexed=not made.asked.tty)
        async with connection:
            await connection.head_read()
            if await _attached(made, connection, waiting, finish):
                _tell(made, engine, "exec_detach")
    finally:
        waiting.drop()
    return None


async def _attached(made: Exec, connection: Hijacked, waiting: Waiting, finish: asyncio.Task[None]) -> bool:
    """Pass on both ways until the program has ended, or the client types the keys to detach (then true)."""
    assert made.streams is not None
    keys = DetachKeys.parse(made.asked.detach_keys) if made.asked.tty else None
    typing = asyncio.create_task(feed(made.streams, connection, keys, close=True)) if made.asked.attach_stdin else None
    try:
        while not (finish.done() and waiting.empty):
            getting = asyncio.create_task(waiting.get())
            tasks: list[asyncio.Task[Any]] = [getting, finish]
            if typing is not None and not typing.done():
                tasks.append(typing)
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
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
                return True
        return False
    finally:
        if typing is not None:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)


async def _start(made: Exec, asked: shapes.ExecStart) -> None:
    assert made.streams is not None
    try:
        run = made.container.run
        if run is None:
            raise faults.not_running(made.container.id)
        size = asked.console_size or made.asked.console_size
        if made.asked.tty and size and all(size):
            made.streams.resize(*size)
        environment = dict(line.partition("=")[::2] for line in made.asked.env or ())
        command = Command(exec_line(made.asked.cmd or ()), made.asked.working_dir or made.container.config.working_dir,
                          environment, tty=made.asked.tty)
        made.process = await asyncio.to_thread(run.box.exec, command, made.streams.stdio)
    except BaseException as error:
        made.streams.close()
        made.ended_at = time.monotonic()
        fault, made.code = start_fault(error, made.container.id, exec_line(made.asked.cmd or ()))
        if isinstance(error, WcowError):
            raise fault from error
        raise
    made.streams.started()


async def _finish(made: Exec, engine: Engine) -> None:
    assert made.process is not None
    assert made.streams is not None
    code = await asyncio.wrap_future(made.process.ended)
    await made.streams.ended()
    made.code, made.ended_at = code, time.monotonic()
    if made.id in made.container.execs:
        made.container.execs.remove(made.id)
    _tell(made, engine, "exec_die", exitCode=str(code))


def _tell(made: Exec, engine: Engine, action: str, **more: str) -> None:
    engine.events.publish(Event("container", action, made.container.id,
                                {**made.container.attributes(), "execID": made.id, **more}))


def _forget(engine: Engine) -> None:
    """Let go of what ended some minutes ago, and of what was asked of a run that is over (moby does so, too)."""
    now = time.monotonic()
    for made in tuple(engine.execs.values()):
        over = made.ended_at + KEPT_SECONDS < now if made.ended_at else \
            not made.asked_to_start and not made.container.running
        if over:
            del engine.execs[made.id]
            if made.id in made.container.execs:
                made.container.execs.remove(made.id)


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
        await asyncio.to_thread(run.box.resize, made.process, rows & CELLS, columns & CELLS)
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
