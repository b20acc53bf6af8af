# SPDX-License-Identifier: Apache-2.0
"""What ``docker ps`` shows: which containers, and what of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.engine_images import Owner, put
from support.engines import Served, served, wait_for

from imagebuild.dockerapi import faults, shapes


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _rows(engine: Served, everything: bool = True, limit: int | None = None, **filters: Any) -> list[shapes.Summary]:
    rows = engine.client.json("GET", "/containers/json", query={
        "all": everything, "limit": limit, "filters": {name.replace("_", "-"): values
                                                       for name, values in filters.items()}})
    return [shapes.from_json(shapes.Summary, row) for row in rows]


def _names(engine: Served, everything: bool = True, limit: int | None = None, **filters: Any) -> str:
    return " ".join(row.names[0][1:] for row in _rows(engine, everything, limit, **filters))


def test_what_runs_is_shown_and_with_a_limit_or_a_status_the_rest_too(engine: Served) -> None:
    engine.create("exit 3", name="one")
    engine.create("sleep 60", name="two")
    engine.create("sleep 60", name="three")
    for name in ("one", "two"):
        engine.post(f"/containers/{name}/start")
    wait_for(lambda: engine.inspect("one").state.status == "exited")
    assert _names(engine, False) == "two"
    assert _names(engine) == "three two one"
    assert _names(engine, False, limit=2) == "three two"
    assert _names(engine, False, status=["exited"]) == "one"
    assert _names(engine, False, status=["created", "running"]) == "three two"
    assert _names(engine, False, exited=["3"]) == ""  # no reason to show what does not run
    assert (_names(engine, exited=["3"]), _names(engine, exited=["0"])) == ("one", "")


def test_containers_that_wait_for_their_next_start_are_shown_as_running(engine: Served) -> None:
    engine.create("exit 1", name="one", host={"restart_policy": shapes.RestartPolicy(name="always")})
    engine.engine.containers.find("one").pause = 30.0
    engine.post("/containers/one/start")
    wait_for(lambda: engine.inspect("one").state.status == "restarting")
    assert (_names(engine, False), _names(engine, False, exited=["1"])) == ("one", "")


def test_filters_name_images_with_their_children_mounts_networks_and_tasks(engine: Served,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    owner = Owner(engine.engine.images, engine.engine.settings, engine.engine.events)
    put(owner, "other:1", created="2023-01-01T00:00:00Z")
    one = engine.create("sleep 60", name="one", host={"binds": (r"data:C:\d",)})
    engine.create("sleep 60", name="two")
    image = engine.inspect("one").image
    other, _ = engine.engine.images.find("other:1")
    engine.on_loop(lambda: setattr(engine.engine.containers.find("two"), "image", other))
    assert _names(engine, ancestor=["app:1"]) == _names(engine, ancestor=[image[7:19]]) == "one"
    assert _names(engine, ancestor=["app:1", "other:1"]) == "two one"
    assert _names(engine, ancestor=["nosuch:1"]) == ""
    kept = engine.engine.images.shelf.all()
    monkeypatch.setattr(engine.engine.images.shelf, "children", lambda of: [
        child for child in kept.values() if of == image and child.id == other])
    assert _names(engine, ancestor=["app:1"]) == "two one"
    for volume in ("data", engine.inspect("one").mounts[0].destination):
        assert _names(engine, volume=[volume]) == "one"
    assert _names(engine, volume=["other"]) == ""
    nat = engine.engine.networks.find("nat").id
    assert _names(engine, network=["nat"]) == _names(engine, network=[nat[:9]]) == "two one"
    assert _names(engine, network=["none"]) == ""
    assert (_names(engine, is_task=["false"]), _names(engine, is_task=["true"])) == ("two one", "")
    assert (_names(engine, before=[one]), _names(engine, since=["one"])) == ("", "two")


def test_ports_are_filtered_as_they_are_published_and_as_they_are_exposed(engine: Served) -> None:
    engine.create("sleep 60", name="one", exposed_ports=("80/tcp", "53/udp"), host={
        "port_bindings": {"80/tcp": (shapes.PortBinding(host_port="0"),)}})
    assert _names(engine, expose=["80"]) == ""  # nothing is exposed of one that does not run
    engine.post("/containers/one/start")
    [row] = _rows(engine, False)
    assert [(port.private_port, port.type, bool(port.public_port)) for port in row.ports] == [
        (53, "udp", False), (80, "tcp", True)]
    public = row.ports[1].public_port
    cases: tuple[tuple[dict[str, Any], str], ...] = (
        ({"publish": [str(public)]}, "one"), ({"publish": [f"{public}/udp"]}, ""), ({"publish": ["80"]}, ""),
        ({"expose": ["80"]}, "one"), ({"expose": ["53"]}, ""), ({"expose": ["53/udp"]}, "one"),
        ({"expose": ["70-90/tcp"]}, "one"), ({"expose": ["70-79"]}, ""),
        ({"expose": ["1"], "publish": [f"1-{public}/tcp"]}, "one"))
    for filters, found in cases:
        assert _names(engine, **filters) == found, filters


@pytest.mark.parametrize(("filters", "status", "text"), [
    ({"exited": ["x"]}, 400, "invalid filter 'exited=x': strconv.Atoi: parsing \"x\": invalid syntax"),
    ({"status": ["up"]}, 400, "invalid filter 'status=up'"),
    ({"health": ["ill"]}, 400, "unrecognized filter value for health: ill"),
    ({"is_task": ["maybe"]}, 400, "invalid filter 'is-task=[maybe]'"),
    ({"before": ["gone"]}, 404, "No such container: gone"), ({"since": ["gone"]}, 404, "No such container: gone"),
    ({"colour": ["red"]}, 400, "invalid filter 'colour'"),
    ({"publish": ["1:2"]}, 500, "filter for 'publish' should not contain ':': 1:2"),
    ({"expose": ["x"]}, 500, "error while looking up for expose x: strconv.ParseUint: parsing \"x\": invalid syntax"),
    ({"expose": ["70000"]}, 500, "value out of range"), ({"expose": ["9-8"]}, 500, "Invalid range"),
    ({"expose": [""]}, 500, "Empty string specified for ports.")])
def test_filters_without_sense_are_refused_as_moby_refuses_them(engine: Served, filters: dict[str, Any], status: int,
                                                                text: str) -> None:
    with pytest.raises(faults.Fault) as error:
        _names(engine, **filters)
    assert (error.value.status, text in error.value.message) == (status, True), error.value.message


def test_a_row_has_the_command_as_it_was_given_and_an_image_that_lost_its_name_by_its_id(engine: Served) -> None:
    host = shapes.HostConfig()
    engine.client.json("POST", "/containers/create", query={"name": "one"}, body=shapes.CreateRequest(
        image="app:1", cmd=("sleep", "60 && echo x", "y"), host_config=host, networking_config=shapes.NetworkingConfig(
            endpoints_config={"nat": shapes.EndpointSettings(aliases=("www",))})))
    [row] = _rows(engine)
    assert (row.command, row.image, row.state, row.status) == ("sleep '60 && echo x' y", "app:1", "created", "Created")
    assert (row.network_settings.networks["nat"].aliases, row.host_config.network_mode) == (None, "nat")
    engine.client.json("POST", "/images/app:1/tag", query={"repo": "kept", "tag": "1"})
    with engine.client.call("DELETE", "/images/app:1"):
        pass
    assert _rows(engine)[0].image == row.image_id
