# SPDX-License-Identifier: Apache-2.0
"""The calls about volumes."""

from __future__ import annotations

import asyncio
from typing import Protocol

from ...dockerapi import Request, Response, Route, faults, respond, shapes
from ..volumes.volumes import Volumes


class VolumeOwner(Protocol):
    """An engine, as far as its volumes go."""

    @property
    def volumes(self) -> Volumes:
        """The volumes."""


async def list_volumes(request: Request, engine: VolumeOwner) -> Response:
    """``docker volume ls``."""
    found = await asyncio.to_thread(engine.volumes.list, request.filters())  # while another is made it waits
    return respond.json(shapes.VolumeList(volumes=found))


async def create_volume(request: Request, engine: VolumeOwner) -> Response:
    """``docker volume create``: a name that is taken gives the volume that has it."""
    asked = await request.json(shapes.VolumeCreate)
    volume = await asyncio.to_thread(engine.volumes.create, asked.name, driver=asked.driver, labels=asked.labels,
                                     options=asked.driver_opts)
    return respond.json(volume.shape(), 201)


async def inspect_volume(request: Request, engine: VolumeOwner) -> Response:
    """``docker volume inspect``."""
    return respond.json(engine.volumes.find(request["name"]).shape())


async def remove_volume(request: Request, engine: VolumeOwner) -> Response:
    """``docker volume rm``."""
    await asyncio.to_thread(engine.volumes.remove, request["name"], force=request.flag("force"))
    return respond.empty()


async def prune_volumes(request: Request, engine: VolumeOwner) -> Response:
    """``docker volume prune``: before API 1.42 every volume that is not used, since then those without a name."""
    everything = not request.version.at_least("1.42")
    return respond.json(await asyncio.to_thread(engine.volumes.prune, request.filters(), everything=everything))


async def update_volume(_request: Request, _engine: VolumeOwner) -> Response:
    """Only volumes of a cluster can be changed, and there is none."""
    raise faults.Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")


ROUTES = (
    Route("GET", "/volumes", list_volumes),
    Route("POST", "/volumes/create", create_volume, to_the_end=True),
    Route("POST", "/volumes/prune", prune_volumes, since="1.25", to_the_end=True),
    Route("GET", "/volumes/{name:.*}", inspect_volume),
    Route("PUT", "/volumes/{name:.*}", update_volume, since="1.42", note="refused: there is no cluster"),
    Route("DELETE", "/volumes/{name:.*}", remove_volume, to_the_end=True),
)
