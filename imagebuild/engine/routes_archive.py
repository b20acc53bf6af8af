# SPDX-License-Identifier: Apache-2.0
"""``docker cp`` and ``docker diff``."""

from __future__ import annotations

import asyncio
import base64
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

from ..dockerapi import Request, Response, Route, faults, gojson, respond, shapes
from ..dockerapi.duration import moment_text
from ..errors import NotFoundError
from ..sandbox.archive import Drive, PathStat
from ..sandbox.merged import Parts
from . import changed, refusals_later
from .container import Container

if TYPE_CHECKING:
    from .core import Engine

SPOOLED = 8 << 20
"""Bytes of an archive that are kept in memory; the rest waits in a file."""


async def stat_path(request: Request, engine: Engine) -> Response:
    """The facts of a path, in a header."""
    container = engine.containers.find(request["id"])
    drive, parts = await asyncio.to_thread(_drive, engine, container, request)
    found = await asyncio.to_thread(_stat, drive, parts, request, container)
    return Response(200, b"", headers=(_header(found),))


async def get_archive(request: Request, engine: Engine) -> Response:
    """A file or folder as a tar."""
    container = engine.containers.find(request["id"])
    drive, parts = await asyncio.to_thread(_drive, engine, container, request)
    found = await asyncio.to_thread(_stat, drive, parts, request, container)
    chunks = drive.read(parts)

    async def body() -> AsyncIterator[bytes]:
        while (chunk := await asyncio.to_thread(_next, chunks)) is not None:
            yield chunk

    return respond.tar(body(), headers=(_header(found),))


async def put_archive(request: Request, engine: Engine) -> Response:
    """A tar into a folder of the container."""
    container = engine.containers.find(request["id"])
    drive, parts = await asyncio.to_thread(_drive, engine, container, request)
    with tempfile.SpooledTemporaryFile(SPOOLED) as file:
        spool = cast("BinaryIO", file)
        async for data in request.body:
            await asyncio.to_thread(spool.write, data)
        spool.seek(0)
        await asyncio.to_thread(_write, drive, parts, spool, request, container)
    return respond.empty(200)


async def changes(request: Request, engine: Engine) -> Response:
    """``docker diff``: of a container that does not run, with paths of a layer, as Windows tells it."""
    container = engine.containers.find(request["id"])
    refusals_later.check_changes(container.running)
    found = await asyncio.to_thread(lambda: changed.listed(changed.files(engine.images, container)))
    return respond.json(found or None)


def _drive(engine: Engine, container: Container, request: Request) -> tuple[Drive, Parts]:
    path = request.text("path")
    if not path:
        raise faults.BadRequest("bad parameter: path is required")
    parts = changed.parts_of(path)
    return changed.drive(engine.images, container), parts


def _stat(drive: Drive, parts: Parts, request: Request, container: Container) -> PathStat:
    try:
        return drive.stat(parts)
    except NotFoundError:
        raise faults.no_such_file(request.text("path"), container.id) from None


def _write(drive: Drive, parts: Parts, archive: BinaryIO, request: Request, container: Container) -> None:
    if not request.flag("noOverwriteDirNonDir"):
        drive.write(parts, archive)
        return
    drive.write(parts, archive, replace_folders=False)


def _next(chunks: Iterator[bytes]) -> bytes | None:
    return next(chunks, None)


def _header(found: PathStat) -> tuple[str, str]:
    document = shapes.PathStat(name=found.name, size=found.size, mode=found.mode, mtime=moment_text(found.modified),
                               link_target=found.target)
    return "X-Docker-Container-Path-Stat", base64.b64encode(gojson.dumps(document)).decode()


ROUTES = (
    Route("HEAD", "/containers/{id}/archive", stat_path),
    Route("GET", "/containers/{id}/archive", get_archive),
    Route("PUT", "/containers/{id}/archive", put_archive, to_the_end=True),
    Route("GET", "/containers/{id}/changes", changes),
)
