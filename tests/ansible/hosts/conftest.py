# SPDX-License-Identifier: Apache-2.0
"""A Windows host for the modules that make and keep Windows hosts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import ansible_hosts, programs


@pytest.fixture(scope="module")
def host() -> Iterator[ansible_hosts.Host]:
    """A host of its own for the tests of one file."""
    with programs.skipping(), ansible_hosts.host() as started:
        yield started


@pytest.fixture(scope="module")
def controller(host: ansible_hosts.Host) -> ansible_hosts.Controller:
    """What plays on it by Ansible's psrp connection. The engine that a host comes with is removed by our own module."""
    made = host.controller()
    gone = made.play({"wcow.containers.engine": {"state": "absent", "running_containers": "stop"}}).one()
    assert gone.state == "ok", gone
    return made
