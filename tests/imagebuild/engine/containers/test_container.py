# SPDX-License-Identifier: Apache-2.0
"""A container's record: written and read alike, and shown to clients as Docker shows it."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import shapes
from imagebuild.dockerapi.duration import NEVER
from imagebuild.engine.containers.container import Container
from imagebuild.engine.containers.run import Run
from imagebuild.engine.files import read_document, write_document
from imagebuild.engine.interfaces import Attachment, Endpoint, Published

_TEXT = st.text(max_size=12)
_NOT_KEPT = {"folder", "run", "attachment", "health", "execs", "output", "pause"}


def _made(folder: Path, **facts: object) -> Container:
    one = Container("a" * 64, "one", folder, 10 ** 9, "sha256:0", shapes.Config(image="app:1"), shapes.HostConfig())
    for name, value in facts.items():
        setattr(one, name, value)
    return one


@given(name=_TEXT, command=_TEXT, env=st.lists(_TEXT), labels=st.dictionaries(_TEXT, _TEXT), code=st.integers(0, 2**32),
       status=st.sampled_from(["created", "running", "exited", "dead"]), by_hand=st.booleans(), aliases=st.lists(_TEXT))
def test_a_record_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, name: str, command: str,
                                            env: list[str], labels: dict[str, str], code: int, status: str,
                                            by_hand: bool, aliases: list[str]) -> None:
    folder = tmp_path_factory.mktemp("container")
    one = Container("a" * 64, name, folder, 7, "sha256:0", shapes.Config(
        image="app:1", env=tuple(env), labels=labels, tty=by_hand), shapes.HostConfig(
        binds=tuple(env), restart_policy=shapes.RestartPolicy(name="on-failure", maximum_retry_count=2)),
        {name: shapes.EndpointSettings(aliases=tuple(aliases))}, (shapes.MountPoint(type="volume", name=name),),
        command, status, code, "an error", 3, 4, 5, by_hand)
    one.save()
    found = Container.load(folder)
    assert found is not None
    for item in fields(Container):
        if item.name not in _NOT_KEPT:
            assert getattr(found, item.name) == getattr(one, item.name) or not getattr(one, item.name), item.name


@pytest.mark.parametrize("key", ["id", "config", "host", "networks", "mounts", "status", "stopped_by_hand"])
def test_a_record_with_a_hole_is_none(tmp_path: Path, key: str) -> None:
    _made(tmp_path).save()
    document = read_document(tmp_path / "container.json")
    del document[key]
    write_document(tmp_path / "container.json", document)
    assert Container.load(tmp_path) is None


@pytest.mark.parametrize("broken", ["", "[]", "{}", '{"version": 2}', '{"version": 1, "config": 7}'])
def test_what_is_no_record_is_none(tmp_path: Path, broken: str) -> None:
    (tmp_path / "container.json").write_text(broken)
    assert Container.load(tmp_path) is None


@pytest.mark.parametrize(("facts", "text"), [
    ({}, "Created"), ({"status": "running", "started": -5}, "Up 5 seconds"),
    ({"status": "running", "started": -5, "health": shapes.Health(status="starting")},
     "Up 5 seconds (health: starting)"),
    ({"status": "running", "started": -5, "health": shapes.Health(status="healthy")}, "Up 5 seconds (healthy)"),
    ({"status": "exited", "started": -90, "finished": -65, "exit_code": 3}, "Exited (3) About a minute ago"),
    ({"status": "restarting", "started": -90, "finished": -5, "exit_code": 3}, "Restarting (3) 5 seconds ago"),
    ({"status": "removing"}, "Removal In Progress"), ({"status": "dead"}, "Dead")])
def test_the_status_reads_as_dockers(tmp_path: Path, facts: dict[str, object], text: str) -> None:
    for name in ("started", "finished"):
        if isinstance(seconds := facts.get(name), int):
            facts = {**facts, name: time.time_ns() + seconds * 10 ** 9}
    assert _made(tmp_path, **facts).status_text() == text


def test_inspection_shows_words_times_networks_and_ports(tmp_path: Path) -> None:
    one = _made(tmp_path, status="running", finished=2 * 10 ** 9, config=shapes.Config(
        image="app:1", entrypoint=("a.exe",), cmd=("b", "c"), exposed_ports=("80/tcp", "90/udp")),
        host=shapes.HostConfig(network_mode="nat"), networks={"nat": shapes.EndpointSettings(aliases=("web",))},
        attachment=Attachment(None, (Endpoint("nat", "n1", "e1", "10.0.0.2", 24, "10.0.0.1", "02:00", ("web",)),), (),
                              (Published(80, "tcp", "", 8080),)))
    one.run = cast(Run, SimpleNamespace(pid=5))
    found = one.inspect()
    assert (found.path, found.args, found.name, found.platform) == ("a.exe", ("b", "c"), "/one", "windows")
    assert (found.state.started_at, found.state.finished_at) == (NEVER, "1970-01-01T00:00:02Z")
    settings = found.network_settings
    assert settings.networks is not None and settings.ports is not None
    assert (settings.ip_address, settings.networks["nat"].dns_names) == ("10.0.0.2", ("one", "web", "a" * 12))
    assert settings.ports == {"80/tcp": (shapes.PortBinding(host_ip="0.0.0.0", host_port="8080"),), "90/udp": None}
    one.attachment = Attachment(None, (Endpoint("none", "n0"),))
    assert one.inspect().network_settings.ports == {}  # nothing is exposed where there is no network
    one.run, one.status = None, "exited"
    one.attachment = Attachment(None, (Endpoint("nat", "n1"),))
    assert one.inspect().network_settings.ports == {}
