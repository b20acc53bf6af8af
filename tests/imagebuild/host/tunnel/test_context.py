# SPDX-License-Identifier: Apache-2.0
"""A docker context for the time of a tunnel."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import programs

from imagebuild.dockerapi.client.environment import endpoint
from imagebuild.errors import StoreError, UsageError
from imagebuild.host.tunnel import tunnel_context


def test_docker_and_we_find_the_tunnel_by_it_and_it_goes_afterwards(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "build1"}
    with programs.skipping():
        programs.find("docker")
    with tunnel_context("build1", "unix:///run/x.sock", "winrm://build1", environment):
        assert str(endpoint(environment).address) == "unix:///run/x.sock"
        shown = subprocess.run(["docker", "context", "ls", "--format",
                                "{{.Name}} {{.DockerEndpoint}} {{.Description}}"],
                               capture_output=True, text=True, check=True,
                               env={**os.environ, "DOCKER_CONFIG": str(tmp_path)}).stdout
        assert "build1 unix:///run/x.sock wcow tunnel to winrm://build1" in shown.splitlines()
    assert not list((tmp_path / "contexts" / "meta").iterdir())


def test_what_a_tunnel_left_is_replaced_and_another_context_stays(tmp_path: Path) -> None:
    environment = {"DOCKER_CONFIG": str(tmp_path)}
    with (tunnel_context("build1", "unix:///a", "winrm://a", environment),
          tunnel_context("build1", "unix:///b", "winrm://b", environment)):
        assert str(endpoint({**environment, "DOCKER_CONTEXT": "build1"}).address) == "unix:///b"
    with tunnel_context("build1", "unix:///a", "winrm://a", environment):
        file, = (tmp_path / "contexts" / "meta").glob("*/meta.json")
    file.parent.mkdir()
    file.write_text('{"Name":"build1","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///mine"}}}')
    with pytest.raises(StoreError, match="already"), tunnel_context("build1", "unix:///a", "winrm://a", environment):
        pass
    assert "mine" in file.read_text()


@pytest.mark.parametrize("name", ["", "default", "a/b", "-x", "../x"])
def test_a_name_that_docker_would_not_take_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the name"), tunnel_context(name, "unix:///a", "h", {}):
        pass
