# SPDX-License-Identifier: Apache-2.0
"""How a container differs from what it shall be: whether one that is there can be taken as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..dockerapi import shapes
from .spec import NANO, Spec


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact of the container that is another than was wanted."""

    field: str
    wanted: object
    found: object

    def __str__(self) -> str:
        return f"{self.field} is {self.found!r}, wanted is {self.wanted!r}"


def differences(spec: Spec, found: shapes.Inspect, image: str = "") -> tuple[Difference, ...]:
    """Where the container is another than the spec. What the spec leaves open is not compared; ``image`` is the id of
    the spec's image at the engine, and its name is compared where that is not known."""
    return tuple(_compared(spec, found, image))


def _compared(spec: Spec, found: shapes.Inspect, image: str) -> Iterator[Difference]:
    config, host = found.config, found.host_config
    yield from _one("image", image or spec.image, found.image if image else config.image)
    yield from _one("command", spec.command, config.cmd or ())
    yield from _one("entrypoint", spec.entrypoint, config.entrypoint or ())
    yield from _one("user", spec.user, config.user)
    yield from _one("workdir", spec.workdir, config.working_dir)
    yield from _one("hostname", spec.hostname, config.hostname)
    yield from _one("isolation", spec.isolation, host.isolation)
    yield from _one("network", spec.network, host.network_mode)
    yield from _one("memory", spec.memory, host.memory)
    yield from _one("cpus", int(spec.cpus * NANO), host.nano_cpus)
    yield from _one("dns", spec.dns, host.dns or ())
    yield from _one("name", spec.name, found.name.removeprefix("/"))
    there = dict(line.partition("=")[::2] for line in config.env or ())
    folded = {name.casefold(): text for name, text in there.items()}
    yield from _pairs("environ", spec.environ, {name: folded.get(name.casefold()) for name, _text in spec.environ})
    yield from _pairs("labels", spec.labels, dict(config.labels or {}))
    yield from _mounts(spec, found)
    bound = host.port_bindings or {}
    for port in spec.ports:
        outer = [binding.host_port for binding in bound.get(port.key) or ()]
        if port.key not in bound or (port.outer and str(port.outer) not in outer):
            yield Difference(f"port {port.key}", port.outer or "any", outer or None)


def _one(field: str, wanted: object, found: object) -> Iterator[Difference]:
    if wanted and wanted != found:
        yield Difference(field, wanted, found)


def _pairs(field: str, wanted: tuple[tuple[str, str], ...], found: dict[str, str | None] | dict[str, str]
           ) -> Iterator[Difference]:
    for name, text in wanted:
        if found.get(name) != text:
            yield Difference(f"{field}[{name}]", text, found.get(name))


def _mounts(spec: Spec, found: shapes.Inspect) -> Iterator[Difference]:
    there = {mount.destination.casefold().rstrip("\\"): mount for mount in found.mounts}
    for mount in spec.mounts:
        at = there.get(mount.target.replace("/", "\\").casefold().rstrip("\\"))
        source = None if at is None else at.name if at.type == "volume" else at.source
        if at is None or source != mount.source or at.rw == mount.read_only:
            yield Difference(f"mount {mount.target}", mount.source, source)
