# SPDX-License-Identifier: Apache-2.0
"""Requests that make no sense, by the hundred: each is answered, refused in Docker's shape, and hurts nobody."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.attack import Reply, ask, attack
from support.engine_images import connect
from support.engines import Served, served
from support.registry_double import Auth, RegistryDouble

from imagebuild.dockerapi import faults
from imagebuild.engine.core import routes
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.runtime.memory import MemoryProcess
from imagebuild.stores import Mirrors, RegistryClient

PING = b"GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n"
NAMES = ("one", "two", "nat", "app:1", "data")


def air_gapped() -> Registries:
    return Registries(lambda credentials: RegistryClient(credentials=credentials, mirrors=Mirrors.parse((), only=True)))


def post(engine: Served, path: str, document: Any = None, method: str = "POST") -> Reply:
    body = b"" if document is None else json.dumps(document).encode()
    return ask(engine.socket, f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                              f"Content-Length: {len(body)}\r\n\r\n".encode() + body)


def create(engine: Served, **asked: Any) -> Reply:
    return post(engine, "/containers/create", {"Image": "app:1", "Cmd": ["sleep", "1000"], **asked})


def test_any_request_is_answered_and_hurts_nobody(tmp_path: Path) -> None:
    """What is 500 or above was said on purpose: a Windows engine answers many a refusal so."""
    every = routes()
    with served(tmp_path) as engine:
        engine.engine.images.registries = air_gapped()
        for name in ("one", "two"):
            engine.create("sleep 1000", name=name)

        @settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.integers(0, 1 << 40))
        def holds(seed: int) -> None:
            request = attack(every, NAMES, seed)
            reply = ask(engine.socket, request.raw, head_only=request.route.method == "HEAD")
            assert reply.status < 400 or reply.is_refusal or request.route.method == "HEAD", (request, reply)
            failed = tuple(engine.failed)
            engine.failed.clear()
            assert all(isinstance(error, faults.Fault) for error in failed), (request, failed)
            assert ask(engine.socket, PING).body == b"OK", request

        holds()
        assert post(engine, "/containers/json?all=1", method="GET").status == 200
        assert post(engine, "/images/json", method="GET").status == 200


def test_a_port_that_is_none_hides_no_container(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        made = create(engine, ExposedPorts={"²/tcp": {}, "99999/tcp": {}, "x": {}, "81/tcp": {}},
                      HostConfig={"PublishAllPorts": True})
        identifier = json.loads(made.body)["Id"]
        assert post(engine, f"/containers/{identifier}/start").status == 204
        row, = json.loads(post(engine, "/containers/json", method="GET").body)
        assert [port["PrivatePort"] for port in row["Ports"]] == [81]


@pytest.mark.parametrize(("ports", "number"), [({"/tcp": [{"HostPort": "80"}]}, ""), ({"²/tcp": None}, "²"),
                                               ({"80/tcp": [{"HostPort": "1-"}]}, "1-")])
def test_ports_that_are_none_are_refused_before_anything_is_made(tmp_path: Path, ports: Any, number: str) -> None:
    with served(tmp_path) as engine:
        refused = create(engine, HostConfig={"PortBindings": ports})
        assert (refused.status, json.loads(refused.body)["message"]) == (400, f'invalid port specification: "{number}"')
        assert json.loads(post(engine, "/containers/json?all=1", method="GET").body) == []


def test_a_host_port_may_name_its_protocol(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        made = create(engine, HostConfig={"PortBindings": {"80/tcp": [{"HostPort": "0/tcp"}]}})
        assert post(engine, f"/containers/{json.loads(made.body)['Id']}/start").status == 204


@pytest.mark.parametrize(("size", "cut"), [("h=70000&w=-1", (4464, 65535)), ("h=99999999999&w=0", (59391, 0))])
def test_a_terminal_of_any_size_is_cut_to_what_windows_has(tmp_path: Path, size: str, cut: tuple[int, int]) -> None:
    with served(tmp_path) as engine:
        made = create(engine, Tty=True, HostConfig={"ConsoleSize": [1 << 31, 70000]})
        identifier = json.loads(made.body)["Id"]
        assert post(engine, f"/containers/{identifier}/start").status == 204
        assert post(engine, f"/containers/{identifier}/resize?{size}").status == 200
        run = engine.engine.containers.find(identifier).run
        assert run is not None
        assert isinstance(run.process, MemoryProcess)
        assert run.process.size == cut
        exec_id = json.loads(post(engine, f"/containers/{identifier}/exec", {"Cmd": ["sleep", "9"], "Tty": True}).body)[
            "Id"]
        assert post(engine, f"/exec/{exec_id}/start", {"Detach": True, "ConsoleSize": [1 << 31, 70000]}).status == 200
        assert post(engine, f"/exec/{exec_id}/resize?{size}").status == 200
        process = engine.engine.execs[exec_id].process
        assert isinstance(process, MemoryProcess)
        assert process.size == cut


def test_seconds_that_are_no_number_are_answered_as_moby_answers_them(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        engine.create("sleep 1000", name="one")
        assert engine.post("/containers/one/start") == 204
        for call in ("stop", "restart"):
            refused = post(engine, f"/containers/one/{call}?t=x")
            assert (refused.status, json.loads(refused.body)["message"]) == (
                500, 'strconv.Atoi: parsing "x": invalid syntax')
        assert engine.inspect("one").state.running
        assert engine.post("/containers/one/stop", t="") == 204


@pytest.mark.parametrize("address", ['{"name":["["]}', "a b", "http://[", "a/b@c", "-"])
def test_a_login_at_what_is_no_host_is_refused(tmp_path: Path, address: str) -> None:
    with served(tmp_path) as engine:
        engine.engine.images.registries = air_gapped()
        refused = post(engine, "/auth", {"username": "me", "password": "x", "serveraddress": address})
        assert refused.status in (400, 500)
        assert refused.is_refusal
        assert "server address" in refused.body.decode() or address == "a/b@c"


def test_a_login_asks_nobody_where_only_mirrors_may_be_asked(tmp_path: Path) -> None:
    with RegistryDouble(auth=Auth("basic")) as double, served(tmp_path) as engine:
        engine.engine.images.registries = air_gapped()
        login = {"username": double.auth.user, "password": double.auth.password, "serveraddress": double.host}
        refused = post(engine, "/auth", login)
        assert (refused.status, double.seen) == (500, [])
        engine.engine.images.registries = Registries(connect)
        assert post(engine, "/auth", login).status == 200


@pytest.mark.parametrize("auth", ["é", "%%%", "/w==", "a"])
def test_a_login_that_cannot_be_read_is_none(tmp_path: Path, auth: str) -> None:
    with served(tmp_path) as engine:
        engine.engine.images.registries = air_gapped()
        without = post(engine, "/auth", {"serveraddress": "registry.example"})
        given = post(engine, "/auth", {"auth": auth, "serveraddress": "registry.example"})
        assert (given.status, given.body) == (without.status, without.body)
        assert b"only mirrors may be asked" in given.body


def test_half_a_character_is_read_as_go_reads_it(tmp_path: Path) -> None:
    with served(tmp_path) as engine:
        made = create(engine, Labels={"\ud800": "x\udfff"}, Hostname="\ud83d\ude00")
        config = engine.inspect(json.loads(made.body)["Id"]).config
        assert config is not None
        assert (dict(config.labels or {})["\ufffd"], config.hostname) == ("x\ufffd", "\U0001f600")
