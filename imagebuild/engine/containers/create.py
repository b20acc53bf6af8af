# SPDX-License-Identifier: Apache-2.0
"""Make a container of a request: the image's settings merged in, checked as a Windows engine checks, mounts read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING

from ...compat import platforms
from ...dockerapi import faults, shapes
from ...dockerapi.names import new_id
from ...dockerapi.versions import ApiVersion
from ...oci import Config as ImageConfig
from ...oci import Platform
from .. import bounds, threads
from ..networks import model as net_model
from ..networks import request as net_request
from ..validation import create as refusals
from ..validation.config import check_command, check_logging, check_storage
from ..volumes import mounts
from ..volumes.hostpath import HostPaths
from ..volumes.mountspec import Point
from .commandline import command_line
from .container import Container

if TYPE_CHECKING:
    from ..core import Engine

Endpoints = Mapping[str, shapes.EndpointSettings | None]
"""What a create request asks of networks, by the networks' names."""


@dataclass(frozen=True, slots=True)
class _Checked:
    """What a request asks for, when all of it was found to be right."""

    config: shapes.Config
    host: shapes.HostConfig
    image: str
    command: str
    networks: dict[str, shapes.EndpointSettings]
    points: tuple[Point, ...]
    warnings: tuple[str, ...]


async def create(engine: Engine, asked: shapes.CreateRequest, *, name: str,
                 version: ApiVersion, platform: Platform | None = None) -> tuple[Container, tuple[str, ...]]:
    """The container, and warnings. A fault, in a Windows engine's words, when anything is not right.

    What a client can make long is checked in a thread, and so are folders looked at and volumes made."""
    identifier = new_id()
    try:
        checked = await threads.to_its_end(_checked, engine, asked, identifier, version, platform)
        shown = await threads.to_its_end(mounts.claim, checked.points, engine.volumes, identifier) \
            if checked.points else ()
        container = engine.containers.create(checked.config, checked.host, name=name, image=checked.image,
                                             networks=checked.networks, mounts=shown, command=checked.command,
                                             identifier=identifier)
    except BaseException:
        engine.images.release(identifier)
        await threads.to_its_end(partial(engine.volumes.release, identifier, remove_anonymous=True))
        raise
    return container, checked.warnings


def _checked(engine: Engine, asked: shapes.CreateRequest, identifier: str, version: ApiVersion,
             platform: Platform | None) -> _Checked:
    own = shapes.Config(**{item.name: getattr(asked, item.name) for item in fields(shapes.Config)})
    if not own.image:
        raise faults.BadRequest("invalid reference format")
    endpoints = (asked.networking_config.endpoints_config if asked.networking_config else None) or {}
    if len(endpoints) > 1 and not version.at_least("1.44"):
        raise faults.BadRequest(f"Container cannot be created with multiple network endpoints: {', '.join(endpoints)}")
    mode = asked.host_config.network_mode if asked.host_config else ""
    endpoints, mac_warnings = net_request.with_mac(own.mac_address, mode, endpoints, version)
    own = replace(own, mac_address="")  # it is the endpoint's from here on
    checked = refusals.check_create(own, asked.host_config, cpus=os.cpu_count() or 1, version=version)
    own, host = checked.config, checked.host_config
    image, facts = engine.images.find(own.image)
    engine.images.use(image, identifier)  # from here on it is not removed without force
    if platform is not None:
        _check_platform(own.image, facts, platform)
    config = merged(own, facts)
    line = command_line(check_command(config))
    check_storage(host)
    bounds.check_container(own, host, endpoints)
    _check_endpoints(engine, endpoints)
    networks = _networks(engine, host, endpoints)
    settings = engine.settings
    host = replace(host, network_mode=next(iter(networks), host.network_mode), isolation=_isolation(host.isolation),
                   log_config=check_logging(host.log_config, settings.log_driver, settings.log_options))
    config = replace(config, hostname=config.hostname or identifier[:12])
    points = mounts.plan(config, host, HostPaths(settings.drives, settings.native), version=version,
                         lookup=lambda reference: engine.containers.find(reference).mounts)
    return _Checked(config, host, image, line, networks, points, (*checked.warnings, *mac_warnings))


def _isolation(asked: str) -> str:
    """What the container has; nothing and ``default`` mean the engine's own (moby ``daemon/create_windows.go``)."""
    return "process" if asked.lower() in ("", "default") else asked


def _check_platform(reference: str, image: ImageConfig, wanted: Platform) -> None:
    """NotFound for an image of another platform: a client pulls it then (``daemon/images/image.go``)."""
    actual = Platform(os=image.os, architecture=image.architecture, variant=image.variant)
    if not platforms.only(wanted, actual):
        raise faults.NotFound(f"image with reference {reference} was found but does not match the specified platform: "
                              f"wanted {platforms.format(wanted)}, actual: {platforms.format(actual)}")


def merged(own: shapes.Config, image: ImageConfig) -> shapes.Config:
    """What the user said over what the image says (moby ``runconfig/merge.go``)."""
    run = image.run
    ports = tuple(dict.fromkeys((*(own.exposed_ports or ()), *run.exposed_ports)))
    names = {line.partition("=")[0].upper() for line in own.env or ()}
    env = (*(own.env or ()), *(line for line in run.env if line.partition("=")[0].upper() not in names))
    entrypoint, cmd = own.entrypoint, own.cmd
    if not entrypoint:
        if not cmd:
            cmd = run.cmd
        if entrypoint is None:
            entrypoint = run.entrypoint
    elif entrypoint == ("",):
        entrypoint = None
    labels = {**dict(run.labels), **dict(own.labels or {})}
    return replace(own, user=own.user or run.user, exposed_ports=ports or None, env=env or None,
                   entrypoint=entrypoint or None, cmd=cmd or None, labels=labels,
                   args_escaped=own.args_escaped or run.args_escaped,  # moby: the image's counts for any command
                   working_dir=own.working_dir or run.working_dir,
                   volumes=tuple(dict.fromkeys((*(own.volumes or ()), *run.volumes))) or None,
                   stop_signal=own.stop_signal or run.stop_signal,
                   stop_timeout=own.stop_timeout if own.stop_timeout is not None else run.stop_timeout,
                   shell=own.shell or run.shell, healthcheck=_health(own, image))


def _health(own: shapes.Config, image: ImageConfig) -> shapes.Healthcheck | None:
    theirs = image.run.healthcheck
    if theirs is None:
        return own.healthcheck
    base = shapes.Healthcheck(test=theirs.test or (), interval=theirs.interval, timeout=theirs.timeout,
                              start_period=theirs.start_period, start_interval=theirs.start_interval,
                              retries=theirs.retries)
    if own.healthcheck is None:
        return base
    return shapes.Healthcheck(**{item.name: getattr(own.healthcheck, item.name) or getattr(base, item.name)
                                 for item in fields(shapes.Healthcheck)})


def _check_endpoints(engine: Engine, asked: Endpoints) -> None:
    """Refuse what makes no sense in its network (moby ``daemon/create.go`` validateNetworkingConfig); of one that does
    not exist the start finds out."""
    wrong = []
    for name, settings in asked.items():
        try:
            if settings is None:
                raise faults.BadRequest("EndpointsConfig is nil")
            wanted = net_request.wanted(name, settings)
            with suppress(faults.NotFound):
                net_request.check_address(engine.networks.find(name), wanted.address)
        except faults.BadRequest as fault:
            wrong.append(f"invalid config for network {name}: {fault.message}")
    if wrong:
        raise faults.BadRequest(net_request.joined(wrong))


def _networks(engine: Engine, host: shapes.HostConfig, asked: Endpoints) -> dict[str, shapes.EndpointSettings]:
    """The networks by name: the one of ``NetworkMode`` first, then those that were named besides. None for a container
    that is in another's."""
    if net_model.other_of(host.network_mode):
        return {}
    mode = _network(engine, host.network_mode)
    named = {_network(engine, name): settings or shapes.EndpointSettings()
             for name, settings in asked.items()}
    return {mode: named.pop(mode, shapes.EndpointSettings()), **named}


def _network(engine: Engine, mode: str) -> str:
    """A network's name. One that does not exist is refused at the start, as moby does: a client that gets a 404 for a
    create pulls the image and tries again."""
    try:
        return engine.networks.check(mode or "default")
    except faults.NotFound:
        return mode
