# SPDX-License-Identifier: Apache-2.0
"""Requests that ask much of who reads them do not hold up others: the engine with scripts for programs. The whole
engine meets all of them, many at once, in ``tests/conformance/test_engine_floods.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.engines import IMAGE, Served, served, wait_for
from support.floods import HELD_UP, Watch, connected, create, floods, request, sent

from imagebuild.dockerapi import faults
from imagebuild.engine import bounds

QUICK = ("a long command", "many labels", "many mounts", "many networks", "many patterns", "many published ports",
         "many small objects", "many volumes", "pieces of one byte")
"""One of each kind that once held up everybody."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as made:
        for number in range(10):
            made.create("sleep 1000", name=f"c{number}")
        yield made


def test_no_request_holds_up_the_others(engine: Served) -> None:
    every = floods(IMAGE)
    with Watch(engine.socket) as watch:
        waits = {name: watch.during(lambda name=name: sent(engine.socket, every[name]())) for name in QUICK}
    assert max(waits.values()) < HELD_UP, waits


@pytest.mark.parametrize(("what", "most", "asked"), [
    ("labels", bounds.MAX_LABELS, lambda names: {"Labels": dict.fromkeys(names, "")}),
    ("mounts", bounds.MAX_MOUNTS, lambda names: {"Volumes": {f"C:\\{name}": {} for name in names}}),
    ("mounts", bounds.MAX_MOUNTS, lambda names: {"HostConfig": {"Binds": [f"{name}:C:\\{name}" for name in names]}}),
    ("networks", bounds.MAX_ENDPOINTS,
     lambda names: {"NetworkingConfig": {"EndpointsConfig": {name: {} for name in names}}}),
    ("aliases", bounds.MAX_NAMES,
     lambda names: {"NetworkingConfig": {"EndpointsConfig": {"nat": {"Aliases": names}}}}),
    ("extra hosts", bounds.MAX_NAMES,
     lambda names: {"HostConfig": {"ExtraHosts": [f"{name}:10.0.0.1" for name in names]}}),
])
def test_a_container_that_asks_for_too_many_is_refused_and_leaves_nothing(
        engine: Served, what: str, most: int, asked: object) -> None:
    names = [f"name{number}" for number in range(most + 1)]
    body = {"Image": IMAGE, "Cmd": ["sleep", "1"], **asked(names)}  # type: ignore[operator]
    with pytest.raises(faults.BadRequest) as refused:
        engine.client.json("POST", "/containers/create", body=body)
    assert refused.value.message == f"{most + 1} {what} are more than this engine takes ({most})"
    assert not engine.client.json("GET", "/volumes")["Volumes"]
    assert len(engine.client.json("GET", "/containers/json", query={"all": True})) == 10
    images = engine.engine.images
    assert images.users(images.get(IMAGE).id) == [one.id for one in engine.engine.containers]


def test_as_many_as_are_allowed_are_taken(engine: Served) -> None:
    labels = {f"l{number}": "" for number in range(bounds.MAX_LABELS)}
    volumes = tuple(f"C:\\v{number}" for number in range(20))
    made = engine.create("sleep 1", name="much", labels=labels, volumes=volumes)
    found = engine.inspect(made)
    assert len(found.config.labels or {}) == bounds.MAX_LABELS + 1  # and the one of the image
    assert len(found.mounts) == len(engine.client.json("GET", "/volumes")["Volumes"]) == 20


def test_networks_and_volumes_have_bounds_too(engine: Served) -> None:
    labels = {f"l{number}": "" for number in range(bounds.MAX_LABELS + 1)}
    subnets = [{"Subnet": f"10.{number}.0.0/24"} for number in range(bounds.MAX_SUBNETS + 1)]
    for path, body, what in (("/volumes/create", {"Name": "much", "Labels": labels}, "5001 labels"),
                             ("/networks/create", {"Name": "much", "Labels": labels}, "5001 labels"),
                             ("/networks/create", {"Name": "much", "IPAM": {"Config": subnets}}, "101 subnets")):
        with pytest.raises(faults.BadRequest, match=what):
            engine.client.json("POST", path, body=body)


def test_a_create_whose_client_leaves_keeps_no_volume_without_its_container(engine: Served) -> None:
    """It is made whole or not at all: its volumes are made in a thread meanwhile."""
    volumes = {f"C:\\v{number}": {} for number in range(100)}
    for _ in range(5):
        with connected(engine.socket) as client:
            client.sendall(create(IMAGE, Volumes=volumes))
    engine.create("sleep 1", name="after")
    made = engine.client.json("GET", "/containers/json", query={"all": True})
    used = {mount["Name"] for one in made for mount in one["Mounts"]}
    wait_for(lambda: {one["Name"] for one in engine.client.json("GET", "/volumes")["Volumes"]} == used)


def test_a_body_of_every_port_there_is_can_be_read(engine: Served) -> None:
    ports = tuple(f"{number}/tcp" for number in range(1, 65_536))
    made = engine.create("sleep 1", name="open", exposed_ports=ports)
    assert len(engine.inspect(made).config.exposed_ports or ()) == 65_535


def test_a_body_that_is_longer_is_refused_before_it_is_read(engine: Served) -> None:
    assert b" 400 " in sent(engine.socket, request("POST /volumes/create", b'{"Name":"' + b"a" * (1 << 20) + b'"}'))

