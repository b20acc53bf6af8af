# SPDX-License-Identifier: Apache-2.0
"""Networks over the API (moby ``api/server/router/network/network_routes.go``, ``daemon/network``)."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

from ...dockerapi import Filters, faults, respond, shapes
from ...dockerapi.duration import moment_text, parse_moment
from ...dockerapi.http.request import Request
from ...dockerapi.http.routing import Route
from ...dockerapi.respond import Response
from ...errors import FormatError
from .. import bounds
from ..interfaces import Attachment
from ..networks import model as net_model
from ..networks import request as net_request
from ..networks.collection import Networks
from ..networks.model import Network

_LIST_FILTERS = ("dangling", "driver", "id", "label", "name", "scope", "type")


class NetworkedContainer(Protocol):
    """What these calls need of a container: ``networks`` is what it asks for, by the network's name."""

    id: str
    name: str
    status: str
    config: shapes.Config
    host: shapes.HostConfig
    networks: dict[str, shapes.EndpointSettings]
    attachment: Attachment

    @property
    def running(self) -> bool:
        """Whether it has a namespace."""

    def save(self) -> None:
        """Remember what was changed."""


class NetworkedContainers(Protocol):
    """Where containers are found."""

    def find(self, reference: str) -> Any:
        """A :class:`NetworkedContainer`, or ``faults.no_such_container``."""


class NetworkOwner(Protocol):
    """What these calls need of the engine."""

    networks: Networks
    containers: Any


async def list_networks(request: Request, engine: NetworkOwner) -> Response:
    """``docker network ls``."""
    filters = request.filters().check(_LIST_FILTERS)
    detailed = not request.version.at_least("1.28")
    found = _filtered(engine.networks, [resource(engine.networks, one, detailed=detailed)
                                        for one in engine.networks.all()], filters)
    return respond.json(found)


async def inspect_network(request: Request, engine: NetworkOwner) -> Response:
    """``docker network inspect``."""
    if request.text("verbose"):
        text = request.text("verbose")
        if text not in ("1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"):
            raise faults.BadRequest(f'invalid value for verbose: {text}: strconv.ParseBool: parsing "{text}": invalid '
                                    "syntax")
    if request.text("scope") not in ("", "local"):
        raise faults.no_such_network(request["id"])
    return respond.json(resource(engine.networks, engine.networks.find(request["id"]), detailed=True))


async def create_network(request: Request, engine: NetworkOwner) -> Response:
    """``docker network create``."""
    asked = await request.json(shapes.NetworkCreate)
    network = await asyncio.to_thread(engine.networks.create, asked)
    return respond.json(shapes.NetworkCreated(id=network.id), 201)


async def remove_network(request: Request, engine: NetworkOwner) -> Response:
    """``docker network rm``."""
    await asyncio.to_thread(engine.networks.remove, request["id"])
    return respond.empty()


async def prune_networks(request: Request, engine: NetworkOwner) -> Response:
    """``docker network prune``."""
    filters = request.filters().check(("label", "label!", "until"))
    moments = filters.get("until")
    if len(moments) > 1:
        raise faults.BadRequest("more than one until filter specified")
    try:
        until = parse_moment(moments[0], now=time.time_ns()) if moments else None
    except FormatError as error:
        raise faults.BadRequest(str(error)) from error
    removed = await asyncio.to_thread(engine.networks.prune, filters, until)
    return respond.json(shapes.NetworksPruned(deleted=removed or None))


async def connect_network(request: Request, engine: NetworkOwner) -> Response:
    """``docker network connect``."""
    asked = await request.json(shapes.NetworkConnect)
    bounds.check_endpoint(asked.endpoint_config)
    container: NetworkedContainer = engine.containers.find(asked.container)
    network = engine.networks.find(request["id"])
    wanted = net_request.wanted(network.id, asked.endpoint_config, container.config.hostname)
    net_request.check_address(network, wanted.address)
    if container.running:
        _check_mix(container, network)
        container.attachment = await asyncio.to_thread(engine.networks.connect, container.id, wanted)
    elif container.status in ("removing", "dead"):
        raise faults.Internal(f"Container {container.id} is marked for removal and cannot be connected or disconnected "
                              "to the network")
    elif network.name not in container.networks:
        _check_mix(container, network)
    else:
        return respond.empty(200)
    container.networks[network.name] = asked.endpoint_config or shapes.EndpointSettings()
    container.save()
    return respond.empty(200)


async def disconnect_network(request: Request, engine: NetworkOwner) -> Response:
    """``docker network disconnect``."""
    asked = await request.json(shapes.NetworkDisconnect)
    try:
        container: NetworkedContainer = engine.containers.find(asked.container)
    except faults.NotFound:
        if not asked.force:
            raise
        engine.networks.find(request["id"])  # by force an endpoint goes whose container is gone, and there is none
        raise faults.NotFound(f"endpoint {asked.container} not found") from None
    try:
        network: Network | None = engine.networks.find(request["id"])
    except faults.NotFound:
        if container.running and not asked.force:
            raise
        network = None  # it was removed, and the container still asks for it
    name = network.name if network else request["id"]
    if container.status in ("removing", "dead"):
        raise faults.Internal(f"Container {container.id} is marked for removal and cannot be connected or disconnected "
                              "to the network")
    if container.running and network:
        container.attachment = await asyncio.to_thread(engine.networks.disconnect, container.id, network.id)
    elif name not in container.networks:
        raise faults.Internal(f"container {container.id} is not connected to the network {name}")
    elif network:
        engine.networks.left(container.id, network)
    container.networks.pop(name, None)
    container.save()
    return respond.empty(200)


def _check_mix(container: NetworkedContainer, network: Network) -> None:
    """BadRequest for ``none`` beside another network, and for one in another's network (runconfig/errors.go)."""
    if net_model.other_of(container.host.network_mode):
        raise faults.BadRequest("container sharing network namespace with another container or host cannot be "
                                "connected to any other network")
    others = container.networks.keys() - {network.name}
    if others and net_model.NONE in (network.name, *others):
        raise faults.BadRequest("container cannot be connected to multiple networks with one of the networks in "
                                "private (none) mode")


def resource(networks: Networks, network: Network, *, detailed: bool) -> shapes.Network:
    """A network as clients see it; with its containers where that is asked for."""
    members = networks.members(network) if detailed else {}
    pools = tuple(shapes.IpamConfig(subnet=one.subnet, gateway=one.gateway, auxiliary_addresses=one.auxiliary or None)
                  for one in network.pools)
    return shapes.Network(
        name=network.name, id=network.id, created=moment_text(network.created), scope="local", driver=network.driver,
        ipam=shapes.Ipam(driver="windows" if pools else "default", options=network.ipam_options, config=pools or None),
        internal=network.internal, attachable=network.attachable, options=network.options, labels=network.labels,
        containers={container: shapes.EndpointResource(
            name=name, endpoint_id=place.endpoint_id, mac_address=place.mac,
            ipv4_address=f"{place.address}/{place.prefix}" if place.address else "")
            for container, (name, place) in members.items()})


def _filtered(networks: Networks, found: list[shapes.Network], filters: Filters) -> list[shapes.Network]:
    """``daemon/network/filter.go``. ``dangling`` and ``type`` come after the others."""
    out = [one for one in found
           if filters.exact("driver", one.driver) and filters.match("name", one.name) and filters.match("id", one.id)
           and filters.labels(one.labels) and filters.exact("scope", one.scope)]
    if filters.get("dangling"):
        dangling = _flag(filters.get("dangling"))
        out = [one for one in out if dangling != (net_model.is_predefined(one.name)
                                                  or bool(networks.members(networks.find(one.id))))]
    if "type" in filters:
        for kind in filters.get("type"):
            if kind not in ("builtin", "custom"):
                raise faults.Internal(f"invalid filter: 'type'='{kind}'")
        out = [one for kind in filters.get("type") for one in out
               if net_model.is_predefined(one.name) == (kind == "builtin")]
    return out


def _flag(values: tuple[str, ...]) -> bool:
    if len(values) > 1:
        raise faults.BadRequest('got more than one value for filter key "dangling"')
    if values[0] not in ("0", "false", "1", "true"):
        raise faults.BadRequest("invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or "
                                "\"0\")")
    return values[0] in ("1", "true")


ROUTES = (
    Route("GET", "/networks", list_networks),
    Route("GET", "/networks/", list_networks),
    Route("POST", "/networks/create", create_network, to_the_end=True),
    Route("POST", "/networks/prune", prune_networks, since="1.25", to_the_end=True),
    Route("GET", "/networks/{id:.+}", inspect_network),
    Route("POST", "/networks/{id:.*}/connect", connect_network, to_the_end=True,
          note="a running container gets the interface at once"),
    Route("POST", "/networks/{id:.*}/disconnect", disconnect_network, to_the_end=True),
    Route("DELETE", "/networks/{id:.*}", remove_network, to_the_end=True),
)
