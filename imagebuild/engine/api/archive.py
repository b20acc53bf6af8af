# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` and ``docker diff``."""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import TYPE_CHECKING, BinaryIO, cast

from ...dockerapi import Request, Response, Route, faults, gojson, respond, shapes
from ...dockerapi.duration import moment_text
from ...errors import NotFoundError, StoreError
from ...runtime.snapshots import archive
from ...runtime.snapshots.archive import Asked, PathStat
from ...runtime.snapshots.archive_write import write
from ...runtime.snapshots.drive import Drive
from ..containers import changed
from ..containers.container import Container
from ..events import Event
from ..validation import runtime as refusals_later

if TYPE_CHECKING:
    from ..core import Engine

SPOOLED = 8 << 20
"""Bytes of an archive that are kept in memory; the rest waits in a file."""
_UNIX_CLIENT = re.compile(r"Docker-Client/\S+ \((?!windows\))")
"""The docker command on another system than Windows, as its User-Agent tells it: ``Docker-Client/26.1.5 (linux)``."""


async def stat_path(request: Request, engine: Engine) -> Response:
    """The facts of a path, in a header."""
    container, asked = _asked(request, engine)
    async with _opened(engine, container) as drive:
        found = await asyncio.to_thread(_stat, drive, asked, request)
    return Response(200, b"", headers=(_header(found, request),))


async def get_archive(request: Request, engine: Engine) -> Response:
    """A file or folder as a tar."""
    container, asked = _asked(request, engine)
    async with _opened(engine, container) as drive:
        found = await asyncio.to_thread(_stat, drive, asked, request)
        pieces = await asyncio.to_thread(archive.read, drive, asked, slashes=_takes_slashes(request))
    _tell(engine, container, "archive-path")

    async def body() -> AsyncIterator[bytes]:
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    return respond.tar(body(), headers=(_header(found, request),))


async def put_archive(request: Request, engine: Engine) -> Response:
    """A tar into a folder of the container."""
    container, asked = _asked(request, engine)
    replace = not request.flag("noOverwriteDirNonDir")
    with _spool(engine) as spool:
        async for data in request.body:
            await asyncio.to_thread(_keep, spool, data)
        spool.seek(0)
        async with _opened(engine, container, to_write=True) as drive:
            try:
                await asyncio.to_thread(write, drive, asked.parts, spool, replace_folders=replace)
            except NotFoundError:
                raise _no_such_file(request) from None
    _tell(engine, container, "extract-to-dir")
    return respond.empty(200)


async def changes(request: Request, engine: Engine) -> Response:
    """``docker diff``: of a container that does not run, with paths of a layer, as Windows tells it."""
    container = engine.containers.find(request["id"])
    refusals_later.check_changes(container.running)
    found = await asyncio.to_thread(lambda: changed.listed(changed.files(engine.images, container)))
    return respond.json(found or None)


def _asked(request: Request, engine: Engine) -> tuple[Container, Asked]:
    container = engine.containers.find(request["id"])
    path = request.text("path")
    if not path:
        raise faults.BadRequest("bad parameter: path cannot be empty")
    if _takes_slashes(request) and path.upper() == "C:":  # what such a client makes of C:/x when it takes the x away
        path += "/"
    return container, changed.asked(path)


@asynccontextmanager
async def _opened(engine: Engine, container: Container, *, to_write: bool = False) -> AsyncIterator[Drive]:
    """The container's drive. One that does not run is not started while it is written to."""
    while True:
        if (run := container.run) is not None:
            try:
                drive = await asyncio.to_thread(changed.running_drive, run)
            except NotFoundError:
                await asyncio.shield(run.ended)
                continue
            yield drive
            return
        async with engine.containers.locked(container) if to_write else nullcontext():
            if container.run is None:
                engine.containers.check_there(container)
                yield await asyncio.to_thread(changed.stopped_drive, engine.images, container)
                return


@contextmanager
def _spool(engine: Engine) -> Iterator[BinaryIO]:
    with tempfile.SpooledTemporaryFile(SPOOLED, dir=str(engine.settings.root)) as file:
        yield cast("BinaryIO", file)


def _keep(spool: BinaryIO, data: bytes) -> None:
    try:
        spool.write(data)
    except OSError as error:
        raise StoreError("cannot keep the archive that the client sends", why=error.strerror or str(error),
                         code=error.errno) from error


def _stat(drive: Drive, asked: Asked, request: Request) -> PathStat:
    try:
        return archive.stat(drive, asked)
    except NotFoundError:
        raise _no_such_file(request) from None


def _no_such_file(request: Request) -> faults.NotFound:
    return faults.no_such_file(request.text("path"), request["id"])


def _takes_slashes(request: Request) -> bool:
    return _UNIX_CLIENT.match(request.header("user-agent")) is not None


def _header(found: PathStat, request: Request) -> tuple[str, str]:
    """The facts as moby has them, but for a client on Linux or macOS, which follows a link only when it is written as
    its own system does."""
    target = found.target
    if _takes_slashes(request) and not target.startswith("\\\\"):
        target = target.replace("\\", "/")
    document = shapes.PathStat(name=found.name, size=found.size, mode=found.mode, mtime=moment_text(found.modified),
                               link_target=target)
    return "X-Docker-Container-Path-Stat", base64.b64encode(gojson.dumps(document)).decode()


def _tell(engine: Engine, container: Container, action: str) -> None:
    engine.events.publish(Event("container", action, container.id, container.attributes()))


ROUTES = (
    Route("HEAD", "/containers/{id}/archive", stat_path),
    Route("GET", "/containers/{id}/archive", get_archive),
    Route("PUT", "/containers/{id}/archive", put_archive, to_the_end=True),
    Route("GET", "/containers/{id}/changes", changes),
)
