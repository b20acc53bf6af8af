# SPDX-License-Identifier: Apache-2.0
"""One broker keeps the ways to hosts' engines for many processes, and ends by itself."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from support import programs, toy_engine, tunnels, wire

from imagebuild.dockerapi import Client
from imagebuild.errors import HostError
from imagebuild.host import HostAddress
from imagebuild.host.broker import Reached, engine, forget


@dataclass
class Site:
    """A host whose engine is reached by WinRM, and a folder of a broker for it."""

    address: HostAddress
    state: Path
    owner: subprocess.Popen[bytes]
    service: Any

    def engine(self, **more: Any) -> Reached:
        return engine(self.state, self.owner.pid, self.address, tunnels.PASSWORD, **more)

    def names(self, reached: Reached) -> list[str]:
        with Client.at(f"unix://{reached.socket}", version=reached.version) as client:
            return [row["Id"] for row in client.json("GET", "/containers/json")]

    def brokers(self) -> list[int]:
        """The processes that serve this folder: those whose socket lies in it."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if b"host.broker" in (entry / "cmdline").read_bytes() and self._serves(entry):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def _serves(self, entry: Path) -> bool:
        inodes = {line.split()[6] for line in (entry / "net/unix").read_text().splitlines()[1:]
                  if line.split()[-1] == str(self.state / "broker.sock")}
        held = {str(fd.readlink()) for fd in (entry / "fd").iterdir()}
        return any(f"socket:[{one}]" in held for one in inodes)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    state = tmp_path / "s"
    state.mkdir(mode=0o700)
    with programs.skipping():
        programs.find("docker")
    owner = subprocess.Popen(["sleep", "600"])
    try:
        with (wire.running(toy_engine.routes(), toy_engine.Engine(), tmp_path) as path,
              tunnels.winrm_host(tmp_path, engine=f"unix://{path}") as (_host, served)):
            served.machine.environment["DOCKER_HOST"] = f"unix://{path}"
            one = Site(tunnels.winrm_address(served, tmp_path), state, owner, served)
            yield one
            owner.kill()
            owner.wait()
            until(lambda: not one.brokers())
    finally:
        owner.kill()
        owner.wait()


def until(holds: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_all_who_ask_have_the_same_broker_and_it_ends_with_its_owner(site: Site) -> None:
    answers: list[Reached] = []
    threads = [threading.Thread(target=lambda: answers.append(site.engine())) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 5 and len(set(answers)) == 1
    assert len(site.brokers()) == 1
    socket = Path(answers[0].socket)
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert site.names(answers[0]) == site.names(site.engine())
    assert tunnels.PASSWORD.encode() not in Path(f"/proc/{site.brokers()[0]}/cmdline").read_bytes()
    assert tunnels.PASSWORD.encode() not in Path(f"/proc/{site.brokers()[0]}/environ").read_bytes()
    site.owner.kill()
    site.owner.wait()
    until(lambda: not site.brokers() and not socket.exists())


@pytest.mark.slow
def test_a_broker_that_was_killed_is_followed_by_another(site: Site) -> None:
    site.engine()
    (first,) = site.brokers()
    os.kill(first, signal.SIGKILL)
    until(lambda: not site.brokers())
    reached = site.engine()
    site.names(reached)
    assert site.brokers() != [first]


@pytest.mark.slow
def test_a_broker_ends_when_it_was_idle(site: Site) -> None:
    site.engine(idle=1.5)
    assert site.brokers()
    until(lambda: not site.brokers() and not (site.state / "broker.sock").exists())


@pytest.mark.slow
def test_a_broker_keeps_on_while_a_client_is_connected(site: Site) -> None:
    reached = site.engine(idle=1.5)
    with Client.at(f"unix://{reached.socket}", version=reached.version) as client:
        client.ping()
        time.sleep(4)  # its connection stays open
        assert site.brokers()


def test_an_error_keeps_its_kind_and_its_facts(site: Site) -> None:
    with pytest.raises(HostError) as caught:
        engine(site.state, site.owner.pid, site.address, "wrong")
    assert caught.value.status == 401
    assert "wrong" not in str(caught.value.lines())
    nowhere = replace(site.address, port=1)
    with pytest.raises(HostError, match="cannot reach"):
        engine(site.state, site.owner.pid, nowhere, tunnels.PASSWORD)
    site.names(site.engine())


@pytest.mark.slow
def test_a_way_that_is_kept_outlives_idleness(site: Site) -> None:
    site.engine(idle=1.5, keep=True)
    time.sleep(4)
    assert site.brokers()


@pytest.mark.slow
def test_a_way_that_was_forgotten_is_found_anew(site: Site) -> None:
    first = site.engine()
    forget(site.state, site.address, tunnels.PASSWORD)
    until(lambda: not Path(first.socket).exists())
    assert site.engine().socket != first.socket


@pytest.mark.slow
def test_a_folder_with_a_long_name_is_served_from_a_short_one(site: Site, tmp_path: Path) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir(mode=0o700)
    reached = engine(long, site.owner.pid, site.address, tunnels.PASSWORD)
    folder = Path(reached.socket).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    site.names(reached)
    site.owner.kill()
    site.owner.wait()
    until(lambda: not folder.exists())


def test_a_broker_that_cannot_start_says_why(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(HostError, match="cannot start the broker"):
        site.engine()
