# SPDX-License-Identifier: Apache-2.0
"""A network as a value, and as the document that outlives the engine."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network, NetmaskValueError
from typing import Any

from ...dockerapi.names import new_id

NAT, NONE = "nat", "none"
PREDEFINED = ("default", NAT, NONE)
"""Names that no user gives to a network, nor removes (``container:…`` is one more, see :func:`is_predefined`)."""
DRIVERS = ("ics", "internal", "l2bridge", "l2tunnel", "nat", "private", "transparent")
"""What a Windows engine makes networks with (libnetwork/drivers/windows/windows.go). Here all are bridges."""
CLOSED = ("internal", "private")
"""Drivers without a way out."""
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pool:
    """A piece of a network's IPAM configuration, as it was asked for and is shown. Addresses as texts."""

    subnet: str = ""
    gateway: str = ""
    auxiliary: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Network:
    """``created`` is nanoseconds since 1970. ``pools`` is empty for ``none``; containers get addresses from the first.
    ``chosen`` says that the engine, not the user, chose the pool."""

    id: str
    name: str
    driver: str = NAT
    created: int = 0
    pools: tuple[Pool, ...] = ()
    chosen: bool = False
    internal: bool = False
    attachable: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    ipam_options: Mapping[str, str] | None = None

    @property
    def subnet(self) -> IPv4Network | None:
        """Where its containers' addresses are; ``None`` for ``none``."""
        return IPv4Network(self.pools[0].subnet) if self.pools else None

    @property
    def gateway(self) -> IPv4Interface | None:
        """The engine's own address in it: containers' gateway and DNS server."""
        subnet = self.subnet
        return IPv4Interface((self.pools[0].gateway, subnet.prefixlen)) if subnet else None

    @property
    def open(self) -> bool:
        """Whether it has a way out and publishes ports."""
        return bool(self.pools) and not self.internal and self.driver not in CLOSED


def is_predefined(name: str) -> bool:
    """Whether a name has a meaning of its own as a container's network mode (api/types/container on Windows)."""
    return name in PREDEFINED or name.startswith("container:")


def other_of(mode: str) -> str:
    """The container that a network mode names (``container:NAME``), empty for any other mode."""
    kind, _unused, reference = mode.partition(":")
    return reference if kind == "container" else ""


def made(name: str, driver: str, pools: tuple[Pool, ...], **more: Any) -> Network:
    """A network that is new now. A Windows engine notes what the Host Networking Service calls it."""
    identifier = new_id()
    options = {**more.pop("options", {})}
    if driver != "null":
        options = {"com.docker.network.windowsshim.hnsid": str(uuid.UUID(identifier[:32])),
                   "com.docker.network.windowsshim.networkname": name, **options}
    return Network(identifier, name, driver, time.time_ns(), pools, options=options, **more)


def to_document(network: Network) -> dict[str, Any]:
    """As it is kept."""
    return {
        "Id": network.id, "Name": network.name, "Driver": network.driver, "Created": network.created,
        "Pools": [{"Subnet": pool.subnet, "Gateway": pool.gateway, "Auxiliary": dict(pool.auxiliary)}
                  for pool in network.pools],
        "Chosen": network.chosen, "Internal": network.internal, "Attachable": network.attachable,
        "Labels": dict(network.labels), "Options": dict(network.options),
        "IpamOptions": None if network.ipam_options is None else dict(network.ipam_options),
    }


def from_document(document: Any) -> Network | None:
    """From what was kept; ``None`` when it is not what :func:`to_document` writes (another version, a damaged disk)."""
    try:
        pools = tuple(Pool(str(one["Subnet"]), str(one["Gateway"]), _texts(one["Auxiliary"]))
                      for one in document["Pools"])
        for pool in pools:
            if IPv4Address(pool.gateway) not in IPv4Network(pool.subnet):
                return None
        if not _ID.fullmatch(document["Id"]) or not document["Name"]:
            return None
        kept = document["IpamOptions"]
        return Network(document["Id"], str(document["Name"]), str(document["Driver"]), int(document["Created"]), pools,
                       bool(document["Chosen"]), bool(document["Internal"]), bool(document["Attachable"]),
                       _texts(document["Labels"]), _texts(document["Options"]), None if kept is None else _texts(kept))
    except (KeyError, TypeError, ValueError, AttributeError, AddressValueError, NetmaskValueError):
        return None


def _texts(value: Any) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()}
