# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` makes container hosts of fresh Windows Servers 2019, 2022 and 2025."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import ansible_hosts, programs, windows_programs
from support.container_hosts import STEPS, Role, bare, changed, named, role

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=[17763, 20348, 26100], ids=["2019", "2022", "2025"])
def made(request: pytest.FixtureRequest) -> Iterator[Role]:
    """A fresh host of a build. The tests below follow each other on it."""
    with (programs.skipping(),
          ansible_hosts.host("--build", str(request.param), docker=windows_programs.docker() / "docker.exe") as host):
        one = role(host)
        bare(one)
        yield one


def test_a_check_tells_the_steps_and_does_none(made: Role) -> None:
    told = changed(made.play(check=True))
    # What needs an engine cannot be told without one.
    assert told == [step for step in STEPS if step in told]
    assert {"Install the features of Windows", "Set the engine's settings", "Install the engine"} <= set(told)
    assert not {"Restart the engine", "Make the engine's networks"} & set(told)


def test_the_steps_are_done_in_their_order_and_a_container_runs(made: Role) -> None:
    played = made.play()
    assert changed(played) == list(STEPS)
    assert named(played, "Install the engine")["engine_answers"] == "28.4.0"
    ran = named(played, "Run a program in it")
    assert str(made.host.document["build"]) in ran["stdout"]


def test_a_second_run_changes_nothing(made: Role) -> None:
    assert changed(made.play()) == []
