# SPDX-License-Identifier: Apache-2.0
"""Networks, and how a container is in one.

Source: moby 26.1 ``api/types/network/{network,endpoint,ipam}.go`` and ``api/types/types.go``.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..duration import NEVER
from ..shape import Shape, key, shape


@shape("network.EndpointIPAMConfig")
class EndpointIpam(Shape):
    """Addresses that a user chose."""

    ipv4_address: str = key("IPv4Address", omitempty=True)
    ipv6_address: str = key("IPv6Address", omitempty=True)
    link_local_ips: tuple[str, ...] = key("LinkLocalIPs", omitempty=True)


@shape("network.EndpointSettings")
class EndpointSettings(Shape):
    """A container in a network: what was asked for, and what it got."""

    ipam_config: EndpointIpam | None = key("IPAMConfig")
    links: tuple[str, ...] | None = key("Links")
    aliases: tuple[str, ...] | None = key("Aliases")
    mac_address: str = key("MacAddress")
    network_id: str = key("NetworkID")
    endpoint_id: str = key("EndpointID")
    gateway: str = key("Gateway")
    ip_address: str = key("IPAddress")
    ip_prefix_len: int = key("IPPrefixLen")
    ipv6_gateway: str = key("IPv6Gateway")
    global_ipv6_address: str = key("GlobalIPv6Address")
    global_ipv6_prefix_len: int = key("GlobalIPv6PrefixLen")
    driver_opts: Mapping[str, str] | None = key("DriverOpts")
    dns_names: tuple[str, ...] | None = key("DNSNames")


@shape("network.NetworkingConfig")
class NetworkingConfig(Shape):
    """The networks of a container that is created."""

    endpoints_config: Mapping[str, EndpointSettings | None] | None = key("EndpointsConfig")


@shape("network.IPAMConfig")
class IpamConfig(Shape):
    """A subnet."""

    subnet: str = key("Subnet", omitempty=True)
    ip_range: str = key("IPRange", omitempty=True)
    gateway: str = key("Gateway", omitempty=True)
    auxiliary_addresses: Mapping[str, str] | None = key("AuxiliaryAddresses", omitempty=True)


@shape("network.IPAM")
class Ipam(Shape):
    """Who gives addresses (``windows`` on Windows), and from where."""

    driver: str = key("Driver")
    options: Mapping[str, str] | None = key("Options")
    config: tuple[IpamConfig, ...] | None = key("Config")


@shape("network.ConfigReference")
class ConfigReference(Shape):
    """Swarm's; always empty here."""

    network: str = key("Network")


@shape("types.EndpointResource")
class EndpointResource(Shape):
    """A container as its network shows it."""

    name: str = key("Name")
    endpoint_id: str = key("EndpointID")
    mac_address: str = key("MacAddress")
    ipv4_address: str = key("IPv4Address")
    ipv6_address: str = key("IPv6Address")


@shape("types.NetworkResource")
class Network(Shape):
    """A network, in lists and when inspected."""

    name: str = key("Name")
    id: str = key("Id")
    created: str = key("Created", NEVER)
    scope: str = key("Scope")
    driver: str = key("Driver")
    enable_ipv6: bool = key("EnableIPv6")
    ipam: Ipam = key("IPAM")
    internal: bool = key("Internal")
    attachable: bool = key("Attachable")
    ingress: bool = key("Ingress")
    config_from: ConfigReference = key("ConfigFrom")
    config_only: bool = key("ConfigOnly")
    containers: Mapping[str, EndpointResource] = key("Containers")
    options: Mapping[str, str] | None = key("Options")
    labels: Mapping[str, str] | None = key("Labels")


@shape("types.NetworkCreateRequest")
class NetworkCreate(Shape):
    """The body of ``POST /networks/create``."""

    check_duplicate: bool = key("CheckDuplicate", omitempty=True)
    name: str = key("Name")
    driver: str = key("Driver")
    scope: str = key("Scope")
    enable_ipv6: bool = key("EnableIPv6")
    ipam: Ipam | None = key("IPAM")
    internal: bool = key("Internal")
    attachable: bool = key("Attachable")
    ingress: bool = key("Ingress")
    config_only: bool = key("ConfigOnly")
    config_from: ConfigReference | None = key("ConfigFrom")
    options: Mapping[str, str] | None = key("Options")
    labels: Mapping[str, str] | None = key("Labels")


@shape("types.NetworkCreateResponse")
class NetworkCreated(Shape):
    """Its answer."""

    id: str = key("Id")
    warning: str = key("Warning")


@shape("types.NetworkConnect")
class NetworkConnect(Shape):
    """The body of ``POST /networks/{id}/connect``."""

    container: str = key("Container")
    endpoint_config: EndpointSettings | None = key("EndpointConfig", omitempty=True)


@shape("types.NetworkDisconnect")
class NetworkDisconnect(Shape):
    """The body of ``POST /networks/{id}/disconnect``."""

    container: str = key("Container")
    force: bool = key("Force")


@shape("types.NetworksPruneReport")
class NetworksPruned(Shape):
    """The answer of ``POST /networks/prune``."""

    deleted: tuple[str, ...] | None = key("NetworksDeleted")
