# SPDX-License-Identifier: Apache-2.0
"""``docker exec``: one more program in a running container."""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...dockerapi import Hijacked, Request, Response, Route, faults, respond, shapes
from ...dockerapi.streams import STDERR, STDOUT
from ...errors import WcowError
from ...runtime.port import Command, Process
from ..containers.commandline import exec_line
from ..containers.container import Container
from ..containers.start_fault import exec_fault
from ..events import Event
from ..streams.detach import DetachKeys
from ..streams.streams import CELLS, Streams
from ..streams.waiting import Waiting
from .streams import feed

if TYPE_CHECKING:
    from ..core import Engine

KEPT_SECONDS = 300
"""How long a program that ended can be asked about."""
START_SECONDS = 10
"""How long a resize waits for the start: a client's terminal may change before its program is there."""


@dataclass(slots=True, eq=False)
class Exec:
    """One program, asked for, running or ended."""

    id: str
    container: Container
    asked: shapes.ExecCreate
    raw: str = ""  #: a whole command line, which is given to the program as it is
    process: Process | None = None
    streams: Streams | None = None
    code: int | None = None
    asked_to_start: bool = False
    ended_at: float = 0.0
    tried: asyncio.Event = field(default_factory=asyncio.Event)  #: its start came about, or failed

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return self.process is not None and self.code is None

    @property
    def words(self) -> tuple[str, ...]:
        """Program and arguments; of a raw command line, that alone."""
        return (self.raw,) if self.raw else self.asked.cmd or ()

    @property
    def line(self) -> str:
        """What Windows is asked to run."""
        return self.raw or exec_line(self.words)


async def create_exec(request: Request, engine: Engine) -> Response:
    """Ask for a program."""
    container = engine.containers.find(request["id"])
    return respond.json(shapes.Id(id=keep_exec(engine, container, await request.json(shapes.ExecCreate)).id), 201)


def keep_exec(engine: Engine, container: Container, asked: shapes.ExecCreate, raw: str = "") -> Exec:
    """Remember a program that was asked for, by its words or by a raw command line."""
    if not (raw or asked.cmd):
        raise faults.BadRequest("No exec command specified")
    _check_active(container)
    try:
        DetachKeys.parse(asked.detach_keys)
    except faults.BadRequest:
        raise faults.Internal(f"Invalid escape keys ({asked.detach_keys}) provided") from None
    _forget(engine)
    made = Exec(secrets.token_hex(32), container, asked, raw)
    engine.execs[made.id] = made
    container.execs.append(made.id)
    _tell(made, engine, f"exec_create: {_command(made)}")
    return made


async def start_exec(request: Request, engine: Engine) -> Response | None:
    """Start it, attached unless ``Detach`` says otherwise."""
    made = find_exec(engine, request["id"])
    asked = await request.json(shapes.ExecStart)
    check_running(engine, made)
    if asked.detach:
        await _begin(made, asked, engine, Waiting())
        return respond.empty(200)
    await _start_attached(request, engine, made, asked)
    return None


async def _start_attached(request: Request, engine: Engine, made: Exec, asked: shapes.ExecStart) -> None:
    """Take the connection over, start the program, and pass on what it says.

    The connection is a stream before anything is tried, so what goes wrong at the start is a text on stdout, as in moby
    (``api/server/router/container/exec.go``). The frames are those that the start asks for, not the create.
    """
    waiting = Waiting()
    connection = await request.hijack(multiplexed=not asked.tty)
    try:
        async with connection:
            try:
                finish = await _begin(made, asked, engine, waiting)
            except Exception as error:
                await _write(connection, asked, STDOUT, f"{faults.of_error(error).message}\r\n".encode())
                if isinstance(error, WcowError):
                    return
                raise
            await connection.head_read()
            if await _attached(made, asked, connection, waiting, finish):
                _tell(made, engine, "exec_detach")
    finally:
        waiting.drop()


async def _begin(made: Exec, asked: shapes.ExecStart, engine: Engine, waiting: Waiting) -> asyncio.Task[None]:
    """Start the program, once; the task ends when all that it said has come. Its fault is what a client is told."""
    check_running(engine, made)
    if made.asked_to_start:
        state = "is already running" if made.code is None else "has already run"
        raise faults.Conflict(f"Error: Exec command {made.id} {state}")
    made.asked_to_start = True
    made.streams = Streams(waiting.put, tty=made.asked.tty, stdin=made.asked.attach_stdin and not asked.detach)
    waiting.source = made.streams
    if asked.detach:
        waiting.drop()
    _tell(made, engine, f"exec_start: {_command(made)}")
    # A client that leaves now must not take away the descriptors that a thread is giving to the program.
    await asyncio.shield(engine.keep(_start(made, asked)))
    return engine.keep(_finish(made, engine))


async def _attached(made: Exec, asked: shapes.ExecStart, connection: Hijacked, waiting: Waiting,
                    finish: asyncio.Task[None]) -> bool:
    """Pass on both ways until the program has ended, or the client types the keys to detach (then true). A client that
    wants no output is let go when it has sent its input."""
    assert made.streams is not None
    wanted = {stream for stream, on in ((STDOUT, made.asked.attach_stdout), (STDERR, made.asked.attach_stderr)) if on}
    keys = DetachKeys.parse(made.asked.detach_keys) if made.asked.tty else None
    typing = asyncio.create_task(feed(made.streams, connection, keys, close=True)) if made.asked.attach_stdin else None
    try:
        while not (finish.done() and waiting.empty):
            getting = asyncio.create_task(waiting.get())
            tasks: list[asyncio.Task[Any]] = [getting, finish]
            if typing is not None and not typing.done():
                tasks.append(typing)
            elif not wanted:
                getting.cancel()
                return False
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not getting.done():
                getting.cancel()
            else:
                stream, data = getting.result()
                if stream in wanted:
                    await _write(connection, asked, stream, data)
            if typing is not None and typing.done() and not typing.cancelled() and typing.exception() is None and \
                    typing.result():
                return True
        return False
    finally:
        if typing is not None:
            typing.cancel()
            await asyncio.gather(typing, return_exceptions=True)


async def _write(connection: Hijacked, asked: shapes.ExecStart, stream: int, data: bytes) -> None:
    if asked.tty:
        await connection.write(data)
    else:
        await connection.write_frame(stream, data)


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
        command = Command(made.line, made.asked.working_dir or made.container.config.working_dir,
                          environment, tty=made.asked.tty, user=made.asked.user)
        made.process = await asyncio.to_thread(run.box.exec, command, made.streams.stdio)
    except BaseException as error:
        made.streams.close()
        made.ended_at = time.monotonic()
        if made.id in made.container.execs:
            made.container.execs.remove(made.id)
        fault, made.code = exec_fault(error, made.container.id, made.line)
        made.tried.set()
        if isinstance(error, WcowError):
            raise fault from error
        raise
    made.streams.started()
    made.tried.set()


async def _finish(made: Exec, engine: Engine) -> None:
    assert made.process is not None
    assert made.streams is not None
    code = await asyncio.wrap_future(made.process.ended)
    await made.streams.ended()
    made.code, made.ended_at = code, time.monotonic()
    if made.id in made.container.execs:
        made.container.execs.remove(made.id)
    _tell(made, engine, "exec_die", exitCode=str(code))


def check_running(engine: Engine, made: Exec) -> None:
    """Refuse what moby's ``getExecConfig`` refuses: a container that is gone, or does not run."""
    container = made.container
    if container not in engine.containers:
        raise faults.no_such_container(made.id)
    _check_active(container)


def _check_active(container: Container) -> None:
    if container.status == "restarting":
        raise faults.is_restarting(container.id)
    if not container.running:
        raise faults.not_running(container.id)


def _command(made: Exec) -> str:
    """The command as events write it: a blank stands behind the program, arguments or none."""
    program, *arguments = made.words
    return f"{program} {' '.join(arguments)}"


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
    made = find_exec(engine, request["id"])
    if made.container not in engine.containers:
        raise faults.no_such_exec(made.id)
    words = made.words
    return respond.json(shapes.ExecInspect(
        id=made.id, running=made.running, exit_code=made.code, open_stdin=made.asked.attach_stdin,
        open_stdout=made.asked.attach_stdout, open_stderr=made.asked.attach_stderr, container_id=made.container.id,
        detach_keys=made.asked.detach_keys, pid=made.process.host_pid if made.process and made.running else 0,
        process_config=shapes.ExecProcess(tty=made.asked.tty, entrypoint=words[0], arguments=tuple(words[1:]),
                                          user=made.asked.user or made.container.config.user)))


async def resize_exec(request: Request, engine: Engine) -> Response:
    """The client's terminal has another size."""
    made = find_exec(engine, request["id"])
    rows, columns = request.number("h"), request.number("w")
    check_running(engine, made)
    await await_start(made)
    if made.process is None:
        raise faults.BadRequest("exec process is not started")
    if not made.running or made.streams is None:
        raise faults.Conflict(f"exec {made.id} is not running")
    made.streams.resize(rows, columns)
    run = made.container.run
    if run is not None and made.process is not None:
        await asyncio.to_thread(run.box.resize, made.process, rows & CELLS, columns & CELLS)
    return respond.empty(200)


async def await_start(made: Exec) -> None:
    """Return when its start came about or failed; Internal after :data:`START_SECONDS`."""
    try:
        await asyncio.wait_for(made.tried.wait(), START_SECONDS)
    except TimeoutError:
        raise faults.Internal("timeout waiting for exec session ready") from None


def find_exec(engine: Engine, identifier: str) -> Exec:
    """The exec of this id; NotFound."""
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
