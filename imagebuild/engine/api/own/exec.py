# SPDX-License-Identifier: Apache-2.0
"""Calls of our own for execs: a raw command line, the end of all that an exec started, Ctrl-C.

Docker's exec takes words, from which the engine makes the one line that Windows gives a program. A service such as
WinRM is handed that line by its client, and has to pass it on unchanged. The answer of the creation, the start, the
inspection (``ExitCode`` has all 32 bits) and the resize are those of every exec; its ``entrypoint`` is the line.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, faults, respond, shapes
from ....dockerapi.shape import key, shape
from ....runtime.port import Keys
from ..exec import await_start, check_running, find_exec, keep_exec

if TYPE_CHECKING:
    from ...core import Engine

LONGEST_LINE = 32_767
"""UTF-16 units of a command line, its NUL among them: the limit of CreateProcess ("CreateProcessW function")."""
_KEYS: dict[str, Keys] = {"INT": "ctrl-c", "SIGINT": "ctrl-c", "2": "ctrl-c",
                          "BREAK": "ctrl-break", "SIGBREAK": "ctrl-break", "21": "ctrl-break"}
"""Names and numbers of signals as the C library of Windows has them (``signal.h``)."""
_KILL = {"", "KILL", "SIGKILL", "9"}


@shape("wcow.ExecLine")
class ExecLine(shapes.ExecCreate):
    """The body of ``POST /wcow/containers/{id}/exec``: that of ``POST /containers/{id}/exec`` with ``CommandLine`` in
    place of ``Cmd``."""

    command_line: str = key("CommandLine")


async def create_exec_line(request: Request, engine: Engine) -> Response:
    """Ask for a program by a raw command line, `CommandLine` in place of `Cmd`: it arrives as it is."""
    container = engine.containers.find(request["id"])
    asked = await request.json(ExecLine)
    if asked.cmd:
        raise faults.BadRequest("Cmd and CommandLine exclude each other")
    line = asked.command_line
    if not line.strip():
        raise faults.BadRequest("No exec command specified")
    if "\0" in line:
        raise faults.BadRequest("CommandLine has a NUL character, which no program of Windows can be given")
    if len(line.encode("utf-16-le", "surrogatepass")) // 2 >= LONGEST_LINE:
        raise faults.BadRequest(f"CommandLine is longer than Windows takes: {LONGEST_LINE - 1} UTF-16 units")
    return respond.json(shapes.Id(id=keep_exec(engine, container, asked, line).id), 201)


async def kill_exec(request: Request, engine: Engine) -> Response:
    """End the program and all that it started, at once, also what it left behind; `signal=INT` or `BREAK` presses
    Ctrl-C or Ctrl-Break at its console."""
    made = find_exec(engine, request["id"])
    signal = request.text("signal").upper()
    if signal not in _KEYS and signal not in _KILL:
        raise faults.BadRequest(f"Invalid signal: {request.text('signal')}: an exec can get KILL, INT and BREAK")
    check_running(engine, made)
    if made.asked_to_start:
        await await_start(made)
    process = made.process
    if process is None or (signal in _KEYS and not made.running):
        raise faults.Conflict(f"exec {made.id} is not running")
    if signal in _KEYS:
        await asyncio.to_thread(process.press, _KEYS[signal])
    else:
        await asyncio.to_thread(process.kill)
    return respond.empty(204)


ROUTES = (
    Route("POST", "/wcow/containers/{id}/exec", create_exec_line, note="ours: for services that are handed a line"),
    Route("POST", "/wcow/exec/{id}/kill", kill_exec, to_the_end=True, note="ours: Docker cannot end an exec"),
)
