# SPDX-License-Identifier: Apache-2.0
"""What the engine says of itself over the socket: ping, version, info, events, what takes space."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from support.engines import Served, served, wait_for

from imagebuild import __version__
from imagebuild.dockerapi import Client, faults, shapes
from imagebuild.runtime.port import SandboxFacts


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


@pytest.mark.parametrize(("method", "body"), [("GET", b"OK"), ("HEAD", b"")])
def test_a_ping_says_what_is_there_and_is_not_to_be_kept(engine: Served, method: str, body: bytes) -> None:
    with engine.client._ask(method, "/_ping") as answer:  # as clients do that do not know the version yet
        assert (answer.status, answer.read(), answer.header("content-type")) == (200, body, "text/plain; charset=utf-8")
        headers = answer.headers
    assert {name: headers[name] for name in ("api-version", "ostype", "builder-version", "swarm", "pragma")} == {
        "api-version": "1.45", "ostype": "windows", "builder-version": "1", "swarm": "inactive", "pragma": "no-cache"}
    assert headers["cache-control"] == "no-cache, no-store, must-revalidate"
    assert headers["server"] == "Docker/26.1.5 (windows)"


def test_the_version_is_a_windows_dockers_and_beside_it_what_it_really_is(engine: Served) -> None:
    found = engine.client.json("GET", "/version", shape=shapes.Version)
    assert (found.version, found.api_version, found.min_api_version) == ("26.1.5", "1.45", "1.24")
    assert (found.os, found.arch, found.kernel_version) == ("windows", "amd64", "10.0 20348 (20348.1.amd64fre.wcow)")
    assert found.platform.name == f"wcow {__version__}, an embedded engine: memory"
    parts = {one.name: one for one in found.components}
    assert (parts["wcow"].version, parts["memory"].version) == (__version__, "memory")
    assert parts["Engine"].version == "26.1.5"
    details = parts["Engine"].details or {}
    assert (details["Os"], details["ApiVersion"], details["KernelVersion"]) == ("windows", "1.45", found.kernel_version)


def _info(engine: Served) -> shapes.Info:
    return engine.client.json("GET", "/info", shape=shapes.Info)


def test_info_counts_containers_and_images_and_names_the_windows(engine: Served, tmp_path: Path) -> None:
    engine.create("sleep 60", name="one")
    engine.create("sleep 60", name="two")
    engine.post("/containers/one/start")
    before, found = time.time(), _info(engine)
    assert (found.containers, found.containers_running, found.containers_paused, found.containers_stopped,
            found.images) == (2, 1, 0, 1, 1)
    assert (found.os_type, found.os_version, found.isolation, found.driver, found.n_cpu) == (
        "windows", "10.0.20348", "process", "windowsfilter", os.cpu_count())
    assert found.operating_system == "Microsoft Windows Server Version 21H2 (OS Build 20348)"
    assert found.mem_total == int(Path("/proc/meminfo").read_text().split()[1]) * 1024
    assert found.plugins.network == ("internal", "l2bridge", "l2tunnel", "nat", "null", "transparent")
    assert abs(datetime.fromisoformat(found.system_time).timestamp() - before) < 60
    assert found.id == engine.engine.id
    assert (found.name, found.server_version) == ("wcow", "26.1.5")


def test_info_names_the_ways_to_keep_output_that_are_taken(engine: Served) -> None:
    assert _info(engine).plugins.log == ("json-file", "local")
    for driver in ("json-file", "local"):
        engine.create("exit 0", host={"log_config": shapes.LogConfig(type=driver)})


def test_info_says_which_windows_was_asked_for_also_one_that_nobody_knows(engine: Served) -> None:
    for build, revision, text in ((26100, 7171, "Microsoft Windows Server Version 24H2 (OS Build 26100.7171)"),
                                  (20349, 0, "Microsoft Windows Server (OS Build 20349)")):
        engine.engine.settings = replace(engine.engine.settings, build=build, revision=revision)
        found = _info(engine)
        assert (found.operating_system, found.os_version) == (text, f"10.0.{build}")
        assert found.kernel_version == f"10.0 {build} ({build}.1.amd64fre.wcow)"


def test_info_warns_of_all_that_is_not_enforced(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    assert _info(engine).warnings == ("WARNING: nothing is limited: no program runs",
                                      *(f"WARNING: {gap}" for gap in engine.engine.networks.gaps()))
    assert engine.engine.networks.gaps()
    monkeypatch.setattr(engine.engine.networks, "gaps", lambda: ())
    monkeypatch.setattr(engine.engine.sandbox, "facts", lambda: SandboxFacts("x", "1", "ready", "", "", 1))
    found = _info(engine)
    assert (found.warnings, found.memory_limit) == (None, False)


def _events(engine: Served, **query: Any) -> list[dict[str, Any]]:
    return list(engine.client.lines("GET", "/events", query=query))


def test_past_events_are_told_by_their_moment_in_the_old_form_and_the_new(engine: Served) -> None:
    one = engine.create("exit 3", name="one")
    engine.post("/containers/one/start")
    wait_for(lambda: engine.inspect("one").state.status == "exited")
    told = [event for event in _events(engine, since=0, until=time.time()) if event["Type"] == "container"]
    assert [event["Action"] for event in told] == ["create", "start", "die"]
    die = told[-1]
    assert (die["status"], die["id"], die["Actor"]["ID"]) == ("die", one, one)
    assert (die["from"], die["scope"]) == ("app:1", "local")
    assert die["Actor"]["Attributes"]["exitCode"] == "3"
    assert die["time"] == die["timeNano"] // 1_000_000_000
    connect = next(event for event in _events(engine, since=0, until=time.time()) if event["Type"] == "network")
    assert connect["Action"] == "connect" and not {"status", "id", "from"} & set(connect)
    # Without a beginning, an end is enough to be told of the past; with both, what lies between.
    assert _events(engine, until=time.time()) == _events(engine, since=0, until=time.time())
    assert _events(engine, until=time.time() - 3600) == []
    since, rest = divmod(die["timeNano"], 1_000_000_000)
    after = _events(engine, since=f"{since}.{rest:09}", until=time.time(), filters={"type": ["container"]})
    assert [event["Action"] for event in after] == ["die"]


def test_events_are_told_as_they_come_and_only_those_that_are_wanted(engine: Served) -> None:
    engine.create("sleep 60", name="one")
    heard: list[str] = []

    def listen() -> None:
        for event in engine.client.lines("GET", "/events", query={"filters": {"container": ["one"],
                                                                              "event": ["start", "rename"]}}):
            heard.append(event["Action"])
            if len(heard) == 2:
                return

    listening = threading.Thread(target=listen, daemon=True)
    listening.start()
    wait_for(lambda: _info(engine).n_events_listener == 1)
    engine.create("sleep 60", name="other")
    engine.post("/containers/other/start")
    engine.post("/containers/one/start")
    engine.post("/containers/one/rename", name="one-more")
    listening.join(10)
    assert heard == ["start", "rename"]
    wait_for(lambda: _info(engine).n_events_listener == 0)


@pytest.mark.parametrize(("query", "message"), [
    ({"since": "yesterday"}, "failed to parse value as time or duration: 'yesterday'"),
    ({"until": "10 weeks"}, "failed to parse"),
    ({"since": 20, "until": 10}, r"`since` time \(20\) cannot be after `until` time \(10\)"),
    ({"filters": "{"}, "invalid filter")])
def test_moments_and_filters_that_make_no_sense_are_refused(engine: Served, query: dict[str, Any], message: str
                                                            ) -> None:
    with pytest.raises(faults.BadRequest, match=message):  # the head is enough: events themselves may never end
        engine.client.call("GET", "/events", query=query).close()


def _usage(engine: Served, **query: Any) -> dict[str, Any]:
    found = engine.client.json("GET", "/system/df", query=query)
    assert isinstance(found, dict)
    return found


def test_usage_lists_what_takes_space_until_it_is_pruned(engine: Served) -> None:
    one = engine.create("exit 0", name="one")
    engine.client.json("POST", "/volumes/create", body={"Name": "data"})
    found = _usage(engine)
    assert [row["Id"] for row in found["Containers"]] == [one]
    assert [row["Name"] for row in found["Volumes"]] == ["data"]
    [image] = found["Images"]
    assert (image["RepoTags"], image["Containers"]) == (["app:1"], 1)
    assert found["LayersSize"] == image["Size"] > 0
    assert found["BuildCache"] == []
    assert "VirtualSize" not in image
    engine.post("/containers/prune")
    engine.post("/volumes/prune", filters={"all": ["1"]})
    engine.post("/images/prune", filters={"dangling": ["0"]})
    assert _usage(engine) == {"LayersSize": 0, "Images": [], "Containers": [], "Volumes": [], "BuildCache": []}


def test_usage_counts_the_images_that_a_list_shows(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = engine.engine.images.shelf
    [kept] = shelf.all().values()
    monkeypatch.setattr(shelf, "children", lambda of: [kept])
    assert engine.client.json("DELETE", "/images/app:1", query={"force": True}) is not None
    assert _usage(engine)["Images"] == engine.client.json("GET", "/images/json") == []


def test_usage_of_one_kind_leaves_the_others_out(engine: Served) -> None:
    engine.create("exit 0")
    for kinds, key in (("container", "Containers"), ("image", "Images"), ("volume", "Volumes"),
                       ("build-cache", "BuildCache")):
        found = _usage(engine, type=[kinds])
        assert {name for name in ("Containers", "Images", "Volumes", "BuildCache") if found[name] is not None} == {key}
    both = _usage(engine, type=["image", "volume"])
    assert both["Images"] and both["Volumes"] == [] and both["Containers"] is None
    with pytest.raises(faults.BadRequest, match="unknown object type: colour"):
        _usage(engine, type=["image", "colour"])


def test_an_old_client_gets_every_kind_and_the_size_by_its_old_name_too(engine: Served) -> None:
    for version, everything in (("1.41", True), ("1.43", False)):
        with Client.at(f"unix://{engine.socket}", version=version) as old:
            found = old.json("GET", "/system/df", query={"type": ["image"]})
        assert found["Images"][0]["VirtualSize"] == found["Images"][0]["Size"] > 0
        assert (found["Containers"] is not None) is everything
