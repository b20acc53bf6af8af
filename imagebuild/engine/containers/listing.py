# SPDX-License-Identifier: Apache-2.0
"""Which containers ``docker ps`` shows, and what a row of it says.

Sources: moby 26.1 ``daemon/list.go``, ``container/view.go``, ``go-connections/nat``. On Windows a container's size is
never counted (``daemon/images/image_windows.go``), so rows have none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from ...dockerapi import Filters, faults, shapes
from ...oci import Digest
from ..gotext import quoted
from ..networks.ports import container_port
from .container import Container

if TYPE_CHECKING:
    from ..core import Engine

ACCEPTED = ("ancestor", "before", "expose", "exited", "health", "id", "isolation", "is-task", "label", "name",
            "network", "publish", "since", "status", "volume")
STATES = ("created", "dead", "exited", "paused", "removing", "restarting", "running")
HEALTHS = ("healthy", "none", "starting", "unhealthy")


def listed(engine: Engine, filters: Filters, *, everything: bool = False, limit: int = 0) -> list[Container]:
    """The containers that a client asks for, newest first. ``everything`` has those that do not run among them, as
    have a ``limit`` (0: none) and a filter by status. BadRequest for filters without sense, Internal for ports without
    (moby's statuses)."""
    wanted = _Wanted(engine, filters.check(ACCEPTED))
    everything = everything or limit > 0 or bool(filters.get("status"))
    found = [one for one in sorted(engine.containers, key=lambda one: one.created, reverse=True)
             if (everything or one.status in ("running", "restarting")) and wanted.takes(one)]
    return found[:limit] if limit > 0 else found


class _Wanted:
    """Filters, with everything looked up that they name."""

    def __init__(self, engine: Engine, filters: Filters) -> None:
        self._filters = filters
        self._exited = [_code(text) for text in filters.get("exited")]
        for state in filters.get("status"):
            if state not in STATES:
                raise faults.BadRequest(f"invalid filter 'status={state}'")
        self._task = filters.flag("is-task") if "is-task" in filters else None
        for health in filters.get("health"):
            if health not in HEALTHS:
                raise faults.BadRequest(f"unrecognized filter value for health: {health}")
        self._before = [engine.containers.find(text).created for text in filters.get("before")]
        self._since = [engine.containers.find(text).created for text in filters.get("since")]
        self._images = _with_children(engine, filters.get("ancestor")) if "ancestor" in filters else None
        self._publish = _ports("publish", filters.get("publish"))
        self._expose = _ports("expose", filters.get("expose"))
        self._networks = {network.name: network.id for network in engine.networks.all()}

    def takes(self, one: Container) -> bool:
        """Whether a container passes them all."""
        filters = self._filters
        running = one.status in ("running", "restarting")
        return (
            all(one.created < moment for moment in self._before)
            and all(one.created > moment for moment in self._since)
            and filters.prefix("id", one.id)
            and (filters.match("name", f"/{one.name}") or filters.match("name", one.name))
            and self._task is not True  # a task is a service's container, and there is no swarm
            and filters.labels(one.config.labels)
            and filters.match("isolation", (one.host.isolation or "default").lower())
            and (not self._exited or (one.exit_code in self._exited and not running and bool(one.started)))
            and filters.match("status", one.status)
            and filters.exact("health", one.health.status if one.health else "none")
            and self._mounts(one)
            and (self._images is None or one.image in self._images)
            and self._network(one)
            and self._port(one))

    def _mounts(self, one: Container) -> bool:
        wanted = set(self._filters.get("volume"))
        return not wanted or any(wanted & {mount.name or mount.source, mount.destination} for mount in one.mounts)

    def _network(self, one: Container) -> bool:
        wanted = self._filters.get("network")
        return not wanted or any(text == name or self._networks.get(name, "").startswith(text)
                                 for text in wanted for name in one.networks)

    def _port(self, one: Container) -> bool:
        if not self._publish and not self._expose:
            return True
        return any(f"{port.public_port}/{port.type}" in self._publish
                   or f"{port.private_port}/{port.type}" in self._expose for port in ports(one))


def rows(engine: Engine, containers: Iterable[Container]) -> list[shapes.Summary]:
    """Rows of a list. An image whose name is another's by now is shown by its id."""
    return [_row(one, one.config.image if _is_still(engine, one) else one.image) for one in containers]


def ports(one: Container) -> tuple[shapes.Port, ...]:
    """The ports of a container that runs, exposed and published."""
    out: list[shapes.Port] = []
    for key, bindings in one.port_map().items():
        port = container_port(key)
        if port is None:  # whatever a client calls a port must not keep others from the list
            continue
        number, protocol = port
        out += [shapes.Port(ip=binding.host_ip, private_port=number, public_port=int(binding.host_port), type=protocol)
                for binding in bindings or ()] or [shapes.Port(private_port=number, type=protocol)]
    return tuple(out)


def _row(one: Container, image: str) -> shapes.Summary:
    path, *args = one.words or ("",)
    command = " ".join((path, *(f"'{word}'" if " " in word else word for word in args)))
    networks = {name: replace(place, links=None, aliases=None, driver_opts=None, dns_names=None)
                for name, place in one.endpoints().items()}
    return shapes.Summary(
        id=one.id, names=(f"/{one.name}",), image=image, image_id=one.image, command=command,
        created=one.created // 1_000_000_000, ports=ports(one), labels=dict(one.config.labels or {}),
        state=one.status, status=one.status_text(),
        host_config=shapes.SummaryHostConfig(network_mode=one.host.network_mode),
        network_settings=shapes.SummaryNetworks(networks=networks), mounts=one.mounts)


def _is_still(engine: Engine, one: Container) -> bool:
    try:
        return engine.images.get(one.config.image).id == one.image
    except faults.Fault:  # an image that was removed is shown by its id
        return False


def _with_children(engine: Engine, names: Iterable[str]) -> set[str]:
    """The images of these names and all that were made of them here; a name that is nobody's counts nothing."""
    found: set[str] = set()
    waiting: list[Digest] = []
    for name in names:
        try:
            waiting.append(engine.images.get(name).id)
        except faults.Fault:
            continue
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += [child.id for child in engine.images.shelf.children(one)]
    return found


def _code(text: str) -> int:
    digits = text[1:] if text[:1] in ("+", "-") else text
    if not (digits.isascii() and digits.isdigit() and len(digits) < 19):
        raise faults.BadRequest(f"invalid filter 'exited={text}': strconv.Atoi: parsing {quoted(text)}: invalid syntax")
    return int(text)


def _ports(key: str, texts: Iterable[str]) -> set[str]:
    """``80``, ``53/udp`` and ``8000-8010/tcp`` as single ports with their protocol."""
    out: set[str] = set()
    for text in texts:
        if ":" in text:
            raise faults.Internal(f"filter for '{key}' should not contain ':': {text}")
        numbers, _unused, protocol = text.partition("/")
        first, dash, last = numbers.partition("-")
        start, end = _port_number(key, text, first), _port_number(key, text, last if dash else first)
        if end < start:
            raise faults.Internal(f"error while looking up for {key} {text}: Invalid range specified for the Port: "
                                  f"{numbers}")
        out |= {f"{port}/{protocol or 'tcp'}" for port in range(start, end + 1)}
    return out


def _port_number(key: str, text: str, digits: str) -> int:
    if not text.partition("/")[0]:
        raise faults.Internal(f"error while looking up for {key} {text}: Empty string specified for ports.")
    if not (digits.isascii() and digits.isdigit()):
        raise faults.Internal(f"error while looking up for {key} {text}: strconv.ParseUint: parsing {quoted(digits)}: "
                              "invalid syntax")
    if len(digits) > 9 or int(digits) > 0xFFFF:
        raise faults.Internal(f"error while looking up for {key} {text}: strconv.ParseUint: parsing {quoted(digits)}: "
                              "value out of range")
    return int(digits)
