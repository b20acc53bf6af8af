# SPDX-License-Identifier: Apache-2.0
"""Sockets of this machine that calls of ours name: open to its own clients, and to no program in a box."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.engines import served

from imagebuild.dockerapi import faults
from imagebuild.engine import EngineSettings
from imagebuild.engine.api.own.sockets import socket_of


def test_a_path_is_absolute(tmp_path: Path) -> None:
    settings = EngineSettings(tmp_path)
    assert socket_of(settings, "/run/a.sock") == Path("/run/a.sock")
    for wrong in ("", "a", "C:\\a"):
        with pytest.raises(faults.BadRequest, match="not an absolute path"):
            socket_of(settings, wrong)


@pytest.mark.parametrize("what", ["proxy", "pipes/docker_engine"])
def test_an_engine_of_programs_in_a_box_opens_none(tmp_path: Path, what: str) -> None:
    with served(tmp_path) as one:
        container = one.create("sleep 60")
        if what != "proxy":
            one.post(f"/containers/{container}/start")
        closed = replace(one.engine.settings, native=False)
        one.on_loop(lambda: setattr(one.engine, "settings", closed))
        with pytest.raises(faults.Forbidden, match="no socket of the machine"):
            one.client.call("PUT", f"/wcow/containers/{container}/{what}", body={"Socket": "/run/docker.sock"}).close()
