# SPDX-License-Identifier: Apache-2.0
"""Which addresses networks and containers get."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.engine.networks import addresses as net_addresses
from imagebuild.engine.networks.addresses import Addresses

ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""
TREE = """Local:
  +-- 0.0.0.0/0 3 0 5
        |-- 127.0.0.1
           /32 host LOCAL
        |-- 172.28.0.9
           /32 host LOCAL
        |-- 192.0.2.255
           /32 link BROADCAST
"""


def test_the_machines_networks_are_its_routes_and_its_single_addresses() -> None:
    assert net_addresses.taken_by_host(ROUTES, TREE) == (
        IPv4Network("192.0.2.0/24"), IPv4Network("172.17.0.0/16"), IPv4Network("172.28.0.9/32"))
    assert net_addresses.taken_by_host("", "") == ()


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)), max_size=8))
def test_a_chosen_subnet_overlaps_nothing_that_is_taken(pairs: list[tuple[int, int]]) -> None:
    taken = [IPv4Network(pair, strict=False) for pair in pairs]
    try:
        chosen = net_addresses.choose_subnet(taken)
    except faults.Unavailable:
        assert sum(one.num_addresses for one in taken) > 4096
        return
    assert chosen.is_private and chosen.prefixlen == 20
    assert not any(chosen.overlaps(one) for one in taken)


def test_where_all_is_taken_no_subnet_is_chosen() -> None:
    with pytest.raises(faults.Unavailable, match="non-overlapping IPv4 address pool"):
        net_addresses.choose_subnet([IPv4Network("0.0.0.0/0")])


def test_a_pool_that_the_user_named_comes_first() -> None:
    assert net_addresses.choose_subnet((), IPv4Network("10.9.8.0/24")) == IPv4Network("10.9.8.0/24")
    assert net_addresses.choose_subnet([IPv4Network("10.9.8.7")], IPv4Network("10.9.8.0/24")).prefixlen == 20


@given(st.lists(st.one_of(st.none(), st.integers(0, 12)), max_size=40))
def test_no_address_is_given_to_two(steps: list[int | None]) -> None:
    subnet = IPv4Network("10.0.0.0/29")
    addresses, held = Addresses(subnet, [IPv4Address("10.0.0.1")]), list[IPv4Address]()
    for step in steps:
        if step is None or not held:
            try:
                taken = addresses.take()
            except faults.Unavailable:
                assert len(held) == 5
                continue
            assert taken in subnet and taken not in held
            assert taken not in (subnet.network_address, subnet.broadcast_address, IPv4Address("10.0.0.1"))
            held.append(taken)
        else:
            addresses.free(held.pop(step % len(held)))


def test_an_address_is_used_again_when_the_others_had_their_turn() -> None:
    addresses = Addresses(IPv4Network("10.0.0.0/29"))
    first = addresses.take()
    addresses.free(first)
    assert [addresses.take() for _ in range(6)][-1] == first


def test_an_address_that_is_asked_for_is_given_or_refused() -> None:
    addresses = Addresses(IPv4Network("10.0.0.0/24"), [IPv4Address("10.0.0.1")])
    assert str(addresses.take("10.0.0.7")) == "10.0.0.7"
    with pytest.raises(faults.Forbidden, match="Address already in use"):
        addresses.take("10.0.0.7")
    with pytest.raises(faults.Forbidden):
        addresses.take("10.0.0.1")
    with pytest.raises(faults.Forbidden):
        addresses.take("10.0.0.255")
    with pytest.raises(faults.BadRequest, match="out of range"):
        addresses.take("10.0.1.7")


def test_a_mac_address_is_of_hyper_v_and_follows_from_the_ip_address() -> None:
    assert net_addresses.mac_of(IPv4Address("172.28.1.255")) == "00:15:5d:1c:01:ff"
