# SPDX-License-Identifier: Apache-2.0
"""The calls about containers over the socket: made, listed, inspected, measured, cleaned up, and told of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support.engines import Heard, Served, served, wait_for

from imagebuild.dockerapi import Client, faults, shapes
from imagebuild.dockerapi.duration import NEVER, moment_text
from imagebuild.runtime.port import KILLED, STOPPED


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        yield one


def _names(engine: Served, everything: bool = True, **filters: Any) -> set[str]:
    rows = engine.client.json("GET", "/containers/json", query={"all": everything, "filters": filters})
    return {row["Names"][0] for row in rows}


def test_a_container_is_made_of_what_image_and_user_say(engine: Served) -> None:
    one = engine.create("echo %OWN%", name="one", env=("OWN=1",), labels={"a": "b"})
    found = engine.inspect("one")
    assert (found.id, found.path, found.args) == (one, "echo", ("%OWN%",))
    assert found.config.env is not None and "OWN=1" in found.config.env
    assert (found.host_config.network_mode, found.host_config.isolation) == ("nat", "process")
    assert found.state.status == "created"


def test_what_cannot_be_made_leaves_nothing(engine: Served, tmp_path: Path) -> None:
    engine.create("exit 0", name="one")
    for error, name, more in ((faults.Conflict, "one", {}), (faults.BadRequest, "a b", {}),
                              (faults.Fault, "", {"host": {"privileged": True}})):
        with pytest.raises(error):
            engine.create("exit 0", name=name, **more, volumes=("C:\\data",))
    assert _names(engine) == {"/one"}
    assert not engine.client.json("GET", "/volumes")["Volumes"]
    assert len(list((tmp_path / "containers").iterdir())) == 1


def test_lists_are_filtered(engine: Served) -> None:
    one = engine.create("sleep 60", name="one", labels={"x": "1"})
    two = engine.create("exit 3", name="two")
    engine.post("/containers/one/start")
    engine.post("/containers/two/start")
    wait_for(lambda: engine.inspect("two").state.status == "exited")
    assert _names(engine, everything=False) == {"/one"}
    assert _names(engine) == {"/one", "/two"}
    for filters, names in (({"status": ["exited"]}, {"/two"}), ({"exited": ["3"]}, {"/two"}),
                           ({"exited": ["0"]}, set()), ({"label": ["x=1"]}, {"/one"}), ({"id": [two[:9]]}, {"/two"}),
                           ({"name": ["on"]}, {"/one"}), ({"since": ["one"]}, {"/two"}), ({"before": [two]}, {"/one"}),
                           ({"ancestor": ["app:1"]}, {"/one", "/two"}), ({"ancestor": ["other"]}, set()),
                           ({"network": ["nat"]}, {"/one", "/two"}), ({"health": ["none"]}, {"/one", "/two"})):
        assert _names(engine, **filters) == names, filters
    with pytest.raises(faults.BadRequest, match="invalid filter"):
        _names(engine, colour=["red"])
    assert len(engine.client.json("GET", "/containers/json", query={"limit": 1})) == 1
    assert one != two


def test_a_start_that_is_asked_for_twice_changes_nothing(engine: Served) -> None:
    one = engine.create("sleep 60")
    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(lambda _: engine.post(f"/containers/{one}/start"), range(8)))
    assert statuses == [204] + [304] * 7
    assert engine.post(f"/containers/{one}/stop", t=1) == 204
    assert engine.post(f"/containers/{one}/stop", t=1) == 304


def test_a_wait_is_answered_at_once_and_ends_with_the_code(engine: Served) -> None:
    one = engine.create("sleep 60")
    engine.post(f"/containers/{one}/start")
    with engine.client.call("POST", f"/containers/{one}/wait") as answer:
        assert answer.status == 200
        engine.post(f"/containers/{one}/kill")
        assert json.loads(answer.read())["StatusCode"] == 1067
    for _ in range(3):
        engine.client.call("POST", f"/containers/{one}/wait", query={"condition": "next-exit"}).close()
    wait_for(lambda: not any(engine.engine.containers._waiters.values()))
    with pytest.raises(faults.BadRequest, match="invalid condition"):
        engine.post(f"/containers/{one}/wait", condition="never")


def test_a_wait_for_a_removal_that_fails_ends_with_the_reason(engine: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    one = engine.create("exit 5", host={"auto_remove": True})
    with monkeypatch.context() as patch, engine.client.call(
            "POST", f"/containers/{one}/wait", query={"condition": "removed"}) as answer:
        patch.setattr("imagebuild.engine.containers.lifecycle.clear", busy)
        engine.post(f"/containers/{one}/start")
        told = json.loads(answer.read())
    assert told["StatusCode"] == 5
    assert told["Error"]["Message"].endswith("failed to remove its folder: [Errno 13] Permission denied")
    assert engine.inspect(one).state.status == "dead"


def test_a_condition_is_looked_at_before_its_container_and_by_old_clients_not_at_all(engine: Served) -> None:
    with pytest.raises(faults.BadRequest, match='invalid condition: "never"'):
        engine.post("/containers/gone/wait", condition="never")
    one = engine.create("exit 0")
    old = Client.at(f"unix://{engine.socket}", version="1.29")
    assert old.json("POST", f"/containers/{one}/wait", query={"condition": "never"})["StatusCode"] == 0
    old.close()


def test_an_inspection_has_sizes_when_asked_and_more_aliases_for_older_clients(engine: Served) -> None:
    engine.engine.networks.create(shapes.NetworkCreate(name="mine"))
    one = engine.create("sleep 60", name="one", hostname="shop", host={"network_mode": "mine"}, networking_config={
        "EndpointsConfig": {"mine": {"Aliases": ["www"]}, "nat": {}}})
    found = engine.inspect("one")
    assert (found.size_rw, found.size_root_fs) == (None, None)
    assert found.network_settings.networks["mine"].aliases == ("www",)
    sized = engine.client.json("GET", "/containers/one/json", query={"size": True})
    assert (sized["SizeRw"], sized["SizeRootFs"]) == (0, 0)
    old = Client.at(f"unix://{engine.socket}", version="1.44")
    networks = old.json("GET", "/containers/one/json", shape=shapes.Inspect).network_settings.networks
    old.close()
    assert (networks["mine"].aliases, networks["nat"].aliases) == (("www", one[:12], "shop"), None)


def test_a_stop_has_a_signal_since_1_42(engine: Served) -> None:
    old = Client.at(f"unix://{engine.socket}", version="1.41")
    for client, verb, code in ((old, "stop", STOPPED), (engine.client, "stop", KILLED), (engine.client, "restart", 0)):
        one = engine.create("sleep 60")
        engine.post(f"/containers/{one}/start")
        client.json("POST", f"/containers/{one}/{verb}", query={"signal": "KILL", "t": ""})
        assert engine.inspect(one).state.exit_code == code
    old.close()
    with pytest.raises(faults.Internal, match=f"cannot stop container: {one}: invalid signal: NONE"):
        engine.post(f"/containers/{one}/stop", signal="NONE")


def test_an_image_of_another_platform_is_not_there(engine: Served) -> None:
    def made(platform: str, client: Client = engine.client) -> str:
        asked = shapes.CreateRequest(image="app:1", cmd=("exit", "0"))
        return str(client.json("POST", "/containers/create", query={"platform": platform}, body=asked)["Id"])

    assert made("windows/amd64") and made("windows")
    with pytest.raises(faults.NotFound, match="image with reference app:1 was found but does not match the specified "
                                              "platform: wanted linux/arm64, actual: windows/amd64"):
        made("linux/arm64")
    with pytest.raises(faults.BadRequest, match='"a/b/c/d": cannot parse platform specifier: invalid argument'):
        made("a/b/c/d")
    old = Client.at(f"unix://{engine.socket}", version="1.40")
    assert made("linux/amd64", old)
    old.close()


def test_two_readings_of_stats_make_a_rate(engine: Served) -> None:
    one = engine.create("sleep 60")
    engine.post(f"/containers/{one}/start")
    lines = engine.client.lines("GET", f"/containers/{one}/stats")
    first, second = next(lines), next(lines)
    lines.close()
    assert first["preread"] == NEVER
    assert (second["preread"], second["precpu_stats"]) == (first["read"], first["cpu_stats"])
    assert second["memory_stats"]["privateworkingset"] > 0
    alone = engine.client.json("GET", f"/containers/{one}/stats", query={"stream": "false"})
    assert alone["preread"] > second["read"]
    shot = engine.client.json("GET", f"/containers/{one}/stats", query={"stream": "false", "one-shot": True})
    assert shot["preread"] == NEVER
    with pytest.raises(faults.BadRequest, match="cannot have stream=true and one-shot=true"):
        engine.client.json("GET", f"/containers/{one}/stats", query={"one-shot": True})
    engine.post(f"/containers/{one}/kill")
    assert engine.client.json("GET", f"/containers/{one}/stats", query={"stream": "false"})["read"] == NEVER


def test_links_of_the_default_network_have_no_effect_and_are_not_shown(engine: Served) -> None:
    asked = shapes.CreateRequest(image="app:1", cmd=("echo", "x"), host_config=shapes.HostConfig(links=("a:b",)))
    made = engine.client.json("POST", "/containers/create", body=asked)
    assert made["Warnings"] == ["Links have no effect on Windows; name them for a network of your own"]
    assert engine.inspect(made["Id"]).host_config.links is None


def test_a_mac_address_is_the_main_networks_and_shown_in_both_places(engine: Served) -> None:
    mac = "02:42:ac:11:00:0a"
    one = engine.create("sleep 60", mac_address=mac)
    engine.post(f"/containers/{one}/start")
    shown = engine.inspect(one)
    assert (shown.config.mac_address, shown.network_settings.networks["nat"].mac_address,
            shown.network_settings.mac_address) == (mac, mac, mac)
    with pytest.raises(faults.BadRequest, match="invalid config for network nat: invalid MAC address nonsense"):
        engine.create("sleep 60", mac_address="nonsense")


def test_what_happens_is_told(engine: Served) -> None:
    heard, one = Heard(engine.engine), engine.create("sleep 60", name="one", tty=True)
    engine.post("/containers/one/start")
    engine.post("/containers/one/resize", h=30, w=90)
    engine.client.json("POST", "/containers/one/update", body={"RestartPolicy": {"Name": "always"}})
    engine.post("/containers/one/rename", name="two")
    engine.post("/containers/two/restart", t=1)
    with engine.client.call("DELETE", "/containers/two", query={"force": True}):
        pass
    assert heard.of(one) == ["create", "start", "resize", "update", "rename", "kill", "die", "stop", "start", "restart",
                             "kill", "die", "destroy"]
    assert (heard.last("resize").attributes["height"], heard.last("resize").attributes["width"]) == ("30", "90")


def test_a_running_container_is_not_pruned_or_removed(engine: Served) -> None:
    one, two = engine.create("sleep 60"), engine.create("exit 0")
    engine.post(f"/containers/{one}/start")
    with pytest.raises(faults.Conflict, match="stop the container before"):
        engine.client.json("DELETE", f"/containers/{one}")
    assert engine.client.json("POST", "/containers/prune", shape=shapes.ContainersPruned).deleted == (two,)
    with pytest.raises(faults.NotFound, match=f"No such container: {two}"):
        engine.inspect(two)


def test_a_prune_takes_what_is_old_and_has_the_label_and_is_told(engine: Served) -> None:
    heard, old = Heard(engine.engine), engine.create("exit 0", labels={"a": "1"})
    new = engine.create("exit 0", labels={"a": "2"})

    def pruned(**filters: list[str]) -> tuple[str, ...] | None:
        return engine.client.json("POST", "/containers/prune", query={"filters": filters},
                                  shape=shapes.ContainersPruned).deleted

    for wrong in (["1h", "2h"], ["never"]):
        with pytest.raises(faults.BadRequest):
            pruned(until=wrong)
    assert pruned(until=["1h"]) is None
    assert pruned(until=[moment_text(engine.engine.containers.find(old).created)], label=["a"]) == (old,)
    assert pruned(**{"label!": ["a=2"]}) is None
    assert pruned(label=["a=2"]) == (new,)
    assert [(event.actor, event.attributes) for event in heard.events if event.action == "prune"] == [
        ("", {"reclaimed": "0"})] * 4


def test_top_and_processes_show_what_runs(engine: Served) -> None:
    one = engine.create("sleep 60", name="one")
    assert engine.client.json("GET", "/wcow/processes") == []
    with pytest.raises(faults.Conflict, match="is not running"):
        engine.client.json("GET", "/containers/one/top")
    engine.post("/containers/one/start")
    top = engine.client.json("GET", "/containers/one/top", shape=shapes.Top)
    assert top.titles == ("Name", "PID", "CPU", "Private Working Set")
    assert [row[:2] for row in top.processes or ()] == [("sleep.exe", "4")]
    [found] = engine.client.json("GET", "/wcow/processes")
    assert (found["Id"], found["Name"], found["Processes"][0]["Pid"]) == (one, "one", 4)
    assert found["Processes"][0]["Job"] == f"Container_{one}"
    assert Path(f"/proc/{found['Processes'][0]['HostPid']}").is_dir()
