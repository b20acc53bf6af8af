# SPDX-License-Identifier: Apache-2.0
"""Builds through the API: what is said, what is kept, that the image is the one wcow builds, what is refused."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from support import images
from support.builds import NANOSERVER, Bench
from support.engine_images import Served, connect, owner, repository, serving
from support.registry_double import Auth, RegistryDouble

from imagebuild.codec import Compression
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.oci import Reference
from imagebuild.windows import filetime

APP = f"FROM {NANOSERVER}\nWORKDIR C:\\\\app\nCOPY . .\nCMD [\"app.exe\"]\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as server:
        yield server


def base(served: Served, tag: str = NANOSERVER) -> str:
    shelf = served.engine.images.shelf
    with shelf.writing() as store:
        _, descriptor = make_base(BaseRequest(flavour="nanoserver", os_version="10.0.20348.2762",
                                              epoch=filetime.DOS_EPOCH, compression=Compression()), store)
        return str(shelf.keep(store, descriptor, [Reference.parse(tag)]).id)


def context(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def test_a_build_says_its_steps_and_its_id_and_keeps_the_image(served: Served) -> None:
    parent = base(served)
    lines = served.ask("POST", "/build", context({"Dockerfile": APP, "app.exe": b"MZ"}), t=["app:1", "app:2"]).lines
    said = [line["stream"] for line in lines if "stream" in line]
    assert [line for line in said if line.startswith("Step")] == [
        f"Step 1/4 : FROM {NANOSERVER}\n", "Step 2/4 : WORKDIR C:\\\\app\n", "Step 3/4 : COPY . .\n",
        'Step 4/4 : CMD ["app.exe"]\n']
    assert said[1] == f" ---> {parent[7:19]}\n"
    identifier, = [line["aux"]["ID"] for line in lines if "aux" in line]
    assert said[-3:] == [f"Successfully built {identifier[7:19]}\n", "Successfully tagged app:1\n",
                         "Successfully tagged app:2\n"]
    found = served.ask("GET", "/images/app:2/json").json
    assert (found["Id"], found["Parent"], found["Config"]["Cmd"]) == (identifier, parent, ["app.exe"])
    assert found["Size"] > 0


def test_the_image_is_the_one_that_wcow_builds(served: Served, tmp_path: Path) -> None:
    base(served)
    bench = Bench(tmp_path / "bench")
    bench.folder.mkdir()
    bench.base()
    built = bench.build(APP, {"app.exe": b"MZ", "data/x.txt": "x"})
    files = {"Dockerfile": APP, "app.exe": b"MZ", "data/x.txt": "x"}
    lines = served.ask("POST", "/build", context(files)).lines
    assert str(built.image.manifest.config.digest) in [line["aux"]["ID"] for line in lines if "aux" in line]


def test_arguments_labels_target_and_another_dockerfile_are_heard(served: Served) -> None:
    base(served)
    text = "ARG BASE\nFROM $BASE AS one\nARG X\nENV A=$X\nFROM one\nENV B=2\n"
    answer = served.ask("POST", "/build", context({"sub/other": text}), dockerfile="sub/other", t="app:1", target="one",
                        buildargs=json.dumps({"BASE": NANOSERVER, "X": "1", "NULL": None}),
                        labels=json.dumps({"a": "b"}))
    assert answer.lines[-1]["stream"] == "Successfully tagged app:1\n"
    config = served.ask("GET", "/images/app:1/json").json["Config"]
    assert "A=1" in config["Env"]
    assert "B=2" not in config["Env"]
    assert config["Labels"]["a"] == "b"


def test_a_quiet_build_says_the_id_alone(served: Served) -> None:
    base(served)
    line, = served.ask("POST", "/build", context({"Dockerfile": APP}), q="1", t="app:1").lines
    assert line["stream"].strip() == served.ask("GET", "/images/app:1/json").json["Id"]


def test_a_second_build_uses_the_cache_unless_told_not_to(served: Served) -> None:
    base(served)
    tar = context({"Dockerfile": APP, "app.exe": b"MZ"})
    first = served.ask("POST", "/build", tar).lines
    again = served.ask("POST", "/build", tar).lines
    assert {"stream": " ---> Using cache\n"} not in first
    assert {"stream": " ---> Using cache\n"} in again
    assert {"stream": " ---> Using cache\n"} not in served.ask("POST", "/build", tar, nocache="1").lines


def test_a_base_that_is_not_here_is_pulled_and_stays(tmp_path: Path) -> None:
    with RegistryDouble(auth=Auth("basic")) as double, \
            serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        images.windows_versions(repository(double), "1", "10.0.26100.1", "10.0.20348.7")
        double.auth.anonymous_pull = False
        name = f"{double.host}/team/app:1"
        tar = context({"Dockerfile": f"FROM {name}\nENV A=1\n"})
        assert served.ask("POST", "/build", tar).status == 404
        logins = base64.urlsafe_b64encode(json.dumps({double.host: {
            "username": double.auth.user, "password": double.auth.password}}).encode()).decode()
        lines = served.ask("POST", "/build", tar, {"X-Registry-Config": logins}, t="mine:1").lines
        assert {"status": "Pulling from team/app", "id": "1"} in lines
        assert served.ask("GET", "/images/mine:1/json").json["OsVersion"] == "10.0.20348.7"
        assert served.ask("GET", f"/images/{name}/json").status == 200


def test_a_base_that_nobody_may_pull_is_refused(tmp_path: Path) -> None:
    with RegistryDouble(auth=Auth("basic")) as double, \
            serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        double.auth.anonymous_pull = False
        answer = served.ask("POST", "/build", context({"Dockerfile": f"FROM {double.host}/team/app:1\n"}))
        assert answer.status == 404
        assert "pull access denied" in answer.message


@pytest.mark.parametrize(("files", "query", "status", "text"), [
    ({"x": "y"}, {}, 500, "Cannot locate specified Dockerfile: Dockerfile"),
    ({"Dockerfile": "FRO x\n"}, {}, 400, "FRO"),
    ({"Dockerfile": APP}, {"t": "Bad"}, 400, "must be lowercase"),
    ({"Dockerfile": APP}, {"t": "a@sha256:" + "0" * 64}, 400, "build tag cannot contain a digest"),
    ({"Dockerfile": APP}, {"version": "2"}, 400, "buildkit not supported by daemon"),
    ({"Dockerfile": APP}, {"version": "3"}, 400, 'invalid version "3"'),
    ({"Dockerfile": APP}, {"squash": "1"}, 400, "squash is only supported with experimental mode"),
    ({"Dockerfile": APP}, {"isolation": "vm"}, 400, 'unsupported isolation: "vm"'),
    ({"Dockerfile": APP}, {"buildargs": "[1]"}, 400, "error reading build args"),
    ({"Dockerfile": APP}, {"target": "nope"}, 400, "nope"),
    ({"Dockerfile": APP}, {"platform": "linux/amd64"}, 400, "linux/amd64"),
    ({"Dockerfile": "FROM oci:/etc\n"}, {}, 400, "cannot read oci:/etc"),
    ({"Dockerfile": APP}, {"remote": "/etc"}, 400, "neither a URL nor"),
])
def test_what_cannot_be_built_is_refused_and_leaves_no_image(served: Served, files: dict[str, str],
                                                            query: dict[str, str], status: int, text: str) -> None:
    base(served)
    answer = served.ask("POST", "/build", context(files), **query)
    assert answer.status == status
    assert text in answer.message
    assert len(served.ask("GET", "/images/json", all="1").json) == 1


def test_a_hostprocess_image_is_built_from_scratch(served: Served) -> None:
    lines = served.ask("POST", "/build", context({"Dockerfile": "FROM scratch\nCOPY a.cmd C:/\n", "a.cmd": "x"}),
                       t="hp:1").lines
    assert "error" not in lines[-1]
    assert served.ask("GET", "/images/hp:1/json").json["Os"] == "windows"


def test_a_run_is_refused_with_its_line(served: Served) -> None:
    base(served)
    lines = served.ask("POST", "/build", context({"Dockerfile": APP + "RUN dir\n"})).lines
    assert lines[-1]["error"].startswith("Dockerfile:5: RUN: cannot be executed")
    assert len(served.ask("GET", "/images/json", all="1").json) == 1


def test_a_dockerfile_of_this_machine_is_not_read(served: Served, tmp_path: Path) -> None:
    base(served)
    (tmp_path / "secret").write_text(APP)
    answer = served.ask("POST", "/build", context({"Dockerfile": APP}), dockerfile=str(tmp_path / "secret"))
    assert answer.status == 500
    assert "Cannot locate specified Dockerfile" in answer.message


def test_a_step_that_fails_is_told_after_the_steps_before_it(served: Served) -> None:
    base(served)
    lines = served.ask("POST", "/build", context({"Dockerfile": APP + "COPY nope C:/\n"})).lines
    steps = [line["stream"] for line in lines if line.get("stream", "").startswith("Step")]
    assert steps[0].startswith("Step 1/5")
    assert "nope" in lines[-1]["errorDetail"]["message"]


def test_pruning_frees_what_builds_remember(served: Served) -> None:
    base(served)
    served.ask("POST", "/build", context({"Dockerfile": APP, "app.exe": b"MZ"}), t="app:1")
    served.ask("DELETE", "/images/app:1")
    assert served.ask("POST", "/build/prune").json["SpaceReclaimed"] > 0
    assert not (served.engine.images.cache / "steps").exists()
    assert served.ask("GET", f"/images/{NANOSERVER}/json").status == 200
