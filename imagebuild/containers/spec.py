# SPDX-License-Identifier: Apache-2.0
"""What a container shall be: a value that can be compared, hashed and shown, and the body that creates it.

::

    spec = Spec.of("app:1", mounts={r"C:\\data": Path("data")}, environ={"MODE": "test"}, ports=[80])
    body = create_request(spec)

Mounts go as ``Mounts``, which keep their letters; a Windows engine writes the texts of ``Binds`` in lower case (moby
``volume/mounts/windows_parser.go``).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal, Self

from ..dockerapi import shapes
from ..errors import UsageError, quoted
from ..windows import cmdline
from .mounts.mount import Mount, mounts_of

Isolation = Literal["", "process", "hyperv"]
Pairs = tuple[tuple[str, str], ...]

NANO = 1_000_000_000

#: Names of the docker command, of Compose and of SDKs, and ours for the same.
_ELSEWHERE = {
    "args": "command", "binds": "mounts", "cmd": "command", "cpu_count": "cpus", "cwd": "workdir", "env": "environ",
    "env_vars": "environ", "environment": "environ", "expose": "exposed", "extra_hosts": "hosts",
    "healthcheck": "health", "mem_limit": "memory", "nano_cpus": "cpus", "network_mode": "network",
    "networks": "attachments", "publish": "ports", "restart_policy": "restart", "stdin_open": "stdin",
    "volume": "mounts", "volumes": "mounts", "wait_for": "wait", "working_dir": "workdir"}


@dataclass(frozen=True, slots=True, order=True)
class Port:
    """A port of the container, published on ``outer`` of the engine's host; 0 is any port that is free there."""

    inner: int
    outer: int = 0
    protocol: str = "tcp"

    @classmethod
    def parse(cls, value: int | str | Port) -> Port:
        """Read ``80``, ``"80/udp"`` or ``"8080:80"``. Raises UsageError for anything else."""
        if isinstance(value, Port):
            return value
        text, _slash, protocol = str(value).partition("/")
        outer, _colon, inner = text.rpartition(":")
        numbers = [int(part) if part.isascii() and part.isdigit() else -1 for part in (inner, outer or "0")]
        if not 0 < numbers[0] < 65536 or not 0 <= numbers[1] < 65536 or protocol not in ("", "tcp", "udp"):
            raise UsageError(f"cannot publish port {quoted(value)}", why="a port is a number from 1 to 65535",
                             hint="write 80, '53/udp', or '8080:80' for port 80 of the container on port 8080 here")
        return cls(numbers[0], numbers[1], protocol or "tcp")

    @property
    def key(self) -> str:
        """The name that the API gives it: ``80/tcp``."""
        return f"{self.inner}/{self.protocol}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the engine looks whether the container is healthy: a program (``CMD`` or ``CMD-SHELL`` first, or ``NONE``),
    and times in seconds; what is 0 is the engine's own."""

    test: tuple[str, ...]
    interval: float = 0.0
    timeout: float = 0.0
    start_period: float = 0.0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A network that the container is in, and what it is there."""

    network: str
    aliases: tuple[str, ...] = ()
    ipv4_address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A container to be. :meth:`of` makes one of the types that people write; ``str()`` is short and readable.

    ``command`` and ``entrypoint`` are the image's where they are empty; a text is cut into words as a program of
    Windows cuts its command line. ``stdin`` keeps its standard input open, which
    keeps a shell up without a program that polls. ``memory`` is in bytes, ``cpus`` in processors; 0 is no limit.
    ``network`` is the first network, ``attachments`` are the further ones. ``restart`` is the policy's name
    (``on-failure:3`` with the most tries), ``credential_spec`` a file, a registry key or the document itself, as docker
    has it (``file://name.json``). What is empty is left to the engine.
    """

    image: str
    name: str = ""
    command: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    environ: Pairs = ()
    mounts: tuple[Mount, ...] = ()
    ports: tuple[Port, ...] = ()
    user: str = ""
    workdir: str = ""
    hostname: str = ""
    network: str = ""
    aliases: tuple[str, ...] = ()
    dns: tuple[str, ...] = ()
    isolation: Isolation = ""
    memory: int = 0
    cpus: float = 0.0
    labels: Pairs = ()
    stdin: bool = True
    tty: bool = False
    domainname: str = ""
    attachments: tuple[Attachment, ...] = ()
    address: str = ""
    restart: str = ""
    health: Health | None = None
    log_driver: str = ""
    log_options: Pairs = ()
    storage_options: Pairs = ()
    stop_signal: str = ""
    stop_seconds: int | None = None
    dns_search: tuple[str, ...] = ()
    hosts: Pairs = ()
    credential_spec: str = ""
    exposed: tuple[str, ...] = ()
    auto_remove: bool = False

    @classmethod
    def of(cls, image: str, **facts: Any) -> Self:
        """Make one from what people write: mappings, lists, paths, ports as numbers or texts.

        Raises UsageError for a field that does not exist, and for a value that a Windows engine would refuse.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(facts) - known)
        if unknown:
            meant = _ELSEWHERE.get(unknown[0]) or next(iter(get_close_matches(unknown[0], known, 1)), "")
            near = f"; it has {quoted(meant)}" if meant else ""
            raise UsageError(f"a container has no {quoted(unknown[0])}{near}",
                             hint=f"known are {', '.join(sorted(known))}")
        return cls(image=image, **{name: _read(name, value) for name, value in facts.items() if value is not None})

    def with_facts(self, **facts: Any) -> Self:
        """The same with other facts, written as for :meth:`of`."""
        return replace(self, **{name: _read(name, value) for name, value in facts.items()})

    def __str__(self) -> str:
        image = self.image.rpartition("/")[2].partition("@")[0]
        said = [image, *self.command[:1], *(port.key.removesuffix("/tcp") for port in self.ports),
                *(mount.target for mount in self.mounts), self.isolation]
        return "-".join(part for part in said if part)


def create_request(spec: Spec) -> shapes.CreateRequest:
    """The body of ``POST /containers/create``."""
    host = shapes.HostConfig(
        mounts=tuple(mount.shape() for mount in spec.mounts) or None,
        port_bindings={port.key: (shapes.PortBinding(host_port=str(port.outer or "")),) for port in spec.ports} or None,
        network_mode=spec.network or "default", isolation=spec.isolation, dns=spec.dns or None, memory=spec.memory,
        nano_cpus=int(spec.cpus * NANO), dns_search=spec.dns_search or None, auto_remove=spec.auto_remove,
        extra_hosts=tuple(f"{name}:{address}" for name, address in spec.hosts) or None,
        security_opt=(f"credentialspec={spec.credential_spec}",) if spec.credential_spec else None,
        storage_opt=dict(spec.storage_options) or None, restart_policy=restart_policy(spec.restart),
        log_config=shapes.LogConfig(type=spec.log_driver, config=dict(spec.log_options) or None))
    return shapes.CreateRequest(
        image=spec.image, cmd=spec.command or None, entrypoint=spec.entrypoint or None, hostname=spec.hostname,
        domainname=spec.domainname, env=tuple(f"{name}={value}" for name, value in spec.environ) or None,
        user=spec.user, working_dir=spec.workdir, labels=dict(spec.labels) or None, open_stdin=spec.stdin,
        tty=spec.tty, healthcheck=healthcheck(spec.health), stop_signal=spec.stop_signal,
        stop_timeout=spec.stop_seconds,
        exposed_ports=tuple(dict.fromkeys([*(port.key for port in spec.ports), *spec.exposed])) or None,
        host_config=host, networking_config=_networking(spec))


def restart_policy(text: str) -> shapes.RestartPolicy:
    """``on-failure:3`` as the API has it. Raises UsageError for what is not a policy."""
    name, _unused, most = text.partition(":")
    if name not in ("", "no", "always", "on-failure", "unless-stopped") or (most and not most.isdecimal()):
        raise UsageError(f"{quoted(text)} is not a restart policy", hint="no, always, unless-stopped, on-failure:3")
    return shapes.RestartPolicy(name=name, maximum_retry_count=int(most or 0))


def healthcheck(health: Health | None) -> shapes.Healthcheck | None:
    """How health is looked at, as the API has it: in nanoseconds."""
    if health is None:
        return None
    return shapes.Healthcheck(
        test=health.test, interval=int(health.interval * NANO), timeout=int(health.timeout * NANO),
        start_period=int(health.start_period * NANO), retries=health.retries)


def endpoint(attachment: Attachment) -> shapes.EndpointSettings:
    """What the container is in a network, as the API has it."""
    ipam = shapes.EndpointIpam(ipv4_address=attachment.ipv4_address) if attachment.ipv4_address else None
    return shapes.EndpointSettings(aliases=attachment.aliases or None, ipam_config=ipam)


def _networking(spec: Spec) -> shapes.NetworkingConfig | None:
    # Engines whose API is older than 1.44 take one network at a creation, so the others are joined afterwards.
    if not spec.network or not (spec.aliases or spec.address):
        return None
    first = Attachment(network=spec.network, aliases=spec.aliases, ipv4_address=spec.address)
    return shapes.NetworkingConfig(endpoints_config={spec.network: endpoint(first)})


def _read(name: str, value: Any) -> Any:
    if name == "mounts":
        return mounts_of(value)
    if name == "ports":
        return tuple(Port.parse(f"{value[key]}:{key}" if isinstance(value, Mapping) else key) for key in _many(value))
    if name in ("environ", "labels", "log_options", "storage_options", "hosts"):
        return _pairs(name, value)
    if name in ("command", "entrypoint") and isinstance(value, str):
        return tuple(cmdline.split(value.strip()))
    if name in ("command", "entrypoint", "aliases", "dns", "dns_search", "exposed"):
        return (value,) if isinstance(value, str) else tuple(os.fspath(word) for word in value)
    if name == "isolation" and value not in ("", "default", "process", "hyperv"):
        raise UsageError(f"{quoted(value)} is not an isolation of Windows", hint="process or hyperv")
    if name in ("memory", "cpus", "stop_seconds") and (not isinstance(value, int | float) or value < 0):
        raise UsageError(f"{name} is {quoted(value)}", why="it has to be a number, and not below 0",
                         hint="bytes, like 2 << 30" if name == "memory" else "")
    return "" if name == "isolation" and value == "default" else value


def _many(value: Any) -> Iterable[Any]:
    return (value,) if isinstance(value, int | str | Port) else value


def _pairs(name: str, value: Any) -> Pairs:
    pairs = value.items() if isinstance(value, Mapping) else value
    found = tuple((str(key), str(text)) for key, text in pairs)
    for key, text in found:
        if not key or "=" in key or "\0" in key + text:
            raise UsageError(f"{quoted(key)} cannot be a name in {name}", why="it is empty, or has '=' or NUL in it")
    return found
