# SPDX-License-Identifier: Apache-2.0
"""Who else uses the volumes of ``RUN --mount=type=cache,sharing=private|locked``, asked of the engine."""

from __future__ import annotations

import time
from typing import Any

from ...dockerapi import Client
from ..plan.mounts import cache_volume
from ..plan.plan import RunMount

_FRESH = 60
"""Seconds in which a container that was made starts, or its build has ended."""
_PAUSE = 0.2


def private_caches(client: Client, mounts: tuple[RunMount, ...]) -> dict[str, str]:
    """The private caches that another RUN uses now, by target, with the name of a volume that has none: a new one."""
    return {one.target: "" for one in mounts
            if one.kind == "cache" and one.sharing == "private" and _users(client, one)}


def wait_for_caches(client: Client, container: str, mounts: tuple[RunMount, ...]) -> None:
    """Return when no RUN that came before uses a locked cache of this container, which was made and does not run."""
    for one in mounts:
        while one.kind == "cache" and one.sharing == "locked" and _before(_users(client, one), container):
            time.sleep(_PAUSE)


def _users(client: Client, mount: RunMount) -> list[dict[str, Any]]:
    found = client.json("GET", "/containers/json", query={"all": True, "filters": {"volume": [cache_volume(mount)]}})
    return [one for one in found if one["State"] == "running"
            or (one["State"] == "created" and time.time() - one["Created"] < _FRESH)]


def _before(users: list[dict[str, Any]], container: str) -> bool:
    mine = next(((one["Created"], one["Id"]) for one in users if one["Id"] == container), None)
    return mine is not None and any(one["Id"] != container and (
        one["State"] == "running" or (one["Created"], one["Id"]) < mine) for one in users)


__all__ = ["private_caches", "wait_for_caches"]
