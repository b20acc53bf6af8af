# SPDX-License-Identifier: Apache-2.0
"""The engine's networks: which there are, which container is in which with which address, what is published where.

Each network is a bridge in a namespace of the engine's own, each container has a namespace (:mod:`.process`). Where
the kernel does not allow that, networks can be made and listed all the same, and containers have loopback only; facts
say so.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from pathlib import Path

from ...dockerapi import Filters, faults, names, shapes
from ...errors import ToolError
from ...runtime.port import Namespace
from .. import bounds
from ..events import Event, Events
from ..interfaces import Attachment, Endpoint, Published, Wanted
from ..settings import EngineSettings
from . import addresses as net_addresses
from . import model as net_model
from . import publish as net_publish
from . import request as net_request
from .addresses import Addresses
from .kernel import Carried, Kernel, KernelFacts, Link
from .model import Network
from .process import AgentKernel
from .store import NetworkShelf


def machine_networks() -> tuple[IPv4Network, ...]:
    """Where this machine is."""
    texts = []
    for name in ("route", "fib_trie"):
        try:
            texts.append(Path("/proc/net", name).read_text("ascii"))
        except OSError:
            texts.append("")
    return net_addresses.taken_by_host(*texts)


@dataclass(slots=True)
class _Place:
    """A running container: its name, what it has, and its link in each network (by id) that is made."""

    name: str
    attachment: Attachment
    links: dict[str, Link] = field(default_factory=dict)


class Networks:
    """See :class:`~..interfaces.NetworkPart`. Made on the engine's event loop; every method may be called from any
    thread.

    ``pool`` is where subnets are cut from that the user did not choose.
    """

    def __init__(self, settings: EngineSettings, events: Events, kernel: Kernel | None = None, *,
                 pool: IPv4Network = net_addresses.POOL,
                 machine: Callable[[], Sequence[IPv4Network]] = machine_networks) -> None:
        self._kernel: Kernel = kernel or AgentKernel()
        self._publish = _publisher(events)
        self._pool = pool
        self._publish_on = settings.publish_address
        self._machine = machine
        self._shelf = NetworkShelf(settings.root / "networks")
        self._lock = threading.RLock()
        self._places: dict[str, _Place] = {}
        self._addresses: dict[str, Addresses] = {}
        self._bridges: dict[str, int] = {}
        self._made = 0

    def open(self) -> None:
        """Read what an earlier engine left and begin; some tenths of a second. StoreError when the disk fails."""
        with self._lock:
            self._shelf.load(self._machine, self._pool)
            self._kernel.start()

    def close(self) -> None:
        """Give up every namespace and port. Safe to call twice."""
        with self._lock:
            self._kernel.close()
            self._places.clear()
            self._bridges.clear()

    def facts(self) -> KernelFacts:
        """What networks are on this machine."""
        return self._kernel.facts()

    def gaps(self) -> tuple[str, ...]:
        """What a user has to know, a sentence each; empty where all works."""
        facts = self.facts()
        if not facts.works:
            return (f"No networks: {facts.why}. Containers have loopback only, and no port can be published",)
        return () if facts.outbound else (f"Containers have no way out of this machine: {facts.why_no_outbound}",)

    # --- networks

    def find(self, term: str) -> Network:
        """A network by id, name or a beginning of its id; ``faults.no_such_network``."""
        return self._shelf.find(term)

    def all(self) -> tuple[Network, ...]:
        """Every network, oldest first."""
        return tuple(self._shelf)

    def members(self, network: Network) -> dict[str, tuple[str, Endpoint]]:
        """The running containers in a network: id → name and endpoint."""
        return {container: (place.name, endpoint) for container, place in tuple(self._places.items())
                for endpoint in place.attachment.endpoints if endpoint.network_id == network.id}

    def create(self, request: shapes.NetworkCreate) -> Network:
        """Make a network, in the way and with the refusals of a Windows engine."""
        bounds.check_network(request)
        with self._lock:
            network = net_request.network_of(request, self._machine(), self._shelf.by_id, self._pool)
            self._shelf.put(network)
            self._tell(network, "create")
            return network

    def remove(self, term: str) -> None:
        """Remove a network. Forbidden for the predefined ones and one that running containers are in."""
        with self._lock:
            network = self._shelf.find(term)
            if net_model.is_predefined(network.name):
                raise faults.predefined_network(network.name)
            if self.members(network):
                raise faults.network_in_use(network.name, network.id)
            self._shelf.remove(network)
            number = self._bridges.pop(network.id, None)
            if number is not None:
                with suppress(ToolError):  # then its process is gone, and with it the bridge
                    self._kernel.unbridge(number)
            self._addresses.pop(network.id, None)
            self._tell(network, "destroy")

    def prune(self, filters: Filters, until: int | None = None) -> tuple[str, ...]:
        """Remove what nobody is in: the names. ``until`` spares what was made after it (nanoseconds)."""
        removed = []
        for network in self.all():
            spared = net_model.is_predefined(network.name) or (until is not None and network.created > until)
            if spared or not filters.labels(network.labels) or not filters.without_labels(network.labels):
                continue
            with suppress(faults.Fault):
                self.remove(network.id)
                removed.append(network.name)
        return tuple(removed)

    # --- containers

    def check(self, mode: str) -> str:
        """See :meth:`..interfaces.NetworkPart.check`. Windows has no host mode: ``host`` is a name like any other."""
        return self.find(net_model.NAT if mode in ("", "default") else mode).name

    def attach(self, container: str, name: str, networks: Sequence[Wanted], ports: Sequence[Published]) -> Attachment:
        """See :meth:`..interfaces.NetworkPart.attach`."""
        with self._lock:
            self.detach(container)
            pairs = [(self._shelf.find(one.network), one) for one in networks]
            pairs = sorted(pairs, key=lambda pair: pair[0].name != net_model.NAT) or [
                (self._shelf.find(net_model.NONE), Wanted(net_model.NONE))]
            place = _Place(name, Attachment(None))
            try:
                endpoints = tuple(self._place(container, place, *pair) for pair in pairs)
                carried, published = self._open_ports(place, endpoints, [pair[0] for pair in pairs], ports)
                space = self._attach(container, name, endpoints, place, carried)
            except BaseException:
                self._free(place)
                raise
            dns = tuple(str(network.gateway.ip) for network, _unused in pairs if network.gateway and space)
            place.attachment = Attachment(space, endpoints, dns, published)
            self._places[container] = place
            for network, _unused in pairs:
                self._tell(network, "connect", container=container)
            return place.attachment

    def join(self, container: str, name: str, other: str) -> Attachment:
        """See :meth:`..interfaces.NetworkPart.join`."""
        with self._lock:
            self.detach(container)
            facts, theirs = self.facts(), self._places.get(other)
            if not facts.works:
                raise faults.Internal(f"cannot join the network of {names.short_id(other)}: {facts.why}")
            if theirs is None:  # it ended this moment, or was made without a network
                raise net_request.not_joinable(other)
            try:
                space = self._kernel.share(container, other)
            except ToolError as error:
                raise faults.Internal(f"cannot join the network of {theirs.name}: {error.why}") from error
            self._places[container] = _Place(name, Attachment(space, dns=theirs.attachment.dns))
            return self._places[container].attachment

    def listen(self, container: str, port: int) -> socket.socket:
        """See :meth:`..interfaces.NetworkPart.listen`."""
        with self._lock:
            place, facts = self._places.get(container), self.facts()
            if place is None or place.attachment.namespace is None:
                raise faults.Internal(f"cannot listen in {names.short_id(container)}: {facts.why or 'no network'}")
            try:
                return self._kernel.listen(container, "127.0.0.1", port)
            except ToolError as error:
                raise faults.Internal(f"cannot listen in {place.name}: {error.why}") from error

    def detach(self, container: str) -> None:
        """See :meth:`..interfaces.NetworkPart.detach`."""
        with self._lock:
            place = self._places.pop(container, None)
            if place is None:
                return
            self._kernel.detach(container)
            self._free(place)
            for endpoint in place.attachment.endpoints:
                with suppress(faults.NotFound):
                    self._tell(self._shelf.find(endpoint.network_id), "disconnect", container=container)

    def attachment(self, container: str) -> Attachment | None:
        """What a running container has; ``None`` for one that does not run."""
        place = self._places.get(container)
        return place.attachment if place else None

    def connect(self, container: str, wanted: Wanted) -> Attachment:
        """Put a running container into one more network; its attachment from now on."""
        with self._lock:
            place, network = self._places[container], self._shelf.find(wanted.network)
            if any(one.network_id == network.id for one in place.attachment.endpoints):
                raise faults.Forbidden(f"endpoint with name {place.name} already exists in network {network.name}")
            endpoint = self._place(container, place, network, wanted)
            link = place.links.get(network.id)
            if link:
                has_way_out = any(one.gateway for one in place.links.values() if one is not link)
                link = place.links[network.id] = replace(link, gateway="" if has_way_out else link.gateway)
                try:
                    self._kernel.link(container, link)
                except ToolError as error:
                    self._free(place, network.id)
                    raise net_request.endpoint_failed(place.name, network.name, error.why) from error
            place.attachment = replace(place.attachment, endpoints=(*place.attachment.endpoints, endpoint))
            self._tell(network, "connect", container=container)
            return place.attachment

    def disconnect(self, container: str, term: str) -> Attachment:
        """Take a running container out of a network; its attachment from now on. Ports that were published through the
        network answer no more."""
        with self._lock:
            place, network = self._places[container], self._shelf.find(term)
            left = tuple(one for one in place.attachment.endpoints if one.network_id != network.id)
            if len(left) == len(place.attachment.endpoints):
                raise faults.Internal(f"container {container} is not connected to network {network.name}")
            if network.id in place.links:
                self._kernel.unlink(container, place.links[network.id].number)
            self._free(place, network.id)
            self._other_way_out(container, place)
            ports = place.attachment.published if any(self._shelf.find(one.network_id).open for one in left) else ()
            place.attachment = replace(place.attachment, endpoints=left, published=ports)
            self._tell(network, "disconnect", container=container)
            return place.attachment

    def left(self, container: str, network: Network) -> None:
        """A container that does not run was taken out of a network: say so."""
        self._tell(network, "disconnect", container=container)

    def rename(self, container: str, name: str) -> None:
        """A running container is found by another name from now on."""
        with self._lock:
            place = self._places.get(container)
            if place is None:
                return
            place.name = name
            for identifier, link in place.links.items():
                aliases = next(one.aliases for one in place.attachment.endpoints if one.network_id == identifier)
                place.links[identifier] = replace(link, names=_names(container, name, aliases))
                with suppress(ToolError):
                    self._kernel.link(container, place.links[identifier])

    # --- steps

    def _place(self, container: str, place: _Place, network: Network, wanted: Wanted) -> Endpoint:
        """An address and a link for a container in a network, where networks are real."""
        endpoint = Endpoint(network.name, network.id, names.new_id(), aliases=wanted.aliases)
        net_request.check_address(network, wanted.address)
        gateway = network.gateway
        if gateway is None or not self.facts().works:
            return endpoint
        number = self._bridge(place.name, network, gateway)
        address = self._addresses_of(network).take(wanted.address)
        interface = IPv4Interface((address, gateway.network.prefixlen))
        mac = wanted.mac or net_addresses.mac_of(address)
        way_out = str(gateway.ip) if network.open and not any(one.gateway for one in place.links.values()) else ""
        place.links[network.id] = Link(number, interface, mac, way_out, _names(container, place.name, wanted.aliases),
                                       wanted.links)
        return replace(endpoint, address=str(address), prefix=gateway.network.prefixlen, mac=mac,
                       gateway=str(gateway.ip) if network.open else "")

    def _open_ports(self, place: _Place, endpoints: Sequence[Endpoint], networks: Sequence[Network],
                    ports: Sequence[Published]) -> tuple[list[Carried], tuple[Published, ...]]:
        """Ports are published through the first network that is open; without one there are none, as in moby."""
        for endpoint, network in zip(endpoints, networks, strict=True):
            if network.open and ports:
                facts = self.facts()
                if not facts.works:
                    raise net_request.endpoint_failed(place.name, network.name,
                                                      f"this machine cannot publish ports: {facts.why}")
                return net_publish.open_ports(place.name, network.name, endpoint.address, ports, self._publish_on)
        return [], ()

    def _attach(self, container: str, name: str, endpoints: Sequence[Endpoint], place: _Place,
                carried: list[Carried]) -> Namespace | None:
        if not self.facts().works:
            return None
        try:
            return self._kernel.attach(container, tuple(place.links.values()), carried)
        except ToolError as error:
            raise net_request.endpoint_failed(name, endpoints[0].network, error.why) from error

    def _bridge(self, endpoint: str, network: Network, gateway: IPv4Interface) -> int:
        """The number of a network's bridge, which is made when the first container comes."""
        if network.id not in self._bridges:
            self._made += 1
            try:
                self._kernel.bridge(self._made, gateway, network.open)
            except ToolError as error:
                raise net_request.endpoint_failed(endpoint, network.name, error.why) from error
            self._bridges[network.id] = self._made
        return self._bridges[network.id]

    def _addresses_of(self, network: Network) -> Addresses:
        if network.id not in self._addresses:
            assert network.subnet is not None
            pool = network.pools[0]
            reserved = [IPv4Address(one) for one in (pool.gateway, *pool.auxiliary.values())]
            self._addresses[network.id] = Addresses(network.subnet, reserved)
        return self._addresses[network.id]

    def _other_way_out(self, container: str, place: _Place) -> None:
        """The way out may have gone with the network that was left: it leads through the next open one."""
        if any(link.gateway for link in place.links.values()):
            return
        for identifier, link in place.links.items():
            network = self._shelf.find(identifier)
            if network.open and network.gateway:
                place.links[identifier] = replace(link, gateway=str(network.gateway.ip))
                with suppress(ToolError):
                    self._kernel.link(container, place.links[identifier])
                return

    def _free(self, place: _Place, network: str = "") -> None:
        """Give back the address in a network, in all of them without one."""
        for identifier in [network] if network else list(place.links):
            link = place.links.pop(identifier, None)
            if link and identifier in self._addresses:
                self._addresses[identifier].free(link.interface.ip)

    def _tell(self, network: Network, action: str, **attributes: str) -> None:
        about = {**attributes, "name": network.name, "type": network.driver}
        self._publish(Event("network", action, network.id, about))


def _publisher(events: Events) -> Callable[[Event], None]:
    """What tells an event, from any thread: the bus belongs to the loop."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return events.publish

    def publish(event: Event) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it everybody who listened
            loop.call_soon_threadsafe(events.publish, event)

    return publish


def _names(container: str, name: str, aliases: Sequence[str]) -> tuple[str, ...]:
    """By what others find a container: its own name first (``buildEndpointDNSNames``)."""
    return tuple(dict.fromkeys((name, *aliases, names.short_id(container))))
