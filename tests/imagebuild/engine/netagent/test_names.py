# SPDX-License-Identifier: Apache-2.0
"""Who may know which name, and what is asked elsewhere."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from support.networking import asked

from imagebuild.engine.netagent import dns, names
from imagebuild.engine.netagent.loop import Loop
from imagebuild.engine.netagent.names import Directory, Member, NameServer


@pytest.fixture
def directory() -> Directory:
    made = Directory()
    made.add(1, Member("a", "10.1.0.2", ("Web", "www", "aaaa")))
    made.add(1, Member("b", "10.1.0.3", ("db", "www")))
    made.add(2, Member("b", "10.2.0.3", ("db", "store")))
    made.add(2, Member("c", "10.2.0.4", ("cache",)))
    return made


def test_containers_of_a_network_know_each_other_by_every_name(directory: Directory) -> None:
    assert directory.addresses(1, "10.1.0.3", "web") == ["10.1.0.2"]
    assert directory.addresses(1, "10.1.0.3", "aaaa") == ["10.1.0.2"]
    assert directory.addresses(1, "10.1.0.2", "www") == ["10.1.0.2", "10.1.0.3"]


def test_other_networks_names_are_not_known(directory: Directory) -> None:
    assert directory.addresses(1, "10.1.0.2", "cache") == []
    assert directory.addresses(1, "10.1.0.2", "store") == []
    assert directory.name(1, "10.1.0.2", "10.2.0.4") == ""


def test_a_container_in_two_networks_may_ask_either_server_for_both(directory: Directory) -> None:
    assert directory.addresses(1, "10.1.0.3", "cache") == ["10.2.0.4"]
    assert directory.addresses(2, "10.2.0.3", "web") == ["10.1.0.2"]
    assert directory.name(1, "10.1.0.3", "10.2.0.4") == "cache"


def test_a_link_is_a_name_that_one_container_alone_has_for_another(directory: Directory) -> None:
    directory.add(1, Member("d", "10.1.0.9", ("d",), {"store": "db", "www": "Web", "self": "D"}))
    assert directory.addresses(1, "10.1.0.9", "store") == ["10.1.0.3"]
    assert directory.addresses(1, "10.1.0.9", "www") == ["10.1.0.2"]  # it wins over the name that others have
    assert directory.addresses(1, "10.1.0.9", "self") == ["10.1.0.9"]
    assert directory.addresses(1, "10.1.0.2", "store") == []
    directory.add(2, Member("d", "10.2.0.9", ("d",)))
    assert directory.addresses(2, "10.2.0.9", "store") == ["10.1.0.3", "10.2.0.3"]  # of network 2 it is a name


def test_who_has_left_is_not_known(directory: Directory) -> None:
    directory.remove(1, "10.1.0.2")
    directory.remove(1, "10.1.0.2")
    assert directory.addresses(1, "10.1.0.3", "web") == []
    directory.drop(2)
    assert directory.addresses(1, "10.1.0.3", "cache") == []


class Serving:
    """A server on a port of this machine, as container at 127.0.0.1 in network 1, with a resolver outside."""

    def __init__(self, directory: Directory) -> None:
        self.loop = Loop()
        self.server = NameServer(self.loop, directory)
        self.thread = threading.Thread(target=self.loop.run, daemon=True)

    def ask(self, data: bytes, seconds: float = 5) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(seconds)
            sock.sendto(data, ("127.0.0.1", names.PORT))
            return sock.recv(4096)


@pytest.fixture
def serving(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setattr(names, "PORT", free.getsockname()[1])
    made = Serving(directory)
    made.server.serve(1, "127.0.0.1")
    yield made
    made.loop.running = False
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.sendto(asked("end"), ("127.0.0.1", names.PORT))
    if made.thread.is_alive():
        made.thread.join(10)
    made.server.stop(1)
    if made.server._outside:
        made.server._outside.close()


def test_a_known_name_has_an_address_no_ipv6_and_others_do_not_exist(serving: Serving) -> None:
    serving.thread.start()
    assert serving.ask(asked("WEB"))[-4:] == socket.inet_aton("10.1.0.2")
    assert serving.ask(asked("web", dns.AAAA))[3:8] == b"\x80\0\1\0\0"
    assert serving.ask(asked("nobody"))[3] & 15 == dns.NXDOMAIN
    assert b"\x03Web" in serving.ask(asked("2.0.1.10.in-addr.arpa", dns.PTR))


def test_what_makes_no_sense_gets_no_answer_and_hurts_nobody(serving: Serving) -> None:
    serving.thread.start()
    with pytest.raises(TimeoutError):
        serving.ask(b"\xff" * 40, 0.1)
    assert serving.ask(asked("db"))[3] & 15 == dns.NOERROR


def test_unknown_names_are_asked_outside_and_only_the_resolver_may_answer(serving: Serving) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as resolver, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        resolver.bind(("127.0.0.9", names.PORT))
        resolver.settimeout(5)
        outside.bind(("127.0.0.1", 0))
        port = outside.getsockname()[1]
        serving.server.forward(outside.dup(), ["127.0.0.9"])
        serving.thread.start()
        client.settimeout(5)
        client.sendto(asked("example.com", number=0x1234), ("127.0.0.1", names.PORT))
        data, _ = resolver.recvfrom(4096)
        assert data[2:] == asked("example.com")[2:]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
            liar.sendto(data[:2] + b"a lie", ("127.0.0.1", port))
        resolver.sendto(b"xx" + b"of nobody's", ("127.0.0.1", port))
        resolver.sendto(data[:2] + b"the truth", ("127.0.0.1", port))
        assert client.recv(4096) == b"\x12\x34the truth"
        assert serving.ask(asked("web"))[-4:] == socket.inet_aton("10.1.0.2")
