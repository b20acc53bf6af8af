# SPDX-License-Identifier: Apache-2.0
"""Images over the API: what is listed, found, tagged, removed, loaded and saved, and how it is refused."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images, plain_images
from support.engine_images import Served, owner, put, serving

from imagebuild.oci import Digest
from imagebuild.stores import ArchiveStore


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(owner(tmp_path / "root"), tmp_path) as server:
        yield server


def archive_of(folder: Path, tag: str | None = "docker.io/library/app:1", **facts: str) -> bytes:
    with ArchiveStore(folder / "made.tar", create=True) as archive:
        images.sample(archive, tag if tag is not None else "", **facts)
    return (folder / "made.tar").read_bytes()


def test_an_image_is_listed_with_its_names_and_the_size_of_its_plain_layers(served: Served) -> None:
    identifier = put(served.engine, "app:1", "registry.example/app")
    row, = served.ask("GET", "/images/json").json
    assert (row["Id"], row["RepoTags"], row["ParentId"]) == (identifier, ["app:1", "registry.example/app:latest"], "")
    assert row["Size"] > 1 << 20  # 1 MiB of data, well compressed
    assert (row["Created"], row["Containers"], row["SharedSize"]) == (1704067200, -1, -1)
    assert row["Labels"] == {"maintainer": "tests"}
    assert "VirtualSize" not in row
    old, = served.ask("GET", "/v1.42/images/json").json
    assert old["VirtualSize"] == old["Size"]


def test_an_image_without_a_name_is_shown_as_older_clients_know_it(served: Served) -> None:
    put(served.engine)
    assert served.ask("GET", "/images/json").json[0]["RepoTags"] == []
    assert served.ask("GET", "/v1.42/images/json").json[0]["RepoTags"] == ["<none>:<none>"]


@pytest.mark.parametrize(("filters", "wanted"), [
    ({"reference": {"app": True}}, ["app:1"]),
    ({"reference": {"ap*:1": True}}, ["app:1"]),
    ({"reference": {"other": True}}, []),
    ({"dangling": {"true": True}}, [None]),
    ({"dangling": {"false": True}}, ["app:1", "new:1"]),
    ({"label": {"maintainer=tests": True}}, [None, "app:1", "new:1"]),
    ({"label": {"maintainer=nobody": True}}, []),
    ({"before": {"new:1": True}}, [None, "app:1"]),
    ({"since": {"app:1": True}}, ["new:1"]),
])
def test_filters_choose_what_is_listed(served: Served, filters: dict[str, dict[str, bool]],
                                       wanted: list[str | None]) -> None:
    put(served.engine, "app:1")
    put(served.engine, "new:1", created="2025-01-01T00:00:00Z")
    put(served.engine, os_version="10.0.20348.1")
    rows = served.ask("GET", "/images/json", filters=json.dumps(filters)).json
    assert sorted((row["RepoTags"] or [None])[0] or "" for row in rows) == sorted(name or "" for name in wanted)


def test_a_filter_nobody_knows_is_refused(served: Served) -> None:
    answer = served.ask("GET", "/images/json", filters='{"colour": {"red": true}}')
    assert (answer.status, answer.message) == (400, "invalid filter 'colour'")


def test_an_image_is_found_by_name_id_and_the_beginning_of_its_id(served: Served) -> None:
    identifier = put(served.engine, "app:1")
    for name in ("app:1", "docker.io/library/app:1", identifier, identifier[7:], identifier[7:19], identifier[:15]):
        assert served.ask("GET", f"/images/{name}/json").json["Id"] == identifier


@pytest.mark.parametrize(("name", "status", "text"), [
    ("nope", 404, "No such image: nope:latest"), ("r.example/a/b:2", 404, "No such image: r.example/a/b:2"),
    ("sha256:" + "0" * 64, 404, "No such image: sha256:" + "0" * 64), ("b%2F%2Fc", 400, "invalid reference format"),
    ("App", 400, "invalid reference format: repository name (library/App) must be lowercase"),
])
def test_what_is_no_image_is_refused_in_dockers_words(served: Served, name: str, status: int, text: str) -> None:
    answer = served.ask("GET", f"/images/{name}/json")
    assert (answer.status, answer.message) == (status, text)


def test_inspect_says_what_windows_engine_says_of_an_image(served: Served) -> None:
    put(served.engine, "app:1")
    found = served.ask("GET", "/images/app:1/json").json
    assert (found["Os"], found["OsVersion"], found["Architecture"]) == ("windows", "10.0.20348.2762", "amd64")
    assert found["Config"]["Cmd"] == ["app.exe"]
    assert found["GraphDriver"]["Name"] == "windowsfilter"
    assert len(found["RootFS"]["Layers"]) == 2
    assert found["RootFS"]["Type"] == "layers"
    assert found["Created"] == "2024-01-01T00:00:00Z"


def test_history_is_told_from_the_newest_step_with_sizes(served: Served) -> None:
    identifier = put(served.engine, "app:1")
    newest, oldest = served.ask("GET", "/images/app:1/history").json
    assert (newest["Id"], newest["CreatedBy"], newest["Tags"]) == (identifier, "step 1", ["app:1"])
    assert (oldest["Id"], oldest["CreatedBy"], oldest["Tags"]) == ("<missing>", "step 0", None)
    assert oldest["Size"] > 1 << 20


def test_a_tag_moves_and_the_image_that_had_it_stays_without_a_name(served: Served) -> None:
    old, new = put(served.engine, "app:1"), put(served.engine, "new:1", created="2025-01-01T00:00:00Z")
    assert served.ask("POST", "/images/new:1/tag", repo="app", tag="1").status == 201
    assert served.ask("GET", "/images/app:1/json").json["Id"] == new
    assert served.ask("GET", f"/images/{old}/json").json["RepoTags"] == []
    assert served.ask("GET", "/images/app:1/json").json["Metadata"]["LastTagTime"] > "2024"


def test_tag_refuses_what_is_no_name(served: Served) -> None:
    put(served.engine, "app:1")
    assert served.ask("POST", "/images/app:1/tag", repo="Bad").status == 400
    assert served.ask("POST", "/images/app:1/tag", repo="x", tag="a b").message == "invalid tag format"
    assert "ambiguous" in served.ask("POST", "/images/app:1/tag", repo="sha256").message
    assert served.ask("POST", "/images/nope/tag", repo="x").status == 404


def test_removing_the_last_name_removes_the_image_and_its_blobs(served: Served) -> None:
    identifier = put(served.engine, "app:1", "app:2")
    assert served.ask("DELETE", "/images/app:1").json == [{"Untagged": "app:1"}]
    first, second, *layers = served.ask("DELETE", "/images/app:2").json
    assert (first, second) == ({"Untagged": "app:2"}, {"Deleted": identifier})
    assert [list(item) for item in layers] == [["Deleted"], ["Deleted"]]
    assert served.ask("GET", "/images/json").json == []
    assert not list((served.engine.images.shelf.path / "blobs" / "sha256").iterdir())


def test_a_layer_that_another_image_has_stays(served: Served) -> None:
    put(served.engine, "app:1")
    put(served.engine, "new:1", created="2025-01-01T00:00:00Z")
    gone = served.ask("DELETE", "/images/app:1").json
    assert [next(iter(item)) for item in gone] == ["Untagged", "Deleted"]
    assert served.ask("GET", "/images/new:1/get").status == 200


def test_removing_by_id_wants_force_for_several_names(served: Served) -> None:
    identifier = put(served.engine, "app:1", "other:1")
    answer = served.ask("DELETE", f"/images/{identifier[7:19]}")
    assert (answer.status, answer.message) == (409, f"conflict: unable to delete {identifier[7:19]} (must be forced) - "
                                               "image is referenced in multiple repositories")
    assert [next(iter(item)) for item in served.ask("DELETE", f"/images/{identifier}", force="1").json][:3] == [
        "Untagged", "Untagged", "Deleted"]


def test_an_image_that_a_container_uses_is_not_removed(served: Served) -> None:
    identifier, part = put(served.engine, "app:1"), served.engine.images
    part.use(identifier, "c" * 64)
    answer = served.ask("DELETE", "/images/app:1")
    assert (answer.status, answer.message) == (
        409, 'conflict: unable to remove repository reference "app:1" (must force) - container cccccccccccc is using '
             f"its referenced image {identifier[7:19]}")
    by_id = served.ask("DELETE", f"/images/{identifier}")
    assert by_id.message == (f"conflict: unable to delete {identifier[7:19]} (must be forced) - image is being used by "
                             "stopped container cccccccccccc")
    part.running = lambda container: True
    forced = served.ask("DELETE", f"/images/{identifier}", force="1")
    assert forced.message == (f"conflict: unable to delete {identifier[7:19]} (cannot be forced) - image is being used "
                              "by running container cccccccccccc")
    part.release("c" * 64)
    assert served.ask("DELETE", "/images/app:1").status == 200


def test_prune_removes_what_has_no_tag_and_with_all_what_nobody_uses(served: Served) -> None:
    dangling = put(served.engine, os_version="10.0.20348.1")
    put(served.engine, "app:1")
    put(served.engine, "used:1", created="2025-01-01T00:00:00Z")
    served.engine.images.use(served.ask("GET", "/images/used:1/json").json["Id"], "c" * 64)
    report = served.ask("POST", "/images/prune").json
    assert [item["Deleted"] for item in report["ImagesDeleted"]] == [dangling]
    report = served.ask("POST", "/images/prune", filters='{"dangling": {"false": true}}').json
    assert report["ImagesDeleted"][0] == {"Untagged": "app:1"}
    assert [row["RepoTags"] for row in served.ask("GET", "/images/json").json] == [["used:1"]]


def test_everything_survives_another_engine_on_the_same_folder(served: Served, tmp_path: Path) -> None:
    put(served.engine, "app:1")
    served.ask("POST", "/images/app:1/tag", repo="app", tag="2")
    before = served.ask("GET", "/images/app:1/json").json
    (tmp_path / "second").mkdir()
    with serving(owner(tmp_path / "root"), tmp_path / "second") as again:
        assert again.ask("GET", "/images/app:1/json").json == before


def test_an_archive_is_loaded_with_its_names(served: Served, tmp_path: Path) -> None:
    answer = served.ask("POST", "/images/load", archive_of(tmp_path), {"Content-Type": "application/x-tar"})
    assert answer.lines == [{"stream": "Loaded image: app:1\n"}]
    assert served.ask("GET", "/images/app:1/json").json["Size"] > 1 << 20


def test_an_image_without_a_name_is_loaded_by_its_id(served: Served, tmp_path: Path) -> None:
    said, = served.ask("POST", "/images/load", archive_of(tmp_path, None)).lines
    identifier = said["stream"].removeprefix("Loaded image ID: ").strip()
    assert served.ask("GET", f"/images/{identifier}/json").status == 200


def test_a_load_that_is_not_quiet_tells_of_its_layers(served: Served, tmp_path: Path) -> None:
    lines = served.ask("POST", "/images/load", archive_of(tmp_path), quiet="0").lines
    loading = [line for line in lines if line.get("status") == "Loading layer"]
    assert len({line["id"] for line in loading}) == 2
    assert all(line["progressDetail"]["total"] for line in loading)


@pytest.mark.parametrize(("facts", "text"), [
    ({"os": "linux"}, "cannot load linux image on windows"),
    ({"os_version": "10.0.26100.1"},
     "a Windows version 10.0.26100-based image is incompatible with a 10.0.20348 host"),
])
def test_an_image_of_another_system_is_not_loaded(served: Served, tmp_path: Path, facts: dict[str, str],
                                                 text: str) -> None:
    answer = served.ask("POST", "/images/load", archive_of(tmp_path, **facts))
    assert (answer.status, answer.lines[-1]["error"]) == (200, text)
    assert served.ask("GET", "/images/json").json == []


def test_a_layer_that_is_not_what_the_config_says_is_refused(served: Served, tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "bad.tar", create=True) as archive:
        good = plain_images.sample(plain_images.layer_tar())
        plain_images.store(archive, good, plain_images.layer_tar())
        from dataclasses import replace

        from imagebuild.oci import create
        wrong = create(replace(good.config, diff_ids=(Digest.of(b"other"),)), layers=good.layers)
        from imagebuild.images.put import put_image
        put_image(archive, wrong, tag="docker.io/library/bad:1")
    answer = served.ask("POST", "/images/load", (tmp_path / "bad.tar").read_bytes())
    assert answer.lines[-1]["error"].startswith("invalid diffID for layer 0: expected")
    assert served.ask("GET", "/images/json").json == []


def test_what_is_no_archive_is_refused_in_the_stream_as_moby_does(served: Served) -> None:
    answer = served.ask("POST", "/images/load", b"no tar at all")
    assert answer.status == 200
    assert answer.lines[-1]["error"].startswith("not a tar archive")


def test_saved_images_are_loaded_again_as_they_were(served: Served, tmp_path: Path) -> None:
    identifier = put(served.engine, "app:1", "app:2")
    saved = served.ask("GET", "/images/get", names=["app"])
    with tarfile.open(fileobj=io.BytesIO(saved.body)) as tar:
        stream = tar.extractfile("manifest.json")
        assert stream is not None
        table = json.load(stream)
    assert table[0]["RepoTags"] == ["app:1", "app:2"]
    served.ask("DELETE", f"/images/{identifier}", force="1")
    served.ask("POST", "/images/load", saved.body)
    assert served.ask("GET", "/images/app:2/json").json["Id"] == identifier


def test_saving_a_name_that_nobody_has_is_refused_before_a_byte_is_sent(served: Served) -> None:
    put(served.engine, "app:1")
    answer = served.ask("GET", "/images/get", names=["app:1", "nope:1"])
    assert (answer.status, answer.message) == (404, "No such image: nope:1")
    assert not list((served.engine.settings.root / "tmp").iterdir())


def test_of_an_index_the_image_for_this_windows_is_loaded(served: Served, tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "many.tar", create=True) as archive:
        images.windows_versions(archive, "docker.io/library/many:1", "10.0.26100.1", "10.0.17763.1", "10.0.20348.7")
    assert served.ask("POST", "/images/load", (tmp_path / "many.tar").read_bytes()).status == 200
    assert served.ask("GET", "/images/many:1/json").json["OsVersion"] == "10.0.20348.7"


def test_events_are_told_to_who_listens(served: Served) -> None:
    put(served.engine, "app:1")
    served.ask("POST", "/images/app:1/tag", repo="app", tag="2")
    served.ask("DELETE", "/images/app:2")
    told = [(event.action, event.attributes.get("name")) for event in served.engine.events._past]
    assert told[0] == ("tag", "app:2")
    assert told[1][0] == "untag"
    assert served.engine.events._past[0].attributes["maintainer"] == "tests"


def test_searching_is_not_offered(served: Served) -> None:
    assert served.ask("GET", "/images/search", term="x").status == 501


