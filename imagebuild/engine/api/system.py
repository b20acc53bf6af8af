# SPDX-License-Identifier: Apache-2.0
"""The engine about itself: ping, version, info, events, what takes space."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from ... import __version__
from ...dockerapi import Filters, Request, Response, Route, faults, respond, shapes
from ...dockerapi.duration import moment_text, parse_moment
from ...errors import FormatError
from ...windows.releases import release
from .. import event_filter
from ..containers import listing as container_list
from ..events import Event
from ..images import listing as image_listing

if TYPE_CHECKING:
    from ..core import Engine

_KINDS = ("container", "image", "volume", "build-cache")
_NO_CACHE = (("Cache-Control", "no-cache, no-store, must-revalidate"), ("Pragma", "no-cache"),
             ("Builder-Version", "1"), ("Swarm", "inactive"))


async def ping(request: Request, engine: Engine) -> Response:
    """Is it there?"""
    if request.method == "HEAD":
        return Response(200, b"", "text/plain; charset=utf-8", _NO_CACHE)
    return respond.text("OK", headers=_NO_CACHE)


async def version(request: Request, engine: Engine) -> Response:
    """``docker version``: a windows/amd64 server, and beside it what it really is."""
    settings = engine.settings
    kernel = f"10.0 {settings.build} ({settings.build}.1.amd64fre.wcow)"
    sandbox = await asyncio.to_thread(engine.sandbox.facts)
    details = {"ApiVersion": engine.versions.newest, "MinAPIVersion": engine.versions.oldest, "Os": "windows",
               "Arch": "amd64", "KernelVersion": kernel, "GoVersion": "none", "GitCommit": "", "BuildTime": "",
               "Experimental": "false"}
    return respond.json(shapes.Version(
        platform=shapes.PlatformName(name=f"wcow {__version__}, an embedded engine: {sandbox.engine}"),
        components=(shapes.Component(name="Engine", version=settings.version, details=details),
                    shapes.Component(name="wcow", version=__version__, details={"Host": platform.system().lower()}),
                    shapes.Component(name=sandbox.engine, version=sandbox.version)),
        version=settings.version, api_version=engine.versions.newest, min_api_version=engine.versions.oldest,
        go_version="none", os="windows", arch="amd64", kernel_version=kernel))


async def info(request: Request, engine: Engine) -> Response:
    """``docker info``."""
    settings, sandbox = engine.settings, await asyncio.to_thread(engine.sandbox.facts)
    images = await asyncio.to_thread(image_listing.summaries, engine.images, Filters())
    known = release(settings.build)
    display = f" Version {known.version}" if known else ""
    revision = f".{settings.revision}" if settings.revision else ""
    states = [one.status for one in engine.containers]
    return respond.json(shapes.Info(
        id=engine.id, containers=len(states), containers_running=states.count("running"),
        containers_stopped=len(states) - states.count("running"), images=len(images), driver="windowsfilter",
        driver_status=(("Windows", ""),),
        plugins=shapes.Plugins(volume=("local",), log=("json-file", "local"),
                               network=("internal", "l2bridge", "l2tunnel", "nat", "null", "transparent")),
        memory_limit=sandbox.memory != "", n_fd=-1, system_time=moment_text(time.time_ns()),
        logging_driver=settings.log_driver, n_events_listener=engine.events.listeners,
        kernel_version=f"10.0 {settings.build} ({settings.build}.1.amd64fre.wcow)",
        operating_system=f"Microsoft Windows Server{display} (OS Build {settings.build}{revision})",
        os_version=settings.os_version, os_type="windows", architecture="x86_64",
        index_server_address="https://index.docker.io/v1/", n_cpu=os.cpu_count() or 1, mem_total=_memory(),
        docker_root_dir=settings.data_root, name=settings.name,
        labels=(f"wcow.version={__version__}", *settings.labels), debug=settings.debug,
        server_version=settings.version, isolation="process", default_runtime="", runtimes=None,
        warnings=tuple(f"WARNING: {gap}" for gap in (*sandbox.gaps, *engine.networks.gaps())) or None))


async def events(request: Request, engine: Engine) -> Response:
    """``docker events``."""
    filters = request.filters()
    since, until = _moment(request, "since"), _moment(request, "until")
    if since is not None and until is not None and until < since:
        raise faults.BadRequest(f"`since` time ({request.text('since')}) cannot be after `until` time "
                                f"({request.text('until')})")

    async def lines() -> AsyncIterator[object]:
        async for event in engine.events.listen(since, until):
            if event_filter.takes(filters, event):
                yield _message(event)

    return respond.json_lines(lines())


async def disk_usage(request: Request, engine: Engine) -> Response:
    """``docker system df``."""
    kinds = set(_KINDS)
    if request.has("type") and request.version.at_least("1.42"):
        kinds = set(request.texts("type"))
        for kind in request.texts("type"):
            if kind not in _KINDS:
                raise faults.BadRequest(f"unknown object type: {kind}")
    size, images = await asyncio.to_thread(image_listing.usage, engine.images) if "image" in kinds else (0, None)
    volumes = await asyncio.to_thread(engine.volumes.usage) if "volume" in kinds else None
    containers = tuple(container_list.rows(engine, container_list.listed(
        engine, Filters(), everything=True))) if "container" in kinds else None
    return respond.json(shapes.DiskUsage(layers_size=size, containers=containers, volumes=volumes,
                                         images=None if images is None else tuple(
                                             image_listing.for_client(one, request.version) for one in images),
                                         build_cache=() if "build-cache" in kinds else None))


def _message(event: Event) -> shapes.Event:
    old = event.kind in ("container", "image")
    return shapes.Event(
        status=event.action if old else "", id=event.actor if old else "",
        from_=event.attributes.get("image", "") if event.kind == "container" else "", type=event.kind,
        action=event.action, actor=shapes.Actor(id=event.actor, attributes=dict(event.attributes)), scope="local",
        time=event.at // 1_000_000_000, time_nano=event.at)


def _moment(request: Request, name: str) -> int | None:
    text = request.text(name)
    if not text:
        return None
    try:
        return parse_moment(text, now=time.time_ns())
    except FormatError as error:
        raise faults.BadRequest(str(error)) from None


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


ROUTES = (
    Route("GET", "/_ping", ping),
    Route("HEAD", "/_ping", ping),
    Route("GET", "/version", version),
    Route("GET", "/info", info),
    Route("GET", "/events", events),
    Route("GET", "/system/df", disk_usage, since="1.25"),
)
