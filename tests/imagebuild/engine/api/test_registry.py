# SPDX-License-Identifier: Apache-2.0
"""Pull, push and login through the API, against a registry in this process."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import images
from support.engine_images import Served, connect, owner, put, repository, serving
from support.registry_double import Auth, RegistryDouble, answer, corrupt

from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.oci import Index


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as server:
        yield server


@pytest.fixture
def double() -> Iterator[RegistryDouble]:
    with RegistryDouble() as registry:
        yield registry


def auth_header(double: RegistryDouble, password: str | None = None) -> dict[str, str]:
    value = {"username": double.auth.user, "password": password or double.auth.password, "serveraddress": double.host}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(value).encode()).decode()}


def statuses(lines: list[dict[str, Any]], identifier: str | None = None) -> list[str]:
    out: list[str] = []
    for line in lines:
        if (identifier is None or line.get("id") == identifier) and (not out or out[-1] != line.get("status")):
            out.append(str(line.get("status")))
    return out


def test_a_pull_tells_what_docker_tells_and_keeps_name_and_digest(served: Served, double: RegistryDouble) -> None:
    image, descriptor = images.sample(repository(double), "1")
    lines = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app", tag="1").lines
    assert lines[0] == {"status": "Pulling from team/app", "id": "1"}
    for layer in image.layers:
        steps = statuses(lines, layer.digest.hex[:12])
        assert steps[0] == "Pulling fs layer"
        assert steps[-1] == "Pull complete"
        assert steps.index("Downloading") < steps.index("Verifying Checksum") < steps.index("Download complete")
    assert lines[-2:] == [{"status": f"Digest: {descriptor.digest}"},
                          {"status": f"Status: Downloaded newer image for {double.host}/team/app:1"}]
    found = served.ask("GET", f"/images/{double.host}/team/app:1/json").json
    assert found["Id"] == image.manifest.config.digest
    assert found["RepoDigests"] == [f"{double.host}/team/app@{descriptor.digest}"]


def test_pulling_again_says_that_it_is_up_to_date(served: Served, double: RegistryDouble) -> None:
    images.sample(repository(double), "1")
    for _ in range(2):
        lines = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1").lines
    assert lines[-1]["status"] == f"Status: Image is up to date for {double.host}/team/app:1"
    assert "Already exists" in statuses(lines)
    assert "Downloading" not in statuses(lines)


def test_an_image_is_pulled_by_digest_and_removed_by_it(served: Served, double: RegistryDouble) -> None:
    image, descriptor = images.sample(repository(double), "1")
    name = f"{double.host}/team/app@{descriptor.digest}"
    pulled = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app", tag=str(descriptor.digest))
    assert pulled.lines[-1]["status"] == f"Status: Downloaded newer image for {name}"
    assert served.ask("GET", f"/images/{name}/json").json["RepoTags"] == []
    assert served.ask("DELETE", f"/images/{name}").json[:2] == [{"Untagged": name},
                                                               {"Deleted": image.manifest.config.digest}]


def test_removing_the_last_tag_takes_the_digest_of_its_repository_along(served: Served, double: RegistryDouble) -> None:
    _, descriptor = images.sample(repository(double), "1")
    served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app", tag="1")
    gone = served.ask("DELETE", f"/images/{double.host}/team/app:1").json
    assert gone[:2] == [{"Untagged": f"{double.host}/team/app:1"},
                        {"Untagged": f"{double.host}/team/app@{descriptor.digest}"}]
    assert served.ask("GET", "/images/json").json == []


@pytest.mark.parametrize(("build", "wanted"), [(20348, "10.0.20348.7"), (17763, "10.0.17763.1"),
                                               (26100, "10.0.26100.1"), (19042, "10.0.17763.1")])
def test_of_an_index_the_engine_takes_what_its_windows_takes(double: RegistryDouble, tmp_path: Path, build: int,
                                                            wanted: str) -> None:
    images.windows_versions(repository(double), "1", "10.0.26100.1", "10.0.17763.1", "10.0.20348.7")
    with serving(owner(tmp_path / "root", build=build, registries=Registries(connect)), tmp_path) as served:
        served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1")
        assert served.ask("GET", f"/images/{double.host}/team/app:1/json").json["OsVersion"] == wanted


def test_an_index_without_a_fitting_image_is_refused_in_the_stream(served: Served, double: RegistryDouble) -> None:
    images.windows_versions(repository(double), "1", "10.0.26100.1")
    lines = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1").lines
    text = "no matching manifest for windows/amd64 10.0.20348 in the manifest list entries"
    assert lines == [{"status": "Pulling from team/app", "id": "1"}, {"errorDetail": {"message": text}, "error": text}]


@pytest.mark.parametrize(("facts", "text"), [
    ({"os": "linux", "os_version": ""},
     'cannot download image with operating system "linux" when requesting "windows"'),
    ({"os_version": "10.0.26100.1"},
     "a Windows version 10.0.26100-based image is incompatible with a 10.0.20348 host")])
def test_an_image_this_windows_cannot_have_is_refused_before_its_layers(
        served: Served, double: RegistryDouble, facts: dict[str, str], text: str) -> None:
    images.sample(repository(double), "1", **facts)
    double.seen.clear()
    assert served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1").lines[-1]["error"] == text
    assert len([line for line in double.lines() if "/blobs/" in line]) == 1  # the config


def test_a_name_that_a_registry_does_not_have_is_a_404(served: Served, double: RegistryDouble) -> None:
    reply = served.ask("POST", "/images/create", fromImage=f"{double.host}/nope", tag="2")
    assert reply.status == 404
    assert reply.message.startswith(f"manifest for {double.host}/nope:2 not found: manifest unknown")


def test_without_a_tag_every_tag_is_pulled(served: Served, double: RegistryDouble) -> None:
    images.sample(repository(double), "1")
    images.sample(repository(double), "2", created="2025-01-01T00:00:00Z")
    served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app")
    rows = served.ask("GET", "/images/json").json
    assert [row["RepoTags"] for row in rows] == [[f"{double.host}/team/app:2"], [f"{double.host}/team/app:1"]]


def test_the_login_of_the_request_is_used_and_a_wrong_one_refused(tmp_path: Path) -> None:
    with RegistryDouble(auth=Auth("basic")) as double, \
            serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        images.sample(repository(double), "1")
        double.auth.anonymous_pull = False
        name = f"{double.host}/team/app"
        pulled = served.ask("POST", "/images/create", headers=auth_header(double), fromImage=name, tag="1")
        assert pulled.lines[-1]["status"].startswith("Status: Downloaded")
        for headers in ({}, auth_header(double, "wrong"), {"X-Registry-Auth": "%%%"}):
            refused = served.ask("POST", "/images/create", headers=headers, fromImage=name, tag="1")
            assert refused.status == 404
            assert refused.message.startswith(f"pull access denied for {name}, repository does not exist or may")


def test_a_damaged_layer_fails_the_pull_and_leaves_no_image(served: Served, double: RegistryDouble) -> None:
    image, _ = images.sample(repository(double), "1")
    double.next("GET", f"/blobs/{image.layers[1].digest}", corrupt(lambda data: data[:-1] + b"?"), times=9)
    lines = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1").lines
    assert "error" in lines[-1]
    assert served.ask("GET", "/images/json").json == []
    double._rules.clear()
    lines = served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1").lines
    assert lines[-1]["status"].startswith("Status: Downloaded")


def test_a_push_tells_what_docker_tells_and_the_digest_stays(served: Served, double: RegistryDouble) -> None:
    name = f"{double.host}/team/app"
    put(served.engine, f"{name}:1")
    lines = served.ask("POST", f"/images/{name}/push", headers={"X-Registry-Auth": "e30="}, tag="1").lines
    assert lines[0] == {"status": f"The push refers to repository [{name}]"}
    assert {"Preparing", "Pushing", "Pushed"} <= set(statuses(lines))
    digest = lines[-1]["aux"]["Digest"]
    assert lines[-1]["aux"]["Tag"] == "1"
    assert lines[-2]["status"].startswith(f"1: digest: {digest} size: ")
    assert repository(double).resolve("1").digest == digest
    assert served.ask("GET", f"/images/{name}:1/json").json["RepoDigests"] == [f"{name}@{digest}"]
    again = served.ask("POST", f"/images/{name}/push", headers={"X-Registry-Auth": "e30="}, tag="1").lines
    assert "Layer already exists" in statuses(again)
    assert "Pushed" not in statuses(again)


def test_pushing_what_is_not_there_is_told_in_the_stream(served: Served, double: RegistryDouble) -> None:
    name = f"{double.host}/team/app"
    assert served.ask("POST", f"/images/{name}/push", tag="1").lines[-1]["error"] == \
        f"An image does not exist locally with the tag: {name}"
    put(served.engine, f"{name}:2")
    assert served.ask("POST", f"/images/{name}/push", tag="1").lines[-1]["error"] == f"tag does not exist: {name}:1"


def test_a_registry_that_refuses_a_push_is_quoted(served: Served, double: RegistryDouble) -> None:
    name = f"{double.host}/team/app"
    put(served.engine, f"{name}:1")
    double.next("POST", "/uploads/", answer(403, {}, b'{"errors":[{"code":"DENIED","message":"no"}]}'), times=9)
    assert served.ask("POST", f"/images/{name}/push", tag="1").lines[-1]["error"] == \
        "denied: requested access to the resource is denied"


def test_importing_a_plain_tar_is_refused(served: Served) -> None:
    assert served.ask("POST", "/images/create", b"tar", fromSrc="-", repo="x").status == 500


@pytest.mark.parametrize("query", [{"fromImage": "Bad"}, {"fromImage": "x", "tag": "a b"},
                                   {"fromImage": "x", "platform": "a/b/c/d/e"}])
def test_a_pull_of_nonsense_is_a_bad_request(served: Served, query: dict[str, str]) -> None:
    assert served.ask("POST", "/images/create", **query).status == 400


def test_distribution_tells_the_platforms_of_an_index(served: Served, double: RegistryDouble) -> None:
    index, descriptor = images.windows_versions(repository(double), "1", "10.0.26100.1", "10.0.17763.1")
    assert isinstance(index, Index)
    found = served.ask("GET", f"/distribution/{double.host}/team/app:1/json").json
    assert found["Descriptor"]["digest"] == descriptor.digest
    assert [platform["os.version"] for platform in found["Platforms"]] == ["10.0.26100.1", "10.0.17763.1"]
    assert served.ask("GET", f"/distribution/{double.host}/nope:1/json").status == 404


def test_a_login_is_tried_at_the_registry_and_not_kept(tmp_path: Path) -> None:
    with RegistryDouble(auth=Auth("basic")) as double, \
            serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        double.auth.anonymous_pull = False
        body = {"username": double.auth.user, "password": double.auth.password, "serveraddress": double.host}
        assert served.ask("POST", "/auth", json.dumps(body).encode()).json["Status"] == "Login Succeeded"
        body["password"] = "wrong"
        refused = served.ask("POST", "/auth", json.dumps(body).encode())
        assert refused.status == 401
        assert "wrong" not in refused.message
        assert not [path for path in (tmp_path / "root").rglob("*") if path.is_file() and double.auth.password.encode()
                    in path.read_bytes()]


@pytest.mark.parametrize(("auth", "status"), [(Auth(), 200), (Auth("basic"), 401)])
def test_a_login_without_a_name_succeeds_where_the_registry_wants_none(tmp_path: Path, auth: Auth, status: int) -> None:
    auth.anonymous_pull = False
    with RegistryDouble(auth=auth) as double, \
            serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        assert served.ask("POST", "/auth", json.dumps({"serveraddress": double.host}).encode()).status == status


def test_a_registry_that_cannot_be_reached_is_an_error_of_the_engine(served: Served) -> None:
    reply = served.ask("POST", "/images/create", fromImage="127.0.0.1:9/app", tag="1")
    assert reply.status == 500
    assert reply.message.startswith('Get "https://127.0.0.1:9/v2/": ')


def test_a_pull_that_fails_leaves_nothing_behind(served: Served, double: RegistryDouble) -> None:
    image, _ = images.sample(repository(double), "1")
    double.next("GET", f"/blobs/{image.layers[1].digest}", corrupt(lambda data: data[:-1] + b"?"), times=9)
    served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app:1")
    assert not list((served.engine.images.shelf.path / "blobs" / "sha256").iterdir())


def test_two_pulls_at_once_both_end_well(served: Served, double: RegistryDouble) -> None:
    images.sample(repository(double), "1")
    images.sample(repository(double), "2", created="2025-01-01T00:00:00Z")
    found: list[str] = []

    def pull(tag: str) -> None:
        found.append(served.ask("POST", "/images/create", fromImage=f"{double.host}/team/app", tag=tag).lines[-1][
            "status"])

    threads = [threading.Thread(target=pull, args=(tag,)) for tag in ("1", "2", "1")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert all(status.startswith("Status: ") for status in found)
    assert len(served.ask("GET", "/images/json").json) == 2
