# SPDX-License-Identifier: Apache-2.0
"""Calls that are refused whatever they say, in moby's words."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.engines import Served, served

from imagebuild.dockerapi import faults


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("engine")) as one:
        yield one


@pytest.mark.parametrize(("call", "status", "text"), [
    ("GET /services", 503, "This node is not a swarm manager. Use"), ("POST /services/create", 503, "swarm manager"),
    ("GET /services/x/logs", 503, "swarm manager"), ("DELETE /nodes/x", 503, "swarm manager"),
    ("GET /tasks", 503, "swarm manager"), ("POST /secrets/x/update", 503, "swarm manager"),
    ("GET /configs", 503, "swarm manager"), ("GET /swarm", 503, "swarm manager"),
    ("GET /swarm/unlockkey", 503, "swarm manager"), ("POST /swarm/unlock", 503, "swarm manager"),
    ("POST /swarm/update", 503, "swarm manager"), ("POST /swarm/init", 501, "this engine has no swarm mode"),
    ("POST /swarm/join", 501, "this engine has no swarm mode"),
    ("POST /swarm/leave", 503, "This node is not part of a swarm"),
    ("GET /plugins", 500, "plugins are not supported on this platform"),
    ("POST /plugins/pull", 500, "plugins are not supported"), ("DELETE /plugins/x", 500, "plugins are not supported"),
    ("GET /containers/x/checkpoints", 501, "This experimental feature is disabled by default."),
    ("POST /containers/x/checkpoints", 501, "experimental"),
    ("DELETE /containers/x/checkpoints/y", 501, "experimental"),
    ("POST /session", 404, "page not found"), ("GET /nothing", 404, "page not found")])
def test_a_call_that_is_not_for_us_is_refused(engine: Served, call: str, status: int, text: str) -> None:
    method, path = call.split(" ")
    with pytest.raises(faults.Fault) as error:
        engine.client.json(method, path)
    assert (error.value.status, text in error.value.message) == (status, True), error.value.message
