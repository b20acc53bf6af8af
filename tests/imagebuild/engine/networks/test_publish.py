# SPDX-License-Identifier: Apache-2.0
"""Sockets of published ports, on this machine."""

from __future__ import annotations

import socket

import pytest

from imagebuild.dockerapi import faults
from imagebuild.engine.interfaces import Published
from imagebuild.engine.networks import publish as net_publish
from imagebuild.engine.networks.kernel import Carried

TAKEN = ("failed to create endpoint web on network nat: failed during hnsCallRawResponse: hnsCall failed in Win32: The "
         "process cannot access the file because it is being used by another process. (0x20)")


def opened(*ports: Published, default: str = "127.0.0.1") -> tuple[list[Carried], tuple[Published, ...]]:
    carried, published = net_publish.open_ports("web", "nat", "172.28.0.2", ports, default)
    for one in carried:
        one.listener.close()
    return carried, published


def test_a_port_without_a_number_gets_a_free_one_and_is_shown_as_windows_shows_it() -> None:
    carried, (published,) = net_publish.open_ports("web", "nat", "172.28.0.2", [Published(80)], "127.0.0.1")
    with carried[0].listener as listener:
        assert listener.getsockname() == ("127.0.0.1", published.host_port)
        assert (published.port, published.protocol, published.host_ip) == (80, "tcp", "0.0.0.0")
        assert (carried[0].address, carried[0].port, carried[0].protocol) == ("172.28.0.2", 80, "tcp")
        socket.create_connection(listener.getsockname()).close()


@pytest.mark.parametrize(("asked", "default", "found"), [
    ("", "127.0.0.1", "127.0.0.1"), ("", "0.0.0.0", "0.0.0.0"), ("0.0.0.0", "127.0.0.1", "0.0.0.0")])
def test_a_port_is_on_localhost_unless_something_else_is_asked_for(asked: str, default: str, found: str) -> None:
    carried, _ = net_publish.open_ports("web", "nat", "172.28.0.2", [Published(80, host_ip=asked)], default)
    with carried[0].listener as listener:
        assert listener.getsockname()[0] == found


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_port_that_is_taken_is_refused_as_windows_does_and_the_others_are_let_go(protocol: str) -> None:
    kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other, socket.socket(socket.AF_INET, kind) as free:
        other.bind(("127.0.0.1", 0))
        if protocol == "tcp":
            other.listen()
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
        free.close()
        with pytest.raises(faults.Internal) as caught:
            opened(Published(80, protocol, "", number), Published(81, protocol, "", other.getsockname()[1]))
        assert caught.value.message == TAKEN
        assert opened(Published(80, protocol, "", number))[1][0].host_port == number


def test_tcp_and_udp_have_ports_of_their_own() -> None:
    carried, (one,) = net_publish.open_ports("web", "nat", "172.28.0.2", [Published(53)], "127.0.0.1")
    with carried[0].listener:
        assert opened(Published(53, "udp", "", one.host_port))[1][0].host_port == one.host_port


def test_a_number_that_is_no_port_is_refused() -> None:
    with pytest.raises(faults.Internal, match="cannot listen on port 70000: no such port"):
        opened(Published(80, host_port=70000))


def test_an_address_that_is_not_ours_is_refused_with_the_systems_reason() -> None:
    with pytest.raises(faults.Internal, match="cannot listen on port 0: Cannot assign"):
        opened(Published(80), default="192.0.2.77")
