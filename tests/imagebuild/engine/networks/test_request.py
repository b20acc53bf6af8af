# SPDX-License-Identifier: Apache-2.0
"""What may be asked of networks; every refusal in a Windows engine's words."""

from __future__ import annotations

from ipaddress import IPv4Network
from typing import Any

import pytest

from imagebuild.dockerapi import faults, shapes
from imagebuild.dockerapi.versions import api_version
from imagebuild.engine.interfaces import Published
from imagebuild.engine.networks import model as net_model
from imagebuild.engine.networks import request as net_request
from imagebuild.engine.networks.model import Network, Pool

NAT = net_model.made("nat", "nat", (Pool("172.28.0.0/20", "172.28.0.1"),), chosen=True)
POOL = IPv4Network("172.28.0.0/14")


def asked(**fields: Any) -> Network:
    config = fields.pop("config", None)
    ipam = shapes.Ipam(driver="default", config=tuple(config)) if config is not None else None
    request = shapes.NetworkCreate(name=fields.pop("name", "mine"), ipam=fields.pop("ipam", ipam), **fields)
    return net_request.network_of(request, (), {NAT.id: NAT}, POOL)


def subnet(text: str, **more: Any) -> shapes.IpamConfig:
    return shapes.IpamConfig(subnet=text, **more)


def test_a_plain_request_makes_a_nat_network_beside_the_others() -> None:
    network = asked()
    assert (network.name, network.driver, network.chosen) == ("mine", "nat", True)
    assert network.pools == (Pool("172.28.16.0/20", "172.28.16.1"),)


def test_a_subnet_and_a_gateway_are_taken_as_they_are() -> None:
    assert asked(config=[subnet("10.1.0.0/16")]).pools[0].gateway == "10.1.0.1"
    network = asked(config=[subnet("10.1.0.0/16", gateway="10.1.9.9", auxiliary_addresses={"db": "10.1.0.5"})],
                    driver="transparent", internal=True, labels={"a": "b"}, attachable=True)
    assert network.pools == (Pool("10.1.0.0/16", "10.1.9.9", {"db": "10.1.0.5"}),)
    assert (network.driver, network.internal, network.labels, network.attachable, network.chosen) == (
        "transparent", True, {"a": "b"}, True, False)


@pytest.mark.parametrize("driver", net_model.DRIVERS)
def test_every_driver_of_a_windows_engine_is_accepted(driver: str) -> None:
    assert asked(driver=driver).driver == driver


@pytest.mark.parametrize(("fields", "kind", "text"), [
    ({"name": "nat"}, faults.Forbidden, "operation is not permitted on predefined nat network "),
    ({"name": "none"}, faults.Forbidden, "operation is not permitted on predefined none network "),
    ({"name": " "}, faults.BadRequest, "invalid name:  "),
    ({"driver": "bridge"}, faults.NotFound, 'plugin "bridge" not found'),
    ({"driver": "null"}, faults.Forbidden, 'only one instance of "null" network is allowed'),
    ({"driver": "overlay"}, faults.Forbidden, "This node is not a swarm manager. Use"),
    ({"ingress": True}, faults.Forbidden, "Ingress network can only be global scope network"),
    ({"enable_ipv6": True}, faults.Internal, net_request.NULL_IPAM),
    ({"config": [subnet("10.1.0.0/16", ip_range="10.1.2.0/24")]}, faults.Internal, net_request.NULL_IPAM),
    ({"ipam": shapes.Ipam(driver="dhcp")}, faults.NotFound, 'plugin "dhcp" not found'),
    ({"config": [subnet("172.28.8.0/24")]}, faults.Forbidden, "Pool overlaps with other one on this address space"),
    ({"config": [subnet("10.1.0.0/31")]}, faults.Internal, "no room for a gateway and a container in 10.1.0.0/31"),
    ({"config_only": True}, faults.NotImplemented, "configuration networks"),
])
def test_what_a_windows_engine_refuses_is_refused(fields: dict[str, Any], kind: type[faults.Fault], text: str) -> None:
    with pytest.raises(kind) as caught:
        asked(**fields)
    assert type(caught.value) is kind and text in caught.value.message


def test_a_name_that_is_there_is_a_conflict() -> None:
    other = net_model.made("mine", "nat", (Pool("10.0.0.0/24", "10.0.0.1"),))
    with pytest.raises(faults.Conflict, match="network with name mine already exists"):
        net_request.network_of(shapes.NetworkCreate(name="mine"), (), {other.id: other}, POOL)


@pytest.mark.parametrize(("config", "lines"), [
    (subnet("foobar"), ["invalid subnet foobar: invalid CIDR block notation"]),
    (subnet("10.10.10.0"), ["invalid subnet 10.10.10.0: invalid CIDR block notation"]),
    (subnet("10.10.10.0/8"), ["invalid subnet 10.10.10.0/8: it should be 10.0.0.0/8"]),
    (subnet("10.10.10.0/24", ip_range="10.0.0.0/8"),
     ["invalid ip-range 10.0.0.0/8: CIDR block is bigger than its parent subnet 10.10.10.0/24"]),
    (subnet("10.0.0.0/8", ip_range="192.168.0.1/24", gateway="192.168.0.1"),
     ["invalid ip-range 192.168.0.1/24: it should be 192.168.0.0/24",
      "invalid ip-range 192.168.0.1/24: parent subnet 10.0.0.0/8 doesn't contain ip-range",
      "invalid gateway 192.168.0.1: parent subnet 10.0.0.0/8 doesn't contain this address"]),
    (subnet("10.10.10.0/24", ip_range="2001:db8::/32", gateway="1001.10.5.3", auxiliary_addresses={"a": "2001:db8::1"}),
     ["invalid ip-range 2001:db8::/32: parent subnet is an IPv4 block",
      "invalid gateway 1001.10.5.3: invalid address",
      "invalid auxiliary address a: parent subnet is an IPv4 block"]),
])
def test_an_address_configuration_that_makes_no_sense_is_explained_line_by_line(config: shapes.IpamConfig,
                                                                               lines: list[str]) -> None:
    with pytest.raises(faults.BadRequest) as caught:
        asked(config=[config])
    several = len(lines) > 1
    assert caught.value.message == "\n".join(["invalid network config:", *(f"* {line}" if several else line
                                                                           for line in lines)])


def test_complaints_within_complaints_are_set_apart() -> None:
    assert net_request.joined(["one:\ntwo"]) == "one:\ntwo"
    assert net_request.joined(["one:\ntwo", "three"]) == "* one:\n\ttwo\n* three"


def test_an_ipv6_subnet_is_passed_over_where_ipv6_was_not_asked_for() -> None:
    assert asked(config=[subnet("2001:db8::/32")]).pools == (Pool("172.28.16.0/20", "172.28.16.1"),)


def settings(**fields: Any) -> shapes.EndpointSettings:
    address = fields.pop("ip", "")
    ipam = shapes.EndpointIpam(ipv4_address=address, ipv6_address=fields.pop("ipv6", ""))
    return shapes.EndpointSettings(ipam_config=ipam, **fields)


def test_what_a_client_asks_of_an_endpoint_is_understood() -> None:
    wanted = net_request.wanted("nat", settings(ip="172.28.0.7", aliases=("db",), mac_address="00-15-5D-00-00-0A"))
    assert (wanted.network, wanted.aliases, wanted.address, wanted.mac) == (
        "nat", ("db",), "172.28.0.7", "00:15:5d:00:00:0a")
    assert net_request.wanted("nat", None).aliases == ()


def test_a_mac_address_is_understood_in_all_of_gos_forms() -> None:
    for text in ("00-15-5D-00-00-0A", "00:15:5d:00:00:0a", "0015.5d00.000A"):
        assert net_request.wanted("nat", settings(mac_address=text)).mac == "00:15:5d:00:00:0a"


MAC, OTHER = "02:42:ac:11:00:0a", "02:42:ac:11:00:0b"


@pytest.mark.parametrize(("version", "mac", "mode", "given", "made", "warned"), [
    ("1.45", "", "default", {}, {}, False),
    ("1.45", MAC, "default", {}, {"nat": MAC}, True),
    ("1.45", MAC, "web", {"web": "", "nat": OTHER}, {"web": MAC, "nat": OTHER}, True),
    ("1.45", MAC, "web", {"web": MAC}, {"web": MAC}, True),
    ("1.45", MAC, "default", {"default": ""}, {"nat": MAC}, True),
    ("1.45", MAC, "none", {}, {}, True),
    ("1.45", "", "web", {"web": OTHER}, {"web": OTHER}, False),
    ("1.43", MAC, "web", {}, {"web": MAC}, False),
    ("1.43", MAC, "default", {"web": OTHER}, {"web": MAC}, False),
    ("1.43", "", "web", {"web": OTHER}, {"web": ""}, False)])
def test_a_containers_mac_address_is_that_of_its_main_network(
        version: str, mac: str, mode: str, given: dict[str, str], made: dict[str, str], warned: bool) -> None:
    endpoints = {name: shapes.EndpointSettings(mac_address=text) for name, text in given.items()}
    found, warnings = net_request.with_mac(mac, mode, endpoints, api_version(version))
    assert {name: place and place.mac_address for name, place in found.items()} == made
    assert [text.startswith("The container-wide MacAddress field is now deprecated") for text in warnings] == \
        [True] * warned


@pytest.mark.parametrize(("version", "mode", "given", "text"), [
    ("1.45", "web", {"nat": ""}, "if a container-wide MAC address is supplied, HostConfig.NetworkMode must match"),
    ("1.45", "web", {"web": OTHER}, "the container-wide MAC address must match the endpoint-specific MAC address"),
    ("1.43", "none", {}, "conflicting options: mac-address and the network mode"),
    ("1.43", "container:x", {}, "conflicting options: mac-address and the network mode")])
def test_a_containers_mac_address_that_fits_nothing_is_refused(version: str, mode: str, given: dict[str, str],
                                                               text: str) -> None:
    endpoints = {name: shapes.EndpointSettings(mac_address=mac) for name, mac in given.items()}
    with pytest.raises(faults.BadRequest, match=text):
        net_request.with_mac(MAC, mode, endpoints, api_version(version))


def test_links_are_an_alias_and_whose_it_is() -> None:
    wanted = net_request.wanted("web", settings(links=("db:store", "cache", "/up:/me/down")))
    assert wanted.links == (("store", "db"), ("cache", "cache"), ("down", "up"))


@pytest.mark.parametrize(("fields", "text"), [
    ({"links": ("a:b:c",)}, "bad format for links: a:b:c"),
    ({"links": ("",)}, "empty string specified for links"),
    ({"ip": "1.2.3"}, "invalid IPv4 address: 1.2.3"),
    ({"ip": "0.0.0.0"}, "invalid IPv4 address: 0.0.0.0"),
    ({"ip": "::1"}, "invalid IPv4 address: ::1"),
    ({"ipv6": "1.2.3.4"}, "invalid IPv6 address: 1.2.3.4"),
    ({"ipv6": "::"}, "invalid IPv6 address: ::"),
    ({"ipv6": "fd00::7"}, "user specified IP address is supported only when connecting to networks with user"),
    ({"mac_address": "00:15"}, "invalid MAC address 00:15"),
])
def test_an_endpoint_that_makes_no_sense_is_refused(fields: dict[str, Any], text: str) -> None:
    with pytest.raises(faults.BadRequest) as caught:
        net_request.wanted("nat", settings(**fields))
    assert text in caught.value.message


def test_an_address_of_another_network_is_refused() -> None:
    net_request.check_address(NAT, "172.28.0.9")
    net_request.check_address(NAT, "")
    with pytest.raises(faults.BadRequest, match=r"contain the IP address 10\.0\.0\.9"):
        net_request.check_address(NAT, "10.0.0.9")


@pytest.mark.parametrize(("port", "text"), [
    (Published(80, host_ip="127.0.0.1"), "Windows does not support host IP addresses in NAT settings"),
    (Published(80, host_ip="::1"), "Windows does not support host IP addresses in NAT settings"),
    (Published(80, "sctp"), "invalid protocol sctp"),
    (Published(0, host_port=8080), "failed during hnsCallRawResponse: hnsCall failed in Win32: "
                                  "The parameter is incorrect. (0x57)"),
])
def test_a_port_that_windows_does_not_publish_is_refused(port: Published, text: str) -> None:
    with pytest.raises(faults.Internal) as caught:
        net_request.check_port("web", "nat", port)
    assert caught.value.message == f"failed to create endpoint web on network nat: {text}"


def test_a_range_of_host_ports_is_refused_and_plain_ones_are_not() -> None:
    assert net_request.port_range("web", "nat").message == (
        "failed to create endpoint web on network nat: Windows does not support more than one host port in NAT "
        "settings")
    for address in ("", "0.0.0.0", "::"):
        net_request.check_port("web", "nat", Published(80, host_ip=address))
