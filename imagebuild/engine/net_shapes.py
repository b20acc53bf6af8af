# SPDX-License-Identifier: Apache-2.0
"""Networks on the wire (api/types/types.go, api/types/network of moby 26.1)."""

from __future__ import annotations

from collections.abc import Mapping

from ..dockerapi.shape import Shape, key, shape


@shape("network.IPAMConfig")
class IpamConfig(Shape):
    """A subnet of a network."""

    subnet: str = key("Subnet", omitempty=True)
    ip_range: str = key("IPRange", omitempty=True)
    gateway: str = key("Gateway", omitempty=True)
    auxiliary: Mapping[str, str] | None = key("AuxiliaryAddresses", omitempty=True)


@shape("network.IPAM")
class Ipam(Shape):
    """Where a network's addresses come from."""

    driver: str = key("Driver")
    options: Mapping[str, str] | None = key("Options")
    config: tuple[IpamConfig, ...] | None = key("Config")


@shape("network.ConfigReference")
class ConfigReference(Shape):
    """A network that lends its configuration."""

    network: str = key("Network")


@shape("types.EndpointResource")
class EndpointResource(Shape):
    """A container in a network."""

    name: str = key("Name")
    endpoint_id: str = key("EndpointID")
    mac_address: str = key("MacAddress")
    ipv4_address: str = key("IPv4Address")
    ipv6_address: str = key("IPv6Address")


@shape("types.NetworkResource")
class NetworkResource(Shape):
    """A network as it is listed and inspected."""

    name: str = key("Name")
    id: str = key("Id")
    created: str = key("Created")
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
class NetworkCreateRequest(Shape):
    """A network to be made. ``CheckDuplicate`` is read and has no effect, as in moby since 25."""

    check_duplicate: bool = key("CheckDuplicate", omitempty=True)
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
    name: str = key("Name")


@shape("types.NetworkCreateResponse")
class NetworkCreateResponse(Shape):
    """The network that was made."""

    id: str = key("Id")
    warning: str = key("Warning")


@shape("network.EndpointIPAMConfig")
class EndpointIpamConfig(Shape):
    """Addresses that a container asks for."""

    ipv4_address: str = key("IPv4Address", omitempty=True)
    ipv6_address: str = key("IPv6Address", omitempty=True)
    link_local: tuple[str, ...] | None = key("LinkLocalIPs", omitempty=True)


@shape("network.EndpointSettings")
class EndpointSettings(Shape):
    """What a container asks of a network, and what it got."""

    ipam_config: EndpointIpamConfig | None = key("IPAMConfig")
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


@shape("types.NetworkConnect")
class NetworkConnect(Shape):
    """A container to be put into a network."""

    container: str = key("Container")
    endpoint_config: EndpointSettings | None = key("EndpointConfig", omitempty=True)


@shape("types.NetworkDisconnect")
class NetworkDisconnect(Shape):
    """A container to be taken out of a network."""

    container: str = key("Container")
    force: bool = key("Force")


@shape("types.NetworksPruneReport")
class NetworksPruneReport(Shape):
    """Names of networks that were removed."""

    deleted: tuple[str, ...] | None = key("NetworksDeleted")
