# SPDX-License-Identifier: Apache-2.0
"""What rm, df and prune free, count and leave."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest
from support import images
from support.workbench import NANOSERVER, Workbench

from imagebuild.builder.cache.cache import read_record
from imagebuild.errors import NotFoundError
from imagebuild.images.housekeeping import Caches, Pruned, prune, remove_images, usage
from imagebuild.images.local import tag_image
from imagebuild.stores import LayoutStore
from imagebuild.stores.layout.collect import blobs
from imagebuild.wiring import cache_folders

APP = "docker.io/library/app:1"
HOUR = 3600.0
TREE = {"Dockerfile": f"FROM {NANOSERVER} AS first\nCOPY a C:/\nFROM {NANOSERVER}\nCOPY --from=first C:/a C:/b\n",
        "a": "a" * 1000}


@pytest.fixture
def bench(tmp_path: Path) -> Workbench:
    """A base with its index, and ``app:1`` built on it in two stages, so that a layer is only the build's cache."""
    made = Workbench(tmp_path, offline=True)
    made.base("nanoserver", NANOSERVER)
    made.build(TREE, tag="app:1")
    return made


def caches(bench: Workbench) -> Caches:
    folders = cache_folders(bench.settings)
    return Caches(folders.indexes, folders.steps, folders.root / "stat", read_record)


def store(bench: Workbench) -> LayoutStore:
    return LayoutStore(bench.folder / "store", create=True)


def age(folder: Path, seconds: float) -> None:
    """Make every file below a folder look unused for so long."""
    for path in folder.rglob("*"):
        if path.is_file() and ".wcow" not in path.parts:
            os.utime(path, (time.time() - seconds,) * 2)


def pruned(bench: Workbench, **options: object) -> Pruned:
    with store(bench) as place:
        return prune(place, caches(bench), **options)  # type: ignore[arg-type]


def counts(done: Pruned) -> dict[str, int]:
    return {"blobs": len(done.freed.blobs)} | {name: len(files) for name, files in done.caches.items() if files}


# --- rm ---------------------------------------------------------------------------------------------------------------

def test_rm_frees_what_only_the_removed_name_led_to(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True) as place:
        app, descriptor = images.sample(place)
        many, _ = images.windows_versions(place, "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
    removed = remove_images(place, ["app:1"])
    assert removed.names == (APP,)
    freed = {blob.digest for blob in removed.freed.blobs}
    assert {descriptor.digest, app.manifest.config.digest, app.layers[1].digest} == freed
    assert place.has_blob(app.layers[0]), "the index's images have it, too"
    place.close()
    assert {entry.digest for entry in many.manifests} <= {blob.digest for blob in
                                                          remove_images(place, ["many:1"]).freed.blobs}
    assert len(list(blobs(place))) == 1, "what the sample was before it got its annotations: nobody asked for that"


def test_rm_of_one_of_two_names_frees_nothing_and_a_digest_means_both(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True) as place:
        _, descriptor = images.sample(place)
        tag_image(place, descriptor, "b:1")
        tag_image(place, descriptor, "c:1")
    assert remove_images(place, ["b:1"]).freed.size == 0
    assert remove_images(place, [str(descriptor.digest)]).names == (APP, "docker.io/library/c:1")
    assert place.tags() == [] and not place.has_blob(descriptor)


def test_rm_removes_all_or_none_and_can_keep_the_blobs(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True) as place:
        _, descriptor = images.sample(place)
    for wrong in ("b:1", f"sha256:{'0' * 64}"):
        with pytest.raises(NotFoundError):
            remove_images(place, ["app:1", wrong])
    assert place.tags() == [APP]
    assert remove_images(place, ["app:1", "app:1"], keep_blobs=True).names == (APP,)
    assert place.has_blob(descriptor)


def test_rm_beside_a_damaged_image_takes_the_name_and_says_why_nothing_is_freed(tmp_path: Path) -> None:
    with LayoutStore(tmp_path, create=True) as place:
        _, descriptor = images.sample(place, "docker.io/library/bad:1")
        image, good = images.sample(place, os_version="10.0.26100.1")
    path = place.place.blob_path(descriptor.digest)
    path.write_bytes(path.read_bytes()[:-2] + b" }")
    removed = remove_images(place, ["app:1"])
    assert "damaged" in removed.problem and place.tags() == ["docker.io/library/bad:1"]
    assert place.has_blob(good) and place.has_blob(image.layers[0])
    place.close()
    assert remove_images(place, ["bad:1"]).problem == ""


# --- prune ------------------------------------------------------------------------------------------------------------

def test_prune_leaves_images_their_indexes_and_the_layers_builds_would_find(bench: Workbench) -> None:
    before = {blob.digest for blob in blobs(store(bench))}
    age(bench.folder, HOUR)
    assert counts(pruned(bench)) == {"blobs": 0}
    assert {blob.digest for blob in blobs(store(bench))} == before
    assert list((bench.folder / "cache/indexes").glob("*.idx"))


def test_prune_all_takes_the_builds_cache_and_leaves_images(bench: Workbench) -> None:
    age(bench.folder, HOUR)
    done = pruned(bench, everything=True)
    assert counts(done)["blobs"] == 1 and counts(done)["steps"] >= 2 and counts(done)["indexes"] >= 1
    assert [path for path in (bench.folder / "cache").rglob("*") if path.is_file()] == []
    assert bench.read("app:1", r"C:\b") == b"a" * 1000


def test_prune_all_spares_what_was_used_lately(bench: Workbench) -> None:
    age(bench.folder, HOUR)
    bench.build(TREE, tag="app:1")
    assert counts(pruned(bench, everything=True, older_than=HOUR / 2)).get("steps") is None
    assert counts(pruned(bench, everything=True, older_than=2 * HOUR)) == {"blobs": 0}


def test_a_step_whose_layer_is_gone_and_an_index_of_no_image_are_pruned(bench: Workbench) -> None:
    with store(bench) as place:
        remove_images(place, ["app:1"])
    age(bench.folder, HOUR)
    done = counts(pruned(bench))
    assert done["steps"] == 1, "the one of the first stage is still good"
    (bench.folder / "cache/indexes" / f"{'0' * 64}.idx").write_bytes(b"index")
    age(bench.folder, HOUR)
    assert counts(pruned(bench, dry_run=True)) == {"blobs": 0, "indexes": 1}
    assert counts(pruned(bench)) == {"blobs": 0, "indexes": 1}
    assert counts(pruned(bench)) == {"blobs": 0}


def test_cache_files_in_use_and_young_drafts_are_left_and_old_drafts_swept(bench: Workbench) -> None:
    folder = bench.folder / "cache"
    drafts = [folder / "indexes/ab.12-3", folder / "steps/.tmp-x", folder / "stat/.statcache-x"]
    for draft in drafts:
        draft.parent.mkdir(exist_ok=True, parents=True)
        draft.write_bytes(b"half")
    done = counts(pruned(bench, everything=True))
    assert "drafts" not in done and "indexes" not in done and all(draft.exists() for draft in drafts)
    age(bench.folder, 25 * HOUR)
    assert counts(pruned(bench))["drafts"] == 3
    assert not any(draft.exists() for draft in drafts)


def test_a_cache_that_cannot_be_removed_is_not_told_as_freed(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    age(bench.folder, 3 * HOUR)
    there = counts(pruned(bench, everything=True, dry_run=True))
    assert there["steps"] > 0
    with monkeypatch.context() as patch:
        patch.setattr("imagebuild.images.housekeeping.removed", lambda path: False)
        assert "steps" not in counts(pruned(bench, everything=True))
    assert counts(pruned(bench, everything=True))["steps"] == there["steps"]


def test_archives_half_written_by_the_dead_are_swept_where_asked(bench: Workbench, tmp_path: Path) -> None:
    draft = tmp_path / ".app.tar.123-0123456789abcdef"
    draft.write_bytes(b"half")
    assert pruned(bench).archives == () and draft.exists()
    done = pruned(bench, archives_in=[tmp_path])
    assert [file.path for file in done.archives] == [draft] and done.size >= 4 and not draft.exists()
    json.dumps(done.facts())


# --- df ---------------------------------------------------------------------------------------------------------------

def test_df_tells_shared_from_unique_and_cache_from_rubbish(bench: Workbench) -> None:
    with store(bench) as place:
        facts = usage(place, caches(bench))
        on_disk = sum(blob.size for blob in blobs(place))
    layers = facts["layers"]
    assert (facts["names"], layers["shared"]["count"], layers["unique"]["count"]) == (2, 1, 1)
    assert facts["build_cache"]["count"] == 1 and facts["unreferenced"]["count"] == 0
    app, base = facts["images"]
    assert (app["name"], app["unique"], app["shared"]) == (APP, layers["unique"]["size"], layers["shared"]["size"])
    assert (base["unique"], base["shared"]) == (0, layers["shared"]["size"])
    with store(bench) as place:
        remove_images(place, ["app:1"], keep_blobs=True)
        facts = usage(place, caches(bench))
    assert facts["unreferenced"]["count"] == 2 and facts["build_cache"]["count"] == 2
    parts = [facts["layers"]["shared"], facts["layers"]["unique"], facts["documents"], facts["build_cache"],
             facts["unreferenced"], facts["in_use"]]
    assert sum(part["size"] for part in parts) == on_disk
    assert facts["caches"]["steps"]["count"] >= 2
    json.dumps(facts)


def test_df_shows_what_a_running_process_relies_on(tmp_path: Path) -> None:
    place = LayoutStore(tmp_path / "store", create=True)
    nothing = Caches(tmp_path, tmp_path / "none", tmp_path / "none", read_record)
    images.sample(place, None)
    assert usage(place, nothing)["in_use"]["count"] == 5
    place.close()
    assert (usage(place, nothing)["in_use"]["count"], usage(place, nothing)["unreferenced"]["count"]) == (0, 5)
