# SPDX-License-Identifier: Apache-2.0
"""How a container differs from what it shall be: whether one that is there can be taken as it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..dockerapi import shapes
from ..errors import quoted
from .spec import NANO, Spec, endpoint, healthcheck, restart_policy


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact of the container that is another than was wanted."""

    field: str
    wanted: object
    found: object

    def __str__(self) -> str:
        return f"{self.field} is {quoted(self.found)}, wanted is {quoted(self.wanted)}"


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
    yield from _one("dns_search", spec.dns_search, host.dns_search or ())
    yield from _one("domainname", spec.domainname, config.domainname)
    yield from _one("stop_signal", spec.stop_signal, config.stop_signal)
    if spec.stop_seconds is not None and spec.stop_seconds != config.stop_timeout:
        yield Difference("stop_seconds", spec.stop_seconds, config.stop_timeout)
    yield from _one("credential_spec", spec.credential_spec, _credential_spec(host.security_opt or ()))
    yield from _one("log_driver", spec.log_driver, host.log_config.type)
    yield from _pairs("log_options", spec.log_options, dict(host.log_config.config or {}))
    yield from _pairs("storage_options", spec.storage_options, dict(host.storage_opt or {}))
    yield from _pairs("hosts", spec.hosts, dict(line.partition(":")[::2] for line in host.extra_hosts or ()))
    yield from _restart(spec, found)
    yield from _one("health", healthcheck(spec.health), config.healthcheck)
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
    for key in spec.exposed:
        if key not in (config.exposed_ports or ()):
            yield Difference(f"port {key}", "exposed", None)
    yield from _attachments(spec, found)


def _credential_spec(options: tuple[str, ...]) -> str:
    return next((text.partition("=")[2] for text in options if text.startswith("credentialspec=")), "")


def _restart(spec: Spec, found: shapes.Inspect) -> Iterator[Difference]:
    if not spec.restart:
        return
    policy, wanted = found.host_config.restart_policy, restart_policy(spec.restart)
    if (policy.name or "no", policy.maximum_retry_count) != (wanted.name, wanted.maximum_retry_count):
        most = policy.maximum_retry_count
        yield Difference("restart", spec.restart, (policy.name or "no") + (f":{most}" if most else ""))


def _attachments(spec: Spec, found: shapes.Inspect) -> Iterator[Difference]:
    there = found.network_settings.networks or {}
    for wanted in spec.attachments:
        at = there.get(wanted.network)
        if at is None:
            yield Difference(f"network {wanted.network}", "joined", None)
            continue
        ipam = at.ipam_config.ipv4_address if at.ipam_config is not None else ""
        if not set(wanted.aliases) <= set(at.aliases or ()) or (wanted.ipv4_address and wanted.ipv4_address != ipam):
            yield Difference(f"network {wanted.network}", endpoint(wanted), at)


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
