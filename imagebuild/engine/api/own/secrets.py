# SPDX-License-Identifier: Apache-2.0
"""A call of our own for the secrets of a container: ``RUN --mount=type=secret``."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING

from ....dockerapi import Request, Response, Route, faults, respond
from ....dockerapi.shape import key, shape
from ....errors import quoted
from ...containers.secrets import Secrets

if TYPE_CHECKING:
    from ...core import Engine

MOST = 100
"""Files, and variables, of one container."""
_PATH = re.compile(r'C:(\\[^\\/:*?"<>|\x00-\x1f]{1,255}){1,100}', re.IGNORECASE)


@shape("wcow.Secrets")
class SecretValues:
    """The body of ``PUT /wcow/containers/{id}/secrets``: contents of files (base64) by Windows path, and variables."""

    files: dict[str, str] | None = key("Files")
    environment: dict[str, str] | None = key("Environment")


async def put_secrets(request: Request, engine: Engine) -> Response:
    """Give the programs of a container files that they can only read, and variables, from its next start on. They are
    in memory only: neither the container's record nor a commit of it has any of it."""
    container = engine.containers.find(request["id"])
    asked = await request.json(SecretValues)
    files, variables = asked.files or {}, asked.environment or {}
    if max(len(files), len(variables)) > MOST:
        raise faults.BadRequest(f"more than {MOST} secrets")
    for path in files:
        if not _PATH.fullmatch(path):
            raise faults.BadRequest(f"Files has a path that is not an absolute one of drive C: {quoted(path)}")
    if any(not name or "=" in name or "\0" in name + value for name, value in variables.items()):
        raise faults.BadRequest("Environment has a name or a value that no variable of Windows can have")
    try:
        contents = {path: base64.b64decode(text, validate=True) for path, text in files.items()}
    except (binascii.Error, ValueError):
        raise faults.BadRequest("Files has a content that is not base64") from None
    async with engine.containers.locked(container):
        if container.running:
            raise faults.Conflict(f"container {container.id} is running: secrets are given to one that is not")
        container.secrets = Secrets(contents, variables)
    return respond.empty(204)


ROUTES = (
    Route("PUT", "/wcow/containers/{id}/secrets", put_secrets, note="ours: RUN --mount=type=secret"),
)
