# SPDX-License-Identifier: Apache-2.0
"""A call of our own for folders of images that a container sees: ``RUN --mount=type=bind``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, faults, respond
from ....dockerapi.shape import key, shape
from ....errors import quoted

if TYPE_CHECKING:
    from ...core import Engine

MOST = 100
"""Folders of one container."""
_PATH = re.compile(r'C:(\\[^\\/:*?"<>|\x00-\x1f]{1,255}){1,100}', re.IGNORECASE)


@shape("wcow.Folders")
class Folders:
    """The body of ``PUT /wcow/containers/{id}/folders``: images by Windows path."""

    images: dict[str, str] | None = key("Images")


async def put_folders(request: Request, engine: Engine) -> Response:
    r"""Show the programs of a container the folder ``C:\m`` of images' uppermost layers at other paths, read-only, from
    its next start on. Neither the container's record nor a commit of it has any of it."""
    container = engine.containers.find(request["id"])
    asked = (await request.json(Folders)).images or {}
    if len(asked) > MOST:
        raise faults.BadRequest(f"more than {MOST} folders")
    for path in asked:
        if not _PATH.fullmatch(path):
            raise faults.BadRequest(f"Images has a path that is not an absolute one of drive C: {quoted(path)}")
    found = {path: engine.images.find(image)[0] for path, image in asked.items()}
    async with engine.containers.locked(container):
        if container.running:
            raise faults.Conflict(f"container {container.id} is running: folders are given to one that is not")
        container.folders = found
    return respond.empty(204)


ROUTES = (
    Route("PUT", "/wcow/containers/{id}/folders", put_folders, note="ours: RUN --mount=type=bind"),
)
