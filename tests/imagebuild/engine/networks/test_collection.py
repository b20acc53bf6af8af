# SPDX-License-Identifier: Apache-2.0
"""Networks and who is in them, over a kernel that only remembers."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from support.networking import HOST, A, B, C, Heard, networks

from imagebuild.dockerapi import Filters, faults, shapes
from imagebuild.engine.interfaces import Attachment, Published, Wanted
from imagebuild.engine.networks.collection import Networks, machine_networks
from imagebuild.engine.networks.kernel import MemoryKernel
from imagebuild.engine.settings import EngineSettings

NAT = [Wanted("nat")]


@pytest.fixture
def kernel() -> MemoryKernel:
    return MemoryKernel()


@pytest.fixture
def events() -> Heard:
    return Heard()


@pytest.fixture
def net(tmp_path: Path, kernel: MemoryKernel, events: Heard) -> Iterator[Networks]:
    made = networks(tmp_path, kernel, events)
    yield made
    made.close()


def make(net: Networks, name: str, **fields: object) -> None:
    net.create(shapes.NetworkCreate(name=name, **fields))  # type: ignore[arg-type]


def test_a_container_in_nat_has_an_address_a_gateway_and_its_names(net: Networks, kernel: MemoryKernel) -> None:
    got = net.attach(A, "web", [Wanted("nat", ("www",))], [])
    place, = got.endpoints
    assert (place.network, place.address, place.prefix, place.gateway, place.mac, place.aliases) == (
        "nat", "172.28.0.2", 20, "172.28.0.1", "00:15:5d:1c:00:02", ("www",))
    assert place.network_id == net.find("nat").id and len(place.endpoint_id) == 64
    assert got.namespace and got.dns == ("172.28.0.1",)
    link, = kernel.containers[A].values()
    assert (str(link.interface), link.gateway, link.names) == ("172.28.0.2/20", "172.28.0.1", ("web", "www", A[:12]))
    assert [str(gateway) for gateway, _ in kernel.bridges.values()] == ["172.28.0.1/20"]
    assert net.attachment(A) == got and net.attachment(B) is None


def test_containers_of_a_network_share_its_bridge(net: Networks, kernel: MemoryKernel) -> None:
    net.attach(A, "a", NAT, [])
    net.attach(B, "b", NAT, [])
    assert len(kernel.bridges) == 1
    assert set(net.members(net.find("nat"))) == {A, B}


def test_a_container_joins_anothers_namespace_and_stays_in_it(net: Networks, kernel: MemoryKernel,
                                                              events: Heard) -> None:
    first = net.attach(A, "web", NAT, [])
    joined = net.join(B, "db", A)
    assert (joined.namespace, joined.endpoints, joined.dns) == (first.namespace, (), first.dns)
    assert net.join(C, "third", B).namespace == first.namespace
    with pytest.raises(faults.Internal, match="is not connected to network nat"):
        net.disconnect(B, "nat")
    net.rename(B, "other")
    assert list(net.members(net.find("nat"))) == [A]
    net.detach(A)
    assert net.attachment(B) == joined and kernel.shared == {B: A, C: A}
    net.detach(B)
    assert net.attachment(B) is None and kernel.shared == {C: A}
    assert [one.action for one in events.told if one.attributes.get("container") == B] == []


def test_a_network_that_cannot_be_joined_is_refused(net: Networks, kernel: MemoryKernel) -> None:
    with pytest.raises(faults.Conflict, match="cannot join network of a non running container"):
        net.join(B, "db", A)
    net.attach(A, "web", NAT, [])
    kernel.refuse = "no"
    with pytest.raises(faults.Internal, match="cannot join the network of web: no"):
        net.join(B, "db", A)
    assert net.attachment(B) is None
    kernel.works = False
    with pytest.raises(faults.Internal, match="not in memory"):
        net.join(B, "db", A)


def test_a_container_without_networks_is_in_none_and_has_a_namespace_of_its_own(net: Networks,
                                                                                kernel: MemoryKernel) -> None:
    got = net.attach(A, "web", [], [])
    assert [(one.network, one.address, one.gateway) for one in got.endpoints] == [("none", "", "")]
    assert got.namespace and not got.dns and kernel.containers[A] == {} and not kernel.bridges


def test_the_way_out_goes_by_the_first_network_that_has_one(net: Networks, kernel: MemoryKernel) -> None:
    make(net, "inner", driver="internal")
    make(net, "outer")
    got = net.attach(A, "web", [Wanted("inner"), Wanted("outer"), Wanted("nat")], [])
    assert [one.network for one in got.endpoints] == ["nat", "inner", "outer"]
    assert [link.gateway for link in kernel.containers[A].values()] == ["172.28.0.1", "", ""]
    assert [one.gateway for one in got.endpoints] == ["172.28.0.1", "", "172.28.32.1"]
    assert [outbound for _, outbound in kernel.bridges.values()] == [True, False, True]
    assert got.dns == ("172.28.0.1", "172.28.16.1", "172.28.32.1")


def test_ports_are_published_and_carried_to_the_container(net: Networks, kernel: MemoryKernel) -> None:
    got = net.attach(A, "web", NAT, [Published(80), Published(53, "udp")])
    assert kernel.carried[A] == [("tcp", "172.28.0.2", 80), ("udp", "172.28.0.2", 53)]
    assert all(port.host_ip == "0.0.0.0" and port.host_port for port in got.published)
    socket.create_connection(("127.0.0.1", got.published[0].host_port)).close()
    net.detach(A)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", got.published[0].host_port))


def test_ports_are_on_the_address_that_the_engine_was_told(tmp_path: Path) -> None:
    made = networks(tmp_path / "more", publish_address="127.0.0.2")
    try:
        number = made.attach(A, "web", NAT, [Published(80)]).published[0].host_port
        socket.create_connection(("127.0.0.2", number)).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", number))
    finally:
        made.close()


def test_where_no_network_is_open_no_port_is_published(net: Networks) -> None:
    make(net, "inner", internal=True)
    assert net.attach(A, "web", [Wanted("inner")], [Published(80)]).published == ()
    assert net.attach(B, "web", [Wanted("none")], [Published(80)]).published == ()


def test_a_port_that_is_taken_leaves_nothing_behind(net: Networks, kernel: MemoryKernel) -> None:
    first = net.attach(A, "a", NAT, [Published(80)])
    with pytest.raises(faults.Internal, match=r"failed to create endpoint b on network nat.*being used by another"):
        net.attach(B, "b", NAT, [Published(80, host_port=first.published[0].host_port)])
    assert set(kernel.containers) == {A} and net.attachment(B) is None
    assert all(net.attach(one, "c", NAT, []).endpoints[0].address for one in (B, C))
    assert set(net.members(net.find("nat"))) == {A, B, C}


def test_what_the_kernel_refuses_leaves_nothing_behind(net: Networks, kernel: MemoryKernel) -> None:
    kernel.refuse = "add veth: Operation not permitted"
    with pytest.raises(faults.Internal) as caught:
        net.attach(A, "a", [Wanted("nat", address="172.28.0.9")], [Published(80)])
    assert caught.value.message == "failed to create endpoint a on network nat: add veth: Operation not permitted"
    assert net.attach(B, "b", [Wanted("nat", address="172.28.0.9")], []).endpoints[0].address == "172.28.0.9"


def test_an_address_and_a_mac_address_may_be_asked_for(net: Networks) -> None:
    place, = net.attach(A, "a", [Wanted("nat", address="172.28.0.77", mac="00:15:5d:00:00:07")], []).endpoints
    assert (place.address, place.mac) == ("172.28.0.77", "00:15:5d:00:00:07")
    with pytest.raises(faults.Forbidden, match="Address already in use"):
        net.attach(B, "b", [Wanted("nat", address="172.28.0.77")], [])
    with pytest.raises(faults.BadRequest, match="no configured subnet"):
        net.attach(B, "b", [Wanted("nat", address="10.0.0.1")], [])


def test_the_engines_own_and_reserved_addresses_are_never_given_out(net: Networks) -> None:
    config = shapes.IpamConfig(subnet="10.7.0.0/29", gateway="10.7.0.2", auxiliary_addresses={"x": "10.7.0.3"})
    make(net, "small", ipam=shapes.Ipam(config=(config,)))
    found = [net.attach(one, one, [Wanted("small")], []).endpoints[0].address for one in (A, B, C)]
    assert found == ["10.7.0.1", "10.7.0.4", "10.7.0.5"]
    net.attach("d" * 64, "d", [Wanted("small")], [])
    with pytest.raises(faults.Unavailable, match="no available addresses on this pool"):
        net.attach("e" * 64, "e", [Wanted("small")], [])


def test_detaching_is_idempotent_and_attaching_again_starts_anew(net: Networks, kernel: MemoryKernel) -> None:
    net.detach(A)
    net.attach(A, "a", NAT, [])
    net.attach(A, "a", NAT, [])
    assert list(kernel.containers) == [A]
    net.detach(A)
    net.detach(A)
    assert not kernel.containers and not net.members(net.find("nat"))


def test_a_running_container_joins_and_leaves_a_network(net: Networks, kernel: MemoryKernel) -> None:
    make(net, "more")
    net.attach(A, "web", NAT, [Published(80)])
    got = net.connect(A, Wanted("more", ("db",)))
    assert [one.network for one in got.endpoints] == ["nat", "more"]
    link = kernel.containers[A][2]
    assert (link.gateway, link.names) == ("", ("web", "db", A[:12]))
    with pytest.raises(faults.Forbidden, match="endpoint with name web already exists in network more"):
        net.connect(A, Wanted("more"))
    got = net.disconnect(A, "nat")
    assert [one.network for one in got.endpoints] == ["more"] and got.published
    assert list(kernel.containers[A]) == [2]
    assert kernel.containers[A][2].gateway == "172.28.16.1"  # the way out goes there now
    with pytest.raises(faults.Internal, match=f"container {A} is not connected to network nat"):
        net.disconnect(A, "nat")
    assert net.disconnect(A, "more").published == ()


def test_a_container_that_joins_its_first_open_network_gets_its_way_out_there(net: Networks,
                                                                              kernel: MemoryKernel) -> None:
    make(net, "inner", internal=True)
    net.attach(A, "web", [Wanted("inner")], [])
    net.connect(A, Wanted("nat"))
    assert [link.gateway for link in kernel.containers[A].values()] == ["", "172.28.0.1"]


def test_a_join_that_the_kernel_refuses_frees_the_address(net: Networks, kernel: MemoryKernel) -> None:
    make(net, "more")
    net.attach(A, "web", NAT, [])
    kernel.refuse = "no memory"
    with pytest.raises(faults.Internal, match="failed to create endpoint web on network more: no memory"):
        net.connect(A, Wanted("more", address="172.28.16.9"))
    assert [one.network for one in net.attachment(A).endpoints] == ["nat"]  # type: ignore[union-attr]
    assert net.connect(A, Wanted("more", address="172.28.16.9")).endpoints[1].address == "172.28.16.9"


def test_a_renamed_container_is_found_by_its_new_name(net: Networks, kernel: MemoryKernel) -> None:
    net.attach(A, "old", [Wanted("nat", ("db",))], [])
    net.rename(A, "new")
    net.rename(B, "nobody")
    assert kernel.containers[A][1].names == ("new", "db", A[:12])
    assert net.members(net.find("nat"))[A][0] == "new"


def test_network_modes_mean_networks(net: Networks) -> None:
    make(net, "mine")
    assert [net.check(mode) for mode in ("", "default", "nat", "none", "mine", net.find("mine").id)] == [
        "nat", "nat", "nat", "none", "mine", "mine"]
    for mode in ("host", "bridge", "gone"):
        with pytest.raises(faults.NotFound, match=f"network {mode} not found"):
            net.check(mode)


def test_a_network_in_use_stays_and_an_empty_one_goes(net: Networks, kernel: MemoryKernel) -> None:
    make(net, "mine")
    identifier = net.find("mine").id
    net.attach(A, "web", [Wanted("mine")], [])
    with pytest.raises(faults.Forbidden) as caught:
        net.remove("mine")
    assert caught.value.message == (
        f"error while removing network: network mine id {identifier} has active endpoints")
    net.detach(A)
    net.remove(identifier[:10])
    assert not kernel.bridges
    with pytest.raises(faults.NotFound):
        net.find("mine")


@pytest.mark.parametrize("name", ["nat", "none"])
def test_predefined_networks_stay(net: Networks, name: str) -> None:
    with pytest.raises(faults.Forbidden, match=f"{name} is a pre-defined network and cannot be removed"):
        net.remove(name)


def test_pruning_removes_what_nobody_is_in_and_no_filter_spares(net: Networks) -> None:
    for name, labels in (("used", {}), ("free", {}), ("kept", {"keep": "1"})):
        make(net, name, labels=labels)
    net.attach(A, "web", [Wanted("used")], [])
    assert net.prune(Filters.of(**{"label!": "keep"}), until=1) == ()
    assert net.prune(Filters.of(**{"label!": "keep"})) == ("free",)
    assert net.prune(Filters.of(label="keep=2")) == ()
    assert net.prune(Filters()) == ("kept",)
    assert [one.name for one in net.all()] == ["nat", "none", "used"]


def test_networks_outlive_the_engine_and_its_containers_do_not(tmp_path: Path) -> None:
    first = networks(tmp_path)
    make(first, "mine", labels={"a": "b"})
    first.attach(A, "web", [Wanted("mine")], [])
    kept = first.all()
    first.close()
    second = networks(tmp_path)
    assert second.all() == kept and not second.members(second.find("mine"))


def test_where_the_kernel_refuses_networks_are_facts_only(tmp_path: Path) -> None:
    net = networks(tmp_path, MemoryKernel(works=False))
    make(net, "mine")
    got = net.attach(A, "web", [Wanted("mine")], [])
    assert got == Attachment(None, got.endpoints)
    assert [(one.network, one.address) for one in got.endpoints] == [("mine", "")]
    assert net.connect(A, Wanted("nat")).endpoints[1].address == ""
    with pytest.raises(faults.Internal, match="on network nat: this machine cannot publish ports: not in memory"):
        net.attach(B, "b", NAT, [Published(80)])
    assert net.gaps() == ("No networks: not in memory. Containers have loopback only, and no port can be published",)


def test_what_a_user_has_to_know_is_said(tmp_path: Path) -> None:
    assert networks(tmp_path / "a", MemoryKernel(outbound=True)).gaps() == ()
    assert networks(tmp_path / "b").gaps() == ("Containers have no way out of this machine: no way out of memory",)


def test_events_are_told_as_moby_tells_them(net: Networks, events: Heard) -> None:
    make(net, "mine")
    net.attach(A, "web", [Wanted("mine")], [])
    net.connect(A, Wanted("nat"))
    net.disconnect(A, "nat")
    net.detach(A)
    net.remove("mine")
    assert [(one.kind, one.action, one.attributes["name"], one.attributes.get("container")) for one in events.told] == [
        ("network", "create", "mine", None), ("network", "connect", "mine", A), ("network", "connect", "nat", A),
        ("network", "disconnect", "nat", A), ("network", "disconnect", "mine", A), ("network", "destroy", "mine", None)]
    assert events.told[1].attributes["type"] == "nat" and len(events.told[1].actor) == 64


def test_events_of_other_threads_reach_the_bus_on_its_loop(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        seen: list[int] = []

        class Bus(Heard):
            def publish(self, event: object) -> None:  # type: ignore[override]
                seen.append(threading.get_ident())

        net = networks(tmp_path, events=Bus())
        await asyncio.to_thread(net.attach, A, "web", NAT, [])
        await asyncio.sleep(0)
        return seen

    assert asyncio.run(scenario()) == [threading.get_ident()]


def test_this_machines_networks_can_be_read() -> None:
    assert isinstance(machine_networks(), tuple)
    assert Networks(EngineSettings(Path("/nowhere")), Heard(), MemoryKernel()).facts().works
    assert HOST


class Machine(RuleBasedStateMachine):
    """Containers come and go in any order: addresses are unique, and what the kernel has is what is shown."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile
        self.folder = tempfile.TemporaryDirectory()
        self.kernel = MemoryKernel()
        self.net = networks(Path(self.folder.name), self.kernel)
        for name in ("one", "two"):
            self.net.create(shapes.NetworkCreate(name=name, internal=name == "two"))

    names = st.sampled_from(["nat", "one", "two"])
    ids = st.sampled_from([A, B, C])

    @rule(container=ids, wanted=st.lists(names, unique=True), ports=st.integers(0, 2))
    def attach(self, container: str, wanted: list[str], ports: int) -> None:
        self.net.attach(container, "x", [Wanted(name) for name in wanted], [Published(80)] * ports)

    @rule(container=ids)
    def detach(self, container: str) -> None:
        self.net.detach(container)

    @rule(container=ids, name=names)
    def move(self, container: str, name: str) -> None:
        got = self.net.attachment(container)
        if got is None:
            return
        if any(one.network == name for one in got.endpoints):
            self.net.disconnect(container, name)
        else:
            self.net.connect(container, Wanted(name))

    @invariant()
    def what_is_shown_is_what_is(self) -> None:
        shown: dict[str, set[str]] = {}
        for network in self.net.all():
            for container, (_, place) in self.net.members(network).items():
                shown.setdefault(container, set())
                if place.address:
                    shown[container].add(place.address)
        every = [address for found in shown.values() for address in found]
        assert len(every) == len(set(every))
        real = {name: {str(link.interface.ip) for link in links.values()}
                for name, links in self.kernel.containers.items()}
        assert real == {name: shown.get(name, set()) for name in real} and set(shown) <= set(real)
        for links in self.kernel.containers.values():
            assert sum(bool(link.gateway) for link in links.values()) <= 1

    def teardown(self) -> None:
        self.net.close()
        self.folder.cleanup()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
