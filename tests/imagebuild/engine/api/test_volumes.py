# SPDX-License-Identifier: Apache-2.0
"""Volumes over the API, asked as bytes and with the docker command."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.engine_images import BASICS, Served, serving

from imagebuild.engine.api.volumes import ROUTES
from imagebuild.engine.events import Events
from imagebuild.engine.settings import EngineSettings
from imagebuild.engine.volumes.volumes import Volumes


@dataclass(frozen=True)
class Owner:
    volumes: Volumes


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    engine = Owner(Volumes(EngineSettings(tmp_path / "root"), Events()))
    with serving(engine, tmp_path, (*ROUTES, *BASICS)) as server:
        yield server


def post(served: Served, path: str, document: object, **query: str) -> tuple[int, object]:
    answer = served.ask("POST", path, json.dumps(document).encode(), **query)
    return answer.status, answer.json


def test_a_volume_is_created_found_listed_and_removed(served: Served) -> None:
    status, made = post(served, "/volumes/create", {"Name": "Data", "Labels": {"k": "v"}})
    assert status == 201
    assert served.ask("GET", "/volumes/data").json == made
    assert made == {"CreatedAt": made["CreatedAt"], "Driver": "local", "Labels": {"k": "v"}, "Name": "data",  # type: ignore[index]
                    "Mountpoint": "C:\\ProgramData\\docker\\volumes\\data\\_data", "Options": None, "Scope": "local"}
    assert served.ask("GET", "/volumes").json == {"Volumes": [made], "Warnings": None}
    assert served.ask("DELETE", "/volumes/data").status == 204
    assert served.ask("GET", "/volumes").json == {"Volumes": [], "Warnings": None}


def test_the_same_name_again_is_201_with_the_same_volume(served: Served) -> None:
    assert post(served, "/volumes/create", {"Name": "data"}) == post(served, "/volumes/create", {"Name": "data"})


def test_refusals_have_their_status_and_words(served: Served) -> None:
    assert post(served, "/volumes/create", {"Name": "data", "Driver": "nfs"})[0] == 404
    assert post(served, "/volumes/create", {"Name": "a b"})[0] == 400
    answer = served.ask("GET", "/volumes/none")
    assert (answer.status, answer.message) == (404, "get none: no such volume")
    assert served.ask("DELETE", "/volumes/none").status == 404
    assert served.ask("DELETE", "/volumes/none", force="1").status == 204
    assert served.ask("PUT", "/volumes/none").status == 503
    served.engine.volumes.use("data", "c1")
    answer = served.ask("DELETE", "/volumes/data", force="1")
    assert (answer.status, answer.message) == (409, "remove data: volume is in use - [c1]")
    assert served.ask("GET", "/volumes", filters='{"size":["1"]}').status == 400


def test_before_1_42_prune_takes_every_volume_that_is_not_used(served: Served) -> None:
    post(served, "/volumes/create", {"Name": "data"})
    assert served.ask("POST", "/volumes/prune").json == {"VolumesDeleted": [], "SpaceReclaimed": 0}
    assert served.ask("POST", "/v1.41/volumes/prune").json == {"VolumesDeleted": ["data"], "SpaceReclaimed": 0}


@pytest.mark.skipif(shutil.which("docker") is None, reason="there is no docker command (Debian: docker-cli)")
def test_the_docker_command_manages_volumes(served: Served) -> None:
    def docker(*words: str) -> str:
        return subprocess.run(["docker", "-H", served.address, "volume", *words], check=True, capture_output=True,
                              text=True, timeout=30).stdout.strip()

    assert docker("create", "--label", "a=b", "data") == "data"
    unnamed = docker("create")
    assert sorted(docker("ls", "-q").splitlines()) == sorted(["data", unnamed])
    assert docker("ls", "-q", "-f", "label=a=b") == "data"
    assert docker("inspect", "-f", "{{.Mountpoint}}", "data") == "C:\\ProgramData\\docker\\volumes\\data\\_data"
    assert unnamed in docker("prune", "-f")
    assert docker("rm", "data") == "data"
    assert docker("ls", "-q") == ""
