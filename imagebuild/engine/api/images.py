# SPDX-License-Identifier: Apache-2.0
"""Images over the API: list, inspect, history, tag, remove, prune, save, load.

Statuses and texts are those of moby ``api/server/router/image/image_routes.go``. The calls that reach for registries
and the builder are in :mod:`.registry` and :mod:`.building`; ``ROUTES`` has all of them.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import BinaryIO

from ...dockerapi import faults, respond
from ...dockerapi.http.request import Request
from ...dockerapi.http.routing import Route
from ...dockerapi.respond import Response
from ..images import listing as image_listing
from ..images import remove as image_remove
from ..images.collection import Images
from ..images.names import repo_tag
from ..images.owner import ImageOwner
from ..images.transfer import archive as image_archive
from ..images.transfer.stream import Say, stream
from . import building as routes_build
from . import registry as routes_registry


async def list_images(request: Request, engine: ImageOwner) -> Response:
    """``docker images``."""
    filters = request.filters()
    if not request.version.at_least("1.41") and request.text("filter"):
        filters = type(filters)({**filters.fields, "reference": (*filters.get("reference"), request.text("filter"))})
    shared = request.version.at_least("1.42") and request.flag("shared-size")
    rows = await engine.images.in_thread(image_listing.summaries, engine.images, filters,
                                         everything=request.flag("all"), shared=shared)
    return respond.json([image_listing.for_client(row, request.version) for row in rows])


async def inspect_image(request: Request, engine: ImageOwner) -> Response:
    """``docker image inspect``."""
    return respond.json(await engine.images.in_thread(image_listing.inspect, engine.images, request["name"],
                                                      request.version))


async def image_history(request: Request, engine: ImageOwner) -> Response:
    """``docker history``."""
    return respond.json(await engine.images.in_thread(image_listing.history, engine.images, request["name"]))


async def tag_image(request: Request, engine: ImageOwner) -> Response:
    """``docker tag``."""
    name = repo_tag(request.text("repo"), request.text("tag"))
    await engine.images.in_thread(image_remove.tag, engine.images, request["name"], name)
    return respond.empty(201)


async def remove_image(request: Request, engine: ImageOwner) -> Response:
    """``docker rmi``."""
    if not request["name"].strip():
        raise faults.BadRequest("image name cannot be blank")
    return respond.json(await engine.images.in_thread(
        image_remove.remove, engine.images, request["name"], force=request.flag("force"),
        prune=not request.flag("noprune")))


async def prune_images(request: Request, engine: ImageOwner) -> Response:
    """``docker image prune``."""
    return respond.json(await engine.images.in_thread(image_remove.prune, engine.images, request.filters()))


async def search_images(request: Request, engine: ImageOwner) -> Response:
    """``docker search``: Docker Hub's own interface, which this engine does not speak."""
    raise faults.NotImplemented("this engine does not search Docker Hub")


async def save_image(request: Request, engine: ImageOwner) -> Response:
    """``docker save`` of one name."""
    return await _save(engine.images, [request["name"]])


async def save_images(request: Request, engine: ImageOwner) -> Response:
    """``docker save``."""
    return await _save(engine.images, list(request.texts("names")))


async def load_images(request: Request, engine: ImageOwner) -> Response:
    """``docker load``. What fails is said in the stream, whatever the status, as moby does."""
    engine.images.listen()
    tar, quiet = request.body.blocking(), request.flag("quiet", True)
    return await stream(partial(_loaded, engine.images, tar, quiet), status=False)


def _loaded(images: Images, tar: BinaryIO, quiet: bool, say: Say) -> None:
    image_archive.load(images, tar, quiet=quiet, say=say)


async def _save(images: Images, names: list[str]) -> Response:
    """The archive is written to a file first: who asks for a name that is not there gets a status, not half a tar."""
    if not names:
        return respond.tar(_nothing())
    stack = ExitStack()
    try:
        folder = await images.in_thread(stack.enter_context, image_archive.scratch(images))
        path = await images.in_thread(image_archive.save, images, names, folder)
    except BaseException:
        stack.close()
        raise
    return respond.tar(_sent(images, path, stack), length=path.stat().st_size)


async def _sent(images: Images, path: Path, stack: ExitStack) -> AsyncIterator[bytes]:
    try:
        pieces = image_archive.pieces_of(path)
        while piece := await images.in_thread(next, pieces, b""):
            yield piece
    finally:
        stack.close()
        shutil.rmtree(path.parent, ignore_errors=True)


async def _nothing() -> AsyncIterator[bytes]:
    yield b"\0" * 1024


ROUTES: tuple[Route, ...] = (
    Route("GET", "/images/json", list_images),
    Route("GET", "/images/search", search_images, note="501: there is no Docker Hub behind this engine"),
    Route("GET", "/images/get", save_images),
    Route("GET", "/images/{name:.*}/get", save_image),
    Route("GET", "/images/{name:.*}/history", image_history),
    Route("GET", "/images/{name:.*}/json", inspect_image),
    Route("POST", "/images/load", load_images),
    Route("POST", "/images/prune", prune_images, since="1.25"),
    Route("POST", "/images/{name:.*}/tag", tag_image),
    Route("DELETE", "/images/{name:.*}", remove_image),
    *routes_registry.ROUTES,
    *routes_build.ROUTES,
)
