# SPDX-License-Identifier: Apache-2.0
"""What may be asked of networks, and how a Windows engine refuses the rest. Pure.

Order and texts are moby 26.1's: ``daemon/network.go``, ``api/types/network``, ``libnetwork/controller.go``,
``libnetwork/ipams/windowsipam``, ``libnetwork/drivers/windows/windows.go``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from ...dockerapi import faults, shapes
from ...dockerapi.versions import ApiVersion
from ..interfaces import Published, Wanted
from . import addresses as net_addresses
from . import model as net_model
from . import options as net_options
from .model import Network, Pool

NULL_IPAM = "This request is not supported by null ipam driver"
_MAC = re.compile(r"[0-9a-fA-F]{2}([:-])[0-9a-fA-F]{2}(\1[0-9a-fA-F]{2}){4}|([0-9a-fA-F]{4}\.){2}[0-9a-fA-F]{4}")


def network_of(request: shapes.NetworkCreate, taken: Collection[IPv4Network], existing: Mapping[str, Network],
               pool: IPv4Network) -> Network:
    """The network that a create request means; a fault when a Windows engine would refuse it. ``existing`` is by id;
    ``taken`` are networks of the machine, which a subnet that the engine chooses keeps away from."""
    if net_model.is_predefined(request.name):
        raise faults.Forbidden(f"operation is not permitted on predefined {request.name} network ")
    driver = request.driver or net_model.NAT
    if driver == "overlay" or request.scope == "swarm":
        raise faults.Forbidden('This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to '
                               "connect this node to swarm and try again.")
    ipam = request.ipam
    configs = ipam.config or () if ipam else ()
    _check_ipam(configs, request.enable_ipv6)
    if not request.name.strip():
        raise faults.BadRequest(f"invalid name: {request.name}")
    if any(one.name == request.name for one in existing.values()):
        raise faults.Conflict(f"network with name {request.name} already exists")
    if driver == "null":
        raise faults.Forbidden('only one instance of "null" network is allowed')
    if driver not in net_model.DRIVERS:
        raise faults.NotFound(f'plugin "{driver}" not found')
    if request.config_only or (request.config_from and request.config_from.network):
        raise faults.NotImplemented("configuration networks are not supported by this engine")
    if request.ingress:
        raise faults.Forbidden("Ingress network can only be global scope network")
    if ipam and ipam.driver not in ("", "default", "windows"):
        raise faults.NotFound(f'plugin "{ipam.driver}" not found')
    configs = tuple(config for config in configs if isinstance(_subnet(config), IPv4Network))
    if request.enable_ipv6 or any(config.ip_range for config in configs):
        raise faults.Internal(NULL_IPAM)
    ours = [one.subnet for one in existing.values() if one.subnet]
    pools = tuple(_pool(config) for config in configs)
    if any(IPv4Network(one.subnet).overlaps(other) for one in pools for other in ours):
        raise faults.Forbidden("Pool overlaps with other one on this address space")
    net_options.check_options(request.options or {})
    if not pools:
        subnet = net_addresses.choose_subnet([*taken, *ours], pool)
        chosen = (Pool(str(subnet), str(net_addresses.first_host(subnet))),)
    return net_model.made(request.name, driver, pools or chosen, chosen=not pools, internal=request.internal,
                          attachable=request.attachable, labels=request.labels or {}, options=request.options or {},
                          ipam_options=ipam.options if ipam else None)


def joined(wrong: Sequence[str]) -> str:
    """Several complaints in one text, as moby writes them (``internal/multierror``)."""
    if len(wrong) == 1:
        return wrong[0].strip()
    return "\n".join("* " + one.replace("\n", "\n\t") for one in wrong)


def _subnet(config: shapes.IpamConfig) -> IPv4Network | IPv6Network:
    return ip_network(config.subnet, strict=False)


def _pool(config: shapes.IpamConfig) -> Pool:
    subnet = IPv4Network(config.subnet)
    if subnet.prefixlen > 30:
        raise faults.Internal("HNS failed with error : The parameter is incorrect. There is no room for a gateway and "
                              f"a container in {subnet}")
    return Pool(str(subnet), config.gateway or str(net_addresses.first_host(subnet)), config.auxiliary_addresses or {})


def _check_ipam(configs: Collection[shapes.IpamConfig], ipv6: bool) -> None:
    """api/types/network/ipam.go ValidateIPAM: all that is wrong at once."""
    wrong: list[str] = []
    for config in configs:
        try:
            subnet = _subnet(config)
            if "/" not in config.subnet:
                raise ValueError
        except ValueError:
            wrong.append(f"invalid subnet {config.subnet}: invalid CIDR block notation")
            continue
        if subnet.version == 6 and not ipv6:
            continue
        if str(subnet) != config.subnet:
            wrong.append(f"invalid subnet {config.subnet}: it should be {subnet}")
        if config.ip_range:
            wrong += _wrong_range(config.ip_range, subnet)
        named = {f"gateway {config.gateway}": config.gateway}
        named |= {f"auxiliary address {name}": one for name, one in (config.auxiliary_addresses or {}).items()}
        for name, address in named.items():
            why = _wrong_address(address, subnet)
            if why:
                wrong.append(f"invalid {name}: {why}")
    if wrong:
        raise faults.BadRequest("invalid network config:\n" + joined(wrong))


def _wrong_range(text: str, subnet: IPv4Network | IPv6Network) -> list[str]:
    try:
        found = ip_network(text, strict=False)
        if "/" not in text:
            raise ValueError
    except ValueError:  # the fault that the caller raises
        return [f"invalid ip-range {text}: invalid CIDR block notation"]
    if found.version != subnet.version:
        return [f"invalid ip-range {text}: parent subnet is an IPv{subnet.version} block"]
    wrong = []
    if found.prefixlen < subnet.prefixlen:
        wrong.append(f"invalid ip-range {text}: CIDR block is bigger than its parent subnet {subnet}")
    if str(found) != text:
        wrong.append(f"invalid ip-range {text}: it should be {found}")
    if not subnet.overlaps(found):
        wrong.append(f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range")
    return wrong


def _wrong_address(text: str, subnet: IPv4Network | IPv6Network) -> str:
    if not text:
        return ""
    address = _address(text)
    if address is None:
        return "invalid address"
    if address.version != subnet.version:
        return f"parent subnet is an IPv{subnet.version} block"
    return "" if address in subnet else f"parent subnet {subnet} doesn't contain this address"


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:  # the caller refuses the text
        return None


def wanted(network: str, settings: shapes.EndpointSettings | None, hostname: str = "") -> Wanted:
    """What a client's endpoint settings ask for, and that others find the container by its host's name, too (moby
    ``daemon/container_operations.go`` buildEndpointDNSNames); BadRequest when they make no sense
    (validateEndpointSettings)."""
    settings = settings or shapes.EndpointSettings()
    wrong = []
    ipv4 = settings.ipam_config.ipv4_address if settings.ipam_config else ""
    ipv6 = settings.ipam_config.ipv6_address if settings.ipam_config else ""
    if ipv4 and (not isinstance(_address(ipv4), IPv4Address) or ipv4 == "0.0.0.0"):
        wrong.append(f"invalid IPv4 address: {ipv4}")
    if ipv6:
        found = _address(ipv6)
        wrong.append(f"invalid IPv6 address: {ipv6}" if not isinstance(found, IPv6Address) or not int(found) else
                     "user specified IP address is supported only when connecting to networks with user configured "
                     "subnets")
    if settings.mac_address and not _MAC.fullmatch(settings.mac_address):
        raise faults.BadRequest(f"invalid MAC address {settings.mac_address}")
    if wrong:
        raise faults.BadRequest("invalid endpoint settings:\n" + joined(wrong))
    aliases = tuple(dict.fromkeys(filter(None, (*(settings.aliases or ()), hostname))))
    links = tuple(map(_link, settings.links or ()))
    digits = re.sub("[^0-9a-f]", "", settings.mac_address.lower())
    mac = ":".join(digits[place:place + 2] for place in range(0, len(digits), 2))
    return Wanted(network, aliases, ipv4, mac, links)


def _link(text: str) -> tuple[str, str]:
    """The alias of a link and whose it is: ``name:alias``, ``name``, ``/name:/container/alias`` (docker CLI
    ``opts/parse.go`` ParseLink). BadRequest for anything else."""
    name, colon, alias = text.partition(":")
    if not text:
        raise faults.BadRequest("empty string specified for links")
    if ":" in alias:
        raise faults.BadRequest(f"bad format for links: {text}")
    if not colon:
        return name, name
    return (alias.rpartition("/")[2], name[1:]) if name.startswith("/") else (alias, name)


def with_mac(mac: str, mode: str, endpoints: Mapping[str, shapes.EndpointSettings | None], version: ApiVersion
             ) -> tuple[dict[str, shapes.EndpointSettings | None], tuple[str, ...]]:
    """The endpoints of a create request with the container's own MAC address, which is that of its main network, and
    warnings (moby ``api/server/router/container/container_routes.go`` handleMACAddressBC). Before API 1.44 it is the
    only one that counts; later it may stand beside the same one of the endpoint."""
    main = net_model.NAT if mode in ("", "default") else mode
    out = {main if name == "default" else name: place for name, place in endpoints.items()}
    of_its_own = main != net_model.NONE and not main.startswith("container:")
    if not version.at_least("1.44"):
        if not mac:
            return {name: place and replace(place, mac_address="") for name, place in out.items()}, ()
        if not of_its_own:
            raise faults.BadRequest("conflicting options: mac-address and the network mode")
        out = out or {main: shapes.EndpointSettings()}
        return {name: place and replace(place, mac_address=mac) for name, place in out.items()}, ()
    if not mac:
        return out, ()
    if of_its_own:
        place = out.setdefault(main, shapes.EndpointSettings()) if not out else out.get(main)
        if place is None:
            raise faults.BadRequest("if a container-wide MAC address is supplied, HostConfig.NetworkMode must match "
                                    "the identity of a network in NetworkSettings.Networks")
        if place.mac_address not in ("", mac):
            raise faults.BadRequest("the container-wide MAC address must match the endpoint-specific MAC address for "
                                    "the main network, or be left empty")
        out[main] = replace(place, mac_address=mac)
    return out, ("The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig "
                 "instead.",)


def check_address(network: Network, address: str) -> None:
    """BadRequest for an address that the network does not have."""
    if address and (network.subnet is None or IPv4Address(address) not in network.subnet):
        raise faults.BadRequest("invalid endpoint settings:\nno configured subnet or ip-range contain the IP address "
                                f"{address}")


def check_port(endpoint: str, network: str, port: Published) -> None:
    """Internal for a published port that a Windows engine does not make. ``endpoint`` is the container's name."""
    if port.protocol not in ("tcp", "udp"):
        raise endpoint_failed(endpoint, network, f"invalid protocol {port.protocol}")
    if port.host_ip not in ("", "0.0.0.0", "::"):
        raise endpoint_failed(endpoint, network, "Windows does not support host IP addresses in NAT settings")
    if port.port == 0:  # moby hands it to HNS; no program listens on port 0
        raise endpoint_failed(endpoint, network, "failed during hnsCallRawResponse: hnsCall failed in Win32: "
                              "The parameter is incorrect. (0x57)")


def port_range(endpoint: str, network: str) -> faults.Internal:
    """The refusal of one container port on a range of host ports (``8000-8010``)."""
    return endpoint_failed(endpoint, network, "Windows does not support more than one host port in NAT settings")


def endpoint_failed(endpoint: str, network: str, why: str) -> faults.Internal:
    """A container that cannot be put into a network."""
    return faults.Internal(f"failed to create endpoint {endpoint} on network {network}: {why}")


def port_taken(endpoint: str, network: str) -> faults.Internal:
    """A host port that somebody has: what HNS says, through hcsshim, is all that a Windows engine knows."""
    return endpoint_failed(endpoint, network, "failed during hnsCallRawResponse: hnsCall failed in Win32: The process "
                           "cannot access the file because it is being used by another process. (0x20)")


def not_joinable(reference: str) -> faults.Conflict:
    """The network of a container that does not run."""
    return faults.Conflict(f"cannot join network of a non running container: {reference}")
