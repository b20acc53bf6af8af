# SPDX-License-Identifier: Apache-2.0
"""Pipes of a running container are opened and closed over the API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support.engines import Served, served

from imagebuild.dockerapi import faults
from imagebuild.engine.api.own import pipes as routes_pipes


class Relay:
    """A relay that only remembers."""

    said: list[str]

    async def start(self, box: object, pipes: Mapping[str, Path]) -> None:
        Relay.said.append(f"start {dict(pipes)}")

    async def open(self, name: str, socket: Path) -> None:
        Relay.said.append(f"open {name} {socket}")

    async def close(self, name: str) -> None:
        Relay.said.append(f"close {name}")


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    Relay.said = []
    monkeypatch.setattr(routes_pipes, "PipeRelay", Relay)
    with served(tmp_path) as one:
        yield one


def _ask(engine: Served, method: str, container: str, body: object = None) -> None:
    with engine.client.call(method, f"/wcow/containers/{container}/pipes/docker_engine", body=body):
        pass


def test_a_pipe_is_opened_and_closed_while_the_container_runs(engine: Served) -> None:
    one = engine.create("sleep 60")
    with pytest.raises(faults.Conflict, match="is not running"):
        _ask(engine, "PUT", one, {"Socket": "/a"})
    engine.post(f"/containers/{one}/start")
    _ask(engine, "DELETE", one)  # none is open
    for socket in ("/a", "/b"):
        _ask(engine, "PUT", one, {"Socket": socket})
    _ask(engine, "DELETE", one)
    assert Relay.said == ["start {}", "open docker_engine /a", "open docker_engine /b", "close docker_engine"]


def test_a_socket_is_an_absolute_path(engine: Served) -> None:
    one = engine.create("sleep 60")
    for wrong in ("", "a", "C:\\a"):
        with pytest.raises(faults.BadRequest, match="not an absolute path"):
            _ask(engine, "PUT", one, {"Socket": wrong})
    with pytest.raises(faults.NotFound):
        _ask(engine, "PUT", "no", {"Socket": "/a"})
