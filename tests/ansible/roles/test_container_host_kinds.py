# SPDX-License-Identifier: Apache-2.0
"""The role ``container_host`` where somebody has begun, where no network is, and where it was stopped: only what is
missing is done, and the end is that of a fresh host.

``WCOW_TEST_STATES=all`` stops it behind each step on a host of its own, too.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support import ansible_hosts, programs, windows_programs
from support.ansible_hosts import raw
from support.ansible_objects import ours
from support.container_hosts import HNS, STEPS, VERSION, Role, bare, changed, end, named, role

pytestmark = pytest.mark.slow

ASKED = "Have the engine restarted where it has not read its settings or its environment"
UNPACKED = raw("[void](mkdir -Force 'C:\\Program Files\\Docker', C:\\x); "
               f"Expand-Archive C:\\docker-{VERSION}.zip C:\\x; "
               "Move-Item C:\\x\\docker\\dockerd.exe 'C:\\Program Files\\Docker'; Remove-Item -Recurse C:\\x")
BROKEN = raw("[void](mkdir -Force C:\\ProgramData\\docker\\config); "
             "[IO.File]::WriteAllText('C:\\ProgramData\\docker\\config\\daemon.json', '{ debug')")


@contextmanager
def fresh() -> Iterator[Role]:
    """A Windows Server 2022 that has nothing."""
    with (programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as host):
        made = role(host)
        bare(made)
        yield made


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    """What the role leaves on a fresh host."""
    with fresh() as made:
        assert changed(made.play()) == list(STEPS)
        return end(made)


def test_a_host_that_is_half_installed_gets_the_rest(whole: dict[str, Any]) -> None:
    with fresh() as made:
        made.controller.play(UNPACKED, BROKEN)
        made.host.state(features={"Containers": "InstallPending"}, pending_reboot=["component-servicing"], machine=HNS)
        played = made.play()
        assert changed(played) == list(STEPS[1:])
        assert named(played, "Set the engine's settings")["malformed"]
        assert end(made) == whole
        assert changed(made.play()) == []


def test_a_restart_that_is_due_comes_before_all_else(whole: dict[str, Any]) -> None:
    with fresh() as made:
        made.host.state(features={"Containers": "Installed"}, pending_reboot=["file-rename"], machine=HNS)
        assert changed(made.play()) == list(STEPS[1:])
        assert end(made) == whole


def test_a_host_without_a_network_gets_everything_from_files(whole: dict[str, Any], tmp_path: Path) -> None:
    archive = tmp_path / "nanoserver.tar"
    with (programs.skipping(), ansible_hosts.host(docker=windows_programs.docker() / "docker.exe") as host):
        made = role(host)
        kept = made.controller.play(ours("image", name="nanoserver", export_to=str(archive)),
                                    ours("image", name="nanoserver", state="absent"), raw("[void](mkdir C:\\sources)"))
        assert [one.state for one in kept.outcomes] == ["ok"] * 3, kept.printed
        bare(made, {"Containers": "Removed"})
        files = {"container_host_feature_source": "C:\\sources", "container_host_verify_archive": str(archive)}
        played = made.play(**files)
        assert changed(played) == [*STEPS, "Have the image with which the engine is tried"]
        assert named(played, "Have the image with which the engine is tried")["actions"] == [f"load {archive}"]
        assert end(made) == whole
        assert changed(made.play(**files)) == []
        bases = [{"name": f"base:{build}", "os_version": f"10.0.{build}.1", "archive": str(tmp_path / f"{build}.tar")}
                 for build in (17763, 26100)]
        fits = {"name": "nanoserver", "os_version": "10.0.20348.1", "archive": str(archive)}
        cache = {"image_cache_pull": "never", "image_cache_bases": [{"name": "base", "candidates": [*bases, fits]}]}
        chosen = made.controller.play(
            {"ansible.builtin.include_role": {"name": "wcow.containers.image_cache"}, "vars": cache})
        assert changed(chosen) == []
        assert named(chosen, "Choose the bases that fit the host's build")["results"][0]["picked"] == "nanoserver"


@pytest.fixture(scope="module")
def stopped() -> Iterator[Role]:
    """A fresh host on which the role is stopped. The three tests below follow each other on it."""
    with fresh() as made:
        yield made


@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_stopped_goes_on_where_it_was(stopped: Role, step: str) -> None:
    played = stopped.play(stop_after=step, container_host_preflight=False)
    done = [one.task.rpartition(": ")[2] for one in played.outcomes if one.changed]
    # Until the engine has been restarted, each run sees that it has to be.
    assert done in ([step], [ASKED, step]), played.printed


def test_a_run_behind_those_that_were_stopped_changes_nothing(stopped: Role) -> None:
    assert changed(stopped.play()) == []


def test_a_host_on_which_each_run_was_stopped_is_as_one_on_which_none_was(stopped: Role, whole: dict[str, Any]) -> None:
    assert end(stopped) == whole


@pytest.mark.skipif(os.environ.get("WCOW_TEST_STATES") != "all", reason="WCOW_TEST_STATES=all stops it on eleven hosts")
@pytest.mark.parametrize("step", STEPS)
def test_a_run_that_is_stopped_behind_a_step_ends_as_one_that_was_not(whole: dict[str, Any], step: str) -> None:
    with fresh() as made:
        made.play(stop_after=step)
        again = changed(made.play())
        assert again == [one for one in STEPS[STEPS.index(step) + 1:] if one in again]
        assert end(made) == whole
