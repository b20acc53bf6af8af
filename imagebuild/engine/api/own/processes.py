# SPDX-License-Identifier: Apache-2.0
"""A call of our own: which processes of this machine the containers' programs are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, respond
from ....dockerapi.shape import Shape, key, shape
from ....runtime.port import ProcessRow

if TYPE_CHECKING:
    from ...core import Engine


LAUNCHER = "launcher.exe"


@shape("wcow.Process")
class ProcessOf(Shape):
    """One program of a container: its ids in Windows and on this machine (0: not known), its name, its job."""

    pid: int = key("Pid")
    host_pid: int = key("HostPid")
    name: str = key("Name")
    job: str = key("Job")


@shape("wcow.Container")
class ProcessesOf(Shape):
    """A container that runs."""

    id: str = key("Id")
    name: str = key("Name")
    processes: tuple[ProcessOf, ...] = key("Processes")


def container_processes(rows: Iterable[ProcessRow]) -> list[ProcessRow]:
    """Return the rows without the engine's own launcher, which starts the container's programs and is outside of the
    job that they are in. A program of the image that has its name is in the job, and is shown."""
    return [row for row in rows if row.job or row.name.lower() != LAUNCHER]


async def list_processes(request: Request, engine: Engine) -> Response:
    """``wcow ps``."""
    found = []
    for one in engine.containers:
        run = one.run
        if run is not None:
            rows = await asyncio.to_thread(run.box.processes)
            found.append(ProcessesOf(id=one.id, name=one.name, processes=tuple(
                ProcessOf(pid=row.pid, host_pid=row.host_pid, name=row.name, job=row.job)
                for row in container_processes(rows))))
    return respond.json(found)


ROUTES = (Route("GET", "/wcow/processes", list_processes, note="ours: for wcow ps"),)
