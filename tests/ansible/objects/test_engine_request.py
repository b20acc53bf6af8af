# SPDX-License-Identifier: Apache-2.0
"""Where no way leads beside the connection, each call of the engine is a run of the module ``engine_request``."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from support import ansible_objects, engines
from support.ansible_hosts import Controller, steady, thrice
from support.ansible_objects import PIPE, ours, play

pytestmark = pytest.mark.slow  # each call starts a PowerShell


@pytest.fixture
def controller(served: engines.Served, tmp_path: Path) -> Controller:
    """What plays through a connection of the user's own."""
    return ansible_objects.by_module(tmp_path / "controller", served)


def test_an_object_is_made_once(controller: Controller, served: engines.Served) -> None:
    real = steady(*play(controller, served, *thrice(ours("volume", name="data", labels={"owner": "wéb"}))).outcomes)
    assert real["volume"]["Labels"] == {"owner": "wéb"}
    assert not served.failed


def test_programs_and_errors_come_through(controller: Controller, served: engines.Served) -> None:
    served.post(f"/containers/{served.create('sleep 600', name='web')}/start")
    played = play(controller, served, ours("container_exec", container="web", argv=["echo", "grüße", "a & b"]),
                  {**ours("container", name="x", image="nosuch:1", pull="never"), "ignore_errors": True},
                  {**ours("tunnel"), "ignore_errors": True})
    assert [one.state for one in played.outcomes] == ["ok", "failed", "failed"], played.printed
    assert "grüße" in played[0]["stdout"]
    assert played[1].message == "the image nosuch:1 is not there, and pull is never"
    assert "docker_host" in played[2].message
    assert "Traceback" not in played.printed


def test_the_module_itself_asks_and_says_what_went_wrong(controller: Controller, served: engines.Served) -> None:
    pipe = {"pipe": controller.variables[PIPE]}
    made = base64.b64encode(json.dumps({"Name": "one", "Labels": {"t": "s3cret-0123"}}).encode()).decode()
    tasks = [
        ours("engine_request", path="/version", **pipe),
        {**ours("engine_request", method="POST", path="/volumes/create", body_base64=made,
                headers={"Content-Type": "application/json"}, **pipe), "check_mode": True},
        ours("engine_request", path="/volumes", **pipe),
        ours("engine_request", method="POST", path="/volumes/create", body_base64=made,
             headers={"Content-Type": "application/json", "X-Registry-Auth": "s3cret-4567"}, **pipe),
        ours("engine_request", path="/containers/none/json", **pipe),
        ours("engine_request", path="/a b\r\nX: 1", **pipe),
        ours("engine_request", path="/version", pipe="/nosuch/engine.sock"),
    ]
    played = play(controller, served, *({**task, "ignore_errors": True} for task in tasks), arguments=("-vvvv",))
    version, checked, before, real, gone, bad, nowhere = played.outcomes
    assert json.loads(version["body"])["Os"] == "windows"
    assert (version.changed, checked.changed, real.changed) == (False, True, True)
    assert not json.loads(before["body"])["Volumes"]
    assert real["status"] == 201
    assert gone.message.startswith("the engine answers 404 to GET /containers/none/json: ")
    assert "a path begins with /" in bad.message
    assert nowhere.message.startswith("cannot ask the engine at the pipe /nosuch/engine.sock: ")
    assert "s3cret-4567" not in played.printed
    assert made not in played.printed
