# SPDX-License-Identifier: Apache-2.0
"""From a container's record to what its box is given."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.dockerapi import shapes
from imagebuild.engine.containers.container import Container
from imagebuild.engine.containers.launch import environment_of, hosts_of, limits_of, published
from imagebuild.engine.interfaces import Published
from imagebuild.runtime.port import Limits


def _container(config: shapes.Config | None = None, **host: object) -> Container:
    return Container("a" * 64, "one", Path("/nowhere"), 1, "sha256:0", config or shapes.Config(),
                     shapes.HostConfig(**host))  # type: ignore[arg-type]


def test_of_variables_that_differ_in_case_only_the_last_counts() -> None:
    one = _container(shapes.Config(env=("Path=a", "PATH=b=c", "novalue", "=x", "EMPTY=")))
    assert environment_of(one) == {"PATH": "b=c", "EMPTY": ""}


@pytest.mark.parametrize(("host", "limits"), [
    ({}, Limits(None, None)), ({"memory": 1 << 30, "nano_cpus": 1_500_000_000}, Limits(1 << 30, 1.5)),
    ({"cpu_count": 2}, Limits(None, 2.0)), ({"cpu_count": 2, "nano_cpus": 500_000_000}, Limits(None, 0.5))])
def test_limits_are_those_that_were_asked_for(host: dict[str, object], limits: Limits) -> None:
    assert limits_of(_container(**host)) == limits


def test_names_are_added_with_colon_or_equals_and_addresses_may_have_colons() -> None:
    assert hosts_of(_container(extra_hosts=("a:10.0.0.1", "b=10.0.0.2", "c:fe80::1"))) == (
        ("10.0.0.1", "a"), ("10.0.0.2", "b"), ("fe80::1", "c"))
    gate = _container(extra_hosts=("me:host-gateway", "a:10.0.0.1"))
    assert hosts_of(gate, "10.9.0.1") == (("10.9.0.1", "me"), ("10.0.0.1", "a"))
    assert hosts_of(gate) == (("10.0.0.1", "a"),)


def test_ports_are_published_as_asked_and_with_publish_all_the_rest_anywhere() -> None:
    bindings = {"80/tcp": (shapes.PortBinding(host_ip="127.0.0.1", host_port="8080"), shapes.PortBinding(host_port="")),
                "53/udp": (shapes.PortBinding(host_port="5300"),)}
    exposed = shapes.Config(exposed_ports=("80/tcp", "90/tcp", "53/tcp"))
    asked = [Published(80, "tcp", "127.0.0.1", 8080), Published(80, "tcp", "", 0), Published(53, "udp", "", 5300)]
    assert published(_container(exposed, port_bindings=bindings)) == asked
    assert published(_container(exposed, port_bindings=bindings, publish_all_ports=True)) == [
        *asked, Published(90), Published(53)]
