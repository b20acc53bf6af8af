# SPDX-License-Identifier: Apache-2.0
"""Networks over the API: what is listed, made, joined, left and refused, and the real client at work."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from support.networking import A, B, Heard, networks
from support.wire import Conversation, serving

from imagebuild.dockerapi import Identity, Request, Response, Route, faults, respond, shapes
from imagebuild.engine.api.networks import ROUTES
from imagebuild.engine.interfaces import Attachment, Wanted
from imagebuild.engine.networks.collection import Networks


@dataclass
class Container:
    """What the calls need of one."""

    id: str
    name: str
    running: bool = False
    status: str = "created"
    config: shapes.Config = field(default_factory=lambda: shapes.Config(hostname="shop"))
    host: shapes.HostConfig = field(default_factory=lambda: shapes.HostConfig(network_mode="nat"))
    networks: dict[str, shapes.EndpointSettings] = field(default_factory=lambda: {"nat": shapes.EndpointSettings()})
    attachment: Attachment = field(default_factory=lambda: Attachment(None))
    saved: int = 0

    def save(self) -> None:
        self.saved += 1


@dataclass
class Containers:
    """Where they are found."""

    known: dict[str, Container]

    def find(self, reference: str) -> Container:
        for one in self.known.values():
            if reference in (one.id, one.name):
                return one
        raise faults.no_such_container(reference)


class App:
    """As much of an engine as networks need, and a client of it."""

    def __init__(self, root: Path) -> None:
        self.events = Heard()
        self.networks: Networks = networks(root, events=self.events)
        self.web, self.db = Container(A, "web"), Container(B, "db")
        self.containers = Containers({A: self.web, B: self.db})
        self.path = Path()

    def start(self, container: Container) -> None:
        container.attachment = self.networks.attach(
            container.id, container.name, [Wanted(name) for name in container.networks], [])
        container.running, container.status = True, "running"

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        data = b"" if body is None else json.dumps(body).encode()
        target = path if path.startswith("/v1.") else f"/v1.45{path}"
        target += "?" + urlencode({name: json.dumps(value) if isinstance(value, dict) else value
                                   for name, value in query.items()}) if query else ""
        head = (f"{method} {target} HTTP/1.1\r\nHost: d\r\nConnection: close\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(data)}\r\n\r\n")
        conversation = await Conversation.open(self.path)
        try:
            status, _, answer = await conversation.ask(head.encode() + data)
        finally:
            conversation.close()
        return status, json.loads(answer) if answer.strip() else None

    async def refused(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, str]:
        status, answer = await self.ask(method, path, body, **query)
        return status, answer["message"]

    async def names(self, **filters: Any) -> list[str]:
        status, found = await self.ask("GET", "/networks", filters={
            name: dict.fromkeys([values] if isinstance(values, str) else values, True)
            for name, values in filters.items()})
        assert status == 200
        return [one["Name"] for one in found]


async def ping(request: Request, app: App) -> Response:
    return respond.text("OK")


def run(tmp_path: Path, scenario: Callable[[App], Awaitable[None]]) -> None:
    """A scenario with a server."""
    async def whole() -> None:
        app = App(tmp_path / "root")
        async with serving([*ROUTES, Route("GET", "/_ping", ping)], app, tmp_path, identity=Identity()) as server:
            app.path = server.path
            await scenario(app)
        app.networks.close()

    asyncio.run(whole())


def test_a_network_is_made_listed_inspected_and_removed(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        status, made = await app.ask("POST", "/networks/create", {
            "Name": "mine", "CheckDuplicate": True, "Driver": "nat", "Labels": {"a": "b"}, "Options": {"x": "y"},
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "10.1.0.0/16", "Gateway": "10.1.0.9"}]}})
        assert (status, made["Warning"], len(made["Id"])) == (201, "", 64)
        status, listed = await app.ask("GET", "/networks")
        assert [one["Name"] for one in listed] == ["nat", "none", "mine"]
        for term in ("mine", made["Id"], made["Id"][:9]):
            status, shown = await app.ask("GET", f"/networks/{term}")
            assert status == 200 and shown == listed[2]
        assert shown["IPAM"] == {"Driver": "windows", "Options": None,
                                 "Config": [{"Subnet": "10.1.0.0/16", "Gateway": "10.1.0.9"}]}
        assert (shown["Scope"], shown["Internal"], shown["Labels"], shown["Options"]["x"], shown["Containers"]) == (
            "local", False, {"a": "b"}, "y", {})
        assert await app.ask("DELETE", f"/networks/{made['Id'][:12]}") == (204, None)
        assert await app.refused("DELETE", "/networks/mine") == (404, "network mine not found")
        assert await app.refused("GET", "/networks/mine") == (404, "network mine not found")
        assert await app.refused("DELETE", "/networks/nat") == (
            403, "nat is a pre-defined network and cannot be removed")

    run(tmp_path, scenario)


def test_inspection_shows_who_is_in_a_network_and_a_list_does_not(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        app.start(app.web)
        _, shown = await app.ask("GET", "/networks/nat", verbose="true")
        place, = app.web.attachment.endpoints
        assert shown["Containers"] == {A: {
            "Name": "web", "EndpointID": place.endpoint_id, "MacAddress": "00:15:5d:1c:00:02",
            "IPv4Address": "172.28.0.2/20", "IPv6Address": ""}}
        assert (await app.ask("GET", "/networks"))[1][0]["Containers"] == {}
        assert list((await app.ask("GET", "/v1.27/networks"))[1][0]["Containers"]) == [A]
        _, none = await app.ask("GET", "/networks/none")
        assert (none["Driver"], none["IPAM"]["Config"], none["Options"]) == ("null", None, {})

    run(tmp_path, scenario)


def test_filters_choose_networks(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        for name, driver in (("mine", "nat"), ("inner", "internal")):
            app.networks.create(shapes.NetworkCreate(name=name, driver=driver, labels={"of": name}))
        app.web.networks = {"mine": shapes.EndpointSettings()}
        app.start(app.web)
        assert await app.names(name="n") == ["nat", "none", "mine", "inner"]
        assert await app.names(name="^n") == ["nat", "none"]
        assert await app.names(id=app.networks.find("mine").id[:20]) == ["mine"]
        assert await app.names(driver=["internal", "null"]) == ["none", "inner"]
        assert await app.names(label="of=mine") == ["mine"]
        assert await app.names(scope="swarm") == []
        assert await app.names(type="builtin") == ["nat", "none"]
        assert await app.names(type="custom") == ["mine", "inner"]
        assert await app.names(type=["custom", "builtin"]) == ["mine", "inner", "nat", "none"]
        assert await app.names(dangling="true") == ["inner"]
        assert await app.names(dangling="0") == ["nat", "none", "mine"]
        for filters, refusal in (
                ({"nonsense": {"x": True}}, (400, "invalid filter 'nonsense'")),
                ({"type": {"odd": True}}, (500, "invalid filter: 'type'='odd'")),
                ({"dangling": {"x": True}}, (400, "invalid value for filter 'dangling', must be \"true\" (or \"1\"), "
                                                  "or \"false\" (or \"0\")")),
                ({"dangling": {"0": True, "1": True}}, (400, 'got more than one value for filter key "dangling"'))):
            assert await app.refused("GET", "/networks", filters=filters) == refusal

    run(tmp_path, scenario)


@pytest.mark.parametrize(("body", "status", "text"), [
    ({"Name": "nat"}, 403, "operation is not permitted on predefined nat network "),
    ({"Name": "x", "Driver": "bridge"}, 404, 'plugin "bridge" not found'),
    ({"Name": "x", "EnableIPv6": True}, 500, "This request is not supported by null ipam driver"),
    ({"Name": "x", "IPAM": {"Config": [{"Subnet": "1.2.3.4/8"}]}}, 400, "invalid network config:\ninvalid subnet"),
    ({"Name": 3}, 400, "json: cannot unmarshal number into Go struct field"),
])
def test_what_cannot_be_made_is_refused(tmp_path: Path, body: dict[str, Any], status: int, text: str) -> None:
    async def scenario(app: App) -> None:
        found, message = await app.refused("POST", "/networks/create", body)
        assert found == status and text in message

    run(tmp_path, scenario)


def test_a_running_container_is_connected_and_disconnected(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        app.networks.create(shapes.NetworkCreate(name="mine"))
        app.start(app.web)
        settings = {"Aliases": ["www"], "IPAMConfig": {"IPv4Address": "172.28.16.7"}}
        body = {"Container": "web", "EndpointConfig": settings}
        assert await app.ask("POST", "/networks/mine/connect", body) == (200, None)
        assert [(one.network, one.address) for one in app.web.attachment.endpoints] == [
            ("nat", "172.28.0.2"), ("mine", "172.28.16.7")]
        assert app.web.networks["mine"].aliases == ("www",) and app.web.saved == 1
        assert app.web.attachment.endpoints[1].aliases == ("www", "shop")  # by the host's name it is found, too
        assert await app.refused("POST", "/networks/mine/connect", {"Container": "web"}) == (
            403, "endpoint with name web already exists in network mine")
        assert await app.refused("DELETE", "/networks/mine") == (
            403, f"error while removing network: network mine id {app.networks.find('mine').id} has active endpoints")
        assert await app.ask("POST", "/networks/mine/disconnect", {"Container": A}) == (200, None)
        assert list(app.web.networks) == ["nat"] and len(app.web.attachment.endpoints) == 1
        for forced, text in ((False, "No such container: gone"), (True, "endpoint gone not found")):
            assert await app.refused("POST", "/networks/mine/disconnect", {"Container": "gone", "Force": forced}) == (
                404, text)
        status, text = await app.refused("POST", "/networks/mine/disconnect", {"Container": "web"})
        assert (status, text) == (500, f"container {A} is not connected to network mine")

    run(tmp_path, scenario)


def test_a_stopped_container_asks_for_networks_when_it_starts(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        app.networks.create(shapes.NetworkCreate(name="mine"))
        for _ in range(2):
            assert await app.ask("POST", "/networks/mine/connect", {"Container": "db"}) == (200, None)
        assert list(app.db.networks) == ["nat", "mine"] and app.db.saved == 1
        app.start(app.db)
        assert len(app.db.attachment.endpoints) == 2
        app.networks.detach(B)
        app.db.running, app.db.status = False, "exited"
        app.networks.create(shapes.NetworkCreate(name="more"))
        assert await app.ask("POST", "/networks/more/connect", {"Container": "db"}) == (200, None)
        assert await app.ask("POST", "/networks/more/disconnect", {"Container": "db"}) == (200, None)
        assert app.events.told[-1].action == "disconnect" and app.events.told[-1].attributes["name"] == "more"
        app.networks.remove("mine")
        assert await app.ask("POST", "/networks/mine/disconnect", {"Container": "db"}) == (200, None)
        assert list(app.db.networks) == ["nat"]
        assert await app.refused("POST", "/networks/mine/disconnect", {"Container": "db", "Force": True}) == (
            500, f"container {B} is not connected to the network mine")

    run(tmp_path, scenario)


def test_joins_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        assert await app.refused("POST", "/networks/nat/connect", {"Container": "gone"}) == (
            404, "No such container: gone")
        assert await app.refused("POST", "/networks/gone/connect", {"Container": "web"}) == (
            404, "network gone not found")
        status, text = await app.refused("POST", "/networks/none/connect", {"Container": "web"})
        assert status == 400 and "private (none) mode" in text
        app.db.host = shapes.HostConfig(network_mode="none")
        app.db.networks = {"none": shapes.EndpointSettings()}
        status, text = await app.refused("POST", "/networks/nat/connect", {"Container": "db"})
        assert status == 400 and "private (none) mode" in text
        app.db.host = shapes.HostConfig(network_mode=f"container:{A}")
        status, text = await app.refused("POST", "/networks/nat/connect", {"Container": "db"})
        assert status == 400 and "sharing network namespace" in text
        status, text = await app.refused("POST", "/networks/nat/connect", {
            "Container": "web", "EndpointConfig": {"IPAMConfig": {"IPv4Address": "10.0.0.1"}}})
        assert status == 400 and "contain the IP address 10.0.0.1" in text
        app.web.status = "dead"
        for verb in ("connect", "disconnect"):
            assert await app.refused("POST", f"/networks/nat/{verb}", {"Container": "web"}) == (
                500, f"Container {A} is marked for removal and cannot be connected or disconnected to the network")

    run(tmp_path, scenario)


@pytest.mark.parametrize("running", [True, False])
def test_a_container_leaves_none_and_may_then_have_a_network(tmp_path: Path, running: bool) -> None:
    async def scenario(app: App) -> None:
        app.db.host = shapes.HostConfig(network_mode="none")
        app.db.networks = {"none": shapes.EndpointSettings()}
        if running:
            app.start(app.db)
        assert await app.ask("POST", "/networks/none/disconnect", {"Container": "db"}) == (200, None)
        assert (app.db.networks, app.db.attachment.endpoints) == ({}, ())
        status, text = await app.refused("POST", "/networks/none/disconnect", {"Container": "db"})
        assert status == 500 and "is not connected to" in text
        assert await app.ask("POST", "/networks/nat/connect", {"Container": "db"}) == (200, None)
        assert list(app.db.networks) == ["nat"]
        assert [one.network for one in app.db.attachment.endpoints] == (["nat"] if running else [])

    run(tmp_path, scenario)


def test_who_is_in_anothers_network_is_in_none_of_its_own(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        app.start(app.web)
        app.db.host, app.db.networks = shapes.HostConfig(network_mode="container:web"), {}
        app.db.attachment = app.networks.join(B, "db", A)
        app.db.running, app.db.status = True, "running"
        assert await app.refused("POST", "/networks/nat/disconnect", {"Container": "db"}) == (
            500, f"container {B} is not connected to network nat")
        status, text = await app.refused("POST", "/networks/nat/connect", {"Container": "db"})
        assert status == 400 and "sharing network namespace" in text
        _, nat = await app.ask("GET", "/networks/nat")
        assert list(nat["Containers"]) == [A]

    run(tmp_path, scenario)


def test_pruning_tells_the_names(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        assert await app.ask("POST", "/networks/prune") == (200, {"NetworksDeleted": None})
        for name in ("one", "two"):
            app.networks.create(shapes.NetworkCreate(name=name, labels={"name": name}))
        assert await app.ask("POST", "/networks/prune", filters={"until": {"1h": True}}) == (
            200, {"NetworksDeleted": None})
        assert await app.ask("POST", "/networks/prune", filters={"label!": {"name=one": True}}) == (
            200, {"NetworksDeleted": ["two"]})
        for filters in ({"name": {"x": True}}, {"until": {"x": True}}, {"until": {"1h": True, "2h": True}}):
            assert (await app.refused("POST", "/networks/prune", filters=filters))[0] == 400

    run(tmp_path, scenario)


def test_a_query_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async def scenario(app: App) -> None:
        status, text = await app.refused("GET", "/networks/nat", verbose="maybe")
        assert (status, text) == (400, 'invalid value for verbose: maybe: strconv.ParseBool: parsing "maybe": invalid '
                                       "syntax")
        assert (await app.ask("GET", "/networks/nat", scope="swarm"))[0] == 404
        assert (await app.ask("GET", "/networks/nat", scope="local"))[0] == 200

    run(tmp_path, scenario)


def test_the_docker_client_makes_joins_and_removes_networks(tmp_path: Path) -> None:
    if not shutil.which("docker"):
        pytest.skip("docker is not installed (package docker-cli)")

    async def scenario(app: App) -> None:
        async def docker(*words: str, code: int = 0) -> str:
            done = await asyncio.to_thread(
                subprocess.run, ["docker", "-H", f"unix://{app.path}", *words], capture_output=True, text=True,
                timeout=60)
            assert done.returncode == code, done.stderr
            return (done.stdout + done.stderr).strip()

        # A client asks for a bridge unless it is told not to.
        refusal = await docker("network", "create", "mine", code=1)
        assert 'plugin "bridge" not found' in refusal
        identifier = await docker("network", "create", "-d", "nat", "--subnet", "10.1.0.0/16", "--label", "a=b", "mine")
        assert app.networks.find("mine").id == identifier
        assert (await docker("network", "ls", "--format", "{{.Name}} {{.Driver}}")).splitlines() == [
            "mine nat", "nat nat", "none null"]
        app.start(app.web)
        await docker("network", "connect", "--alias", "www", "--ip", "10.1.0.7", "mine", "web")
        assert await docker("network", "inspect", "mine", "--format",
                            "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}") == "web 10.1.0.7/16"
        assert "has active endpoints" in await docker("network", "rm", "mine", code=1)
        await docker("network", "disconnect", "mine", "web")
        assert "mine" in await docker("network", "prune", "--force")
        refusal = await docker("network", "create", "-d", "nat", "--ip-range", "10.2.1.0/24", "--subnet",
                               "10.2.0.0/16", "x", code=1)
        assert "This request is not supported by null ipam driver" in refusal

    run(tmp_path, scenario)


