# SPDX-License-Identifier: Apache-2.0
"""How much one request may ask for. moby has no such bounds; each here is far above what people use, and keeps one
request from costing others their answers: records are written and lists are made on the thread that answers all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sized

from ..dockerapi import faults, shapes

MAX_LABELS = 5000
"""Of a container, network or volume. Every event of it repeats them."""
MAX_MOUNTS = 500
"""Of a container, volumes among them: each is made, opened at every start, and kept open until its end."""
MAX_ENDPOINTS = 100
"""Networks of a container: each gets an interface in it."""
MAX_NAMES = 1000
"""Names of a container in a network, links to others and names of hosts that it is told, each by itself."""
MAX_SUBNETS = 100
"""Of a network."""


def check_container(config: shapes.Config, host: shapes.HostConfig,
                    endpoints: Mapping[str, shapes.EndpointSettings | None]) -> None:
    """BadRequest for a container that asks for too much."""
    check_labels(config.labels)
    _count("mounts", sum(len(some or ()) for some in (config.volumes, host.binds, host.mounts)), MAX_MOUNTS)
    _check("networks", endpoints, MAX_ENDPOINTS)
    for settings in endpoints.values():
        check_endpoint(settings)
    _check("extra hosts", host.extra_hosts, MAX_NAMES)


def check_endpoint(settings: shapes.EndpointSettings | None) -> None:
    """BadRequest for too many names in one network."""
    if settings is not None:
        _check("aliases", settings.aliases, MAX_NAMES)
        _check("links", settings.links, MAX_NAMES)


def check_network(asked: shapes.NetworkCreate) -> None:
    """BadRequest for a network that asks for too much."""
    check_labels(asked.labels)
    _check("subnets", asked.ipam.config if asked.ipam else None, MAX_SUBNETS)


def check_labels(labels: Sized | None) -> None:
    """BadRequest for more labels than anything may have."""
    _check("labels", labels, MAX_LABELS)


def _check(what: str, found: Sized | None, most: int) -> None:
    if found is not None:
        _count(what, len(found), most)


def _count(what: str, found: int, most: int) -> None:
    if found > most:
        raise faults.BadRequest(f"{found} {what} are more than this engine takes ({most})")
