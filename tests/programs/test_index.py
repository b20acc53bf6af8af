# SPDX-License-Identifier: Apache-2.0
"""``wcow index``: made of images from anywhere, looked at, edited, pushed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from support import images, programs

from imagebuild.stores import LayoutStore

if TYPE_CHECKING:
    from support.home import Home

OLD, NEW = "10.0.20348.2762", "10.0.26100.1"


@pytest.fixture
def two(home: Home) -> Home:
    """``old:1`` and ``new:1`` in the local store, and ``free:1`` without an os.version."""
    with home.store() as store:
        for name, version in (("old", OLD), ("new", NEW), ("free", "")):
            images.sample(store, f"docker.io/library/{name}:1", os_version=version)
    return home


def entries(home: Home, name: str) -> list[tuple[str, str]]:
    facts = json.loads(home.wcow("index", "inspect", name, "--format", "json").out)
    return [(entry["platform"]["os.version"], entry["digest"]) for entry in facts["manifests"]]


def digest(home: Home, name: str) -> str:
    return home.wcow("digest", name).out.strip()


def test_an_index_is_the_same_in_whatever_order_its_images_are_named(two: Home) -> None:
    made = two.wcow("index", "create", "-t", "app:1", "old:1", "new:1", "-q").out
    again = two.wcow("index", "create", "-t", "oci:out:x", "new:1", "old:1", "-q").out
    assert made == again == digest(two, "app:1") + "\n"
    assert entries(two, "app:1") == [(NEW, digest(two, "new:1")), (OLD, digest(two, "old:1"))]
    out = LayoutStore(two.folder / "out")
    assert out.tags() == ["x"]
    assert two.wcow("ls", "oci:out:x", "--os-version", OLD).out == two.wcow("ls", "old:1").out


def test_inspect_is_a_table_with_release_names(two: Home) -> None:
    two.wcow("index", "create", "-t", "app:1", "old:1", "new:1", "-q")
    lines = two.wcow("index", "inspect", "app:1").out.splitlines()
    assert lines[-3].split() == ["#", "PLATFORM", "OS.VERSION", "RELEASE", "DIGEST"]
    assert lines[-2].split() == ["1", "windows/amd64", NEW, "ltsc2025", digest(two, "new:1")]
    assert "one image" in two.wcow("index", "inspect", "old:1", code=2).err


def test_an_image_without_os_version_needs_a_flag_and_stands_last(two: Home) -> None:
    refused = two.wcow("index", "create", "-t", "app:1", "free:1", "old:1", code=2).err
    assert "free:1" in refused and "--any-version" in refused
    two.wcow("index", "create", "-t", "app:1", "free:1", "old:1", "--any-version", "-q")
    assert [version for version, _ in entries(two, "app:1")] == [OLD, ""]


def test_two_images_for_one_version_are_refused_by_name_unless_replaced(two: Home) -> None:
    with two.store() as store:
        images.sample(store, "docker.io/library/fix:1", os_version=OLD, created="2025-01-01T00:00:00Z")
    two.wcow("index", "create", "-t", "app:1", "old:1", "new:1", "-q")
    refused = two.wcow("index", "append", "app:1", "fix:1", code=2).err
    assert "fix:1" in refused and digest(two, "old:1") in refused and "--replace" in refused
    two.wcow("index", "append", "app:1", "fix:1", "--replace", "-q")
    assert entries(two, "app:1") == [(NEW, digest(two, "new:1")), (OLD, digest(two, "fix:1"))]
    two.wcow("index", "remove", "app:1", "10.0.26100", "-q")
    assert entries(two, "app:1") == [(OLD, digest(two, "fix:1"))]
    assert "nothing would be in it" in two.wcow("index", "remove", "app:1", OLD, code=2).err


def test_entries_and_the_index_are_annotated(two: Home) -> None:
    two.wcow("index", "create", "-t", "app:1", "old:1", "new:1", "--annotation", "a=1", "-q")
    two.wcow("index", "annotate", "app:1", "10.0.20348", "--os-features", "win32k", "--annotation", "b=2", "-q")
    two.wcow("index", "annotate", "app:1", "--annotation", "c=3", "--remove-annotation", "a", "-q")
    facts = json.loads(two.wcow("index", "inspect", "app:1", "--format", "json").out)
    assert facts["annotations"] == {"c": "3"}
    entry = facts["manifests"][1]
    assert (entry["platform"]["os.features"], entry["annotations"]) == (["win32k"], {"b": "2"})
    assert "nothing to change" in two.wcow("index", "annotate", "app:1", code=2).err
    assert "ENTRY" in two.wcow("index", "annotate", "app:1", "--os-version", NEW, code=2).err
    two.wcow("index", "annotate", "app:1", "--type", "docker", "-q")
    facts = json.loads(two.wcow("index", "inspect", "app:1", "--format", "json").out)
    assert facts["media_type"].endswith("manifest.list.v2+json") and facts["annotations"] == {}


def test_what_engines_trip_over_is_said(two: Home) -> None:
    with two.store() as store:
        images.sample(store, "docker.io/library/a:1", os_version="10.0.20348.999")
    done = two.wcow("index", "create", "-t", "app:1", "a:1", "old:1", "-q")
    assert "compare os.version as text" in done.err
    facts = json.loads(two.wcow("index", "inspect", "app:1", "--format", "json").out)
    assert [trap["code"] for trap in facts["traps"]] == ["text-order"]
    assert "(text-order)" in two.wcow("index", "inspect", "app:1").out


def test_places_that_hold_no_index_are_refused(two: Home) -> None:
    assert "cannot hold an index" in two.wcow("index", "create", "-t", "docker-archive:x.tar", "old:1", code=2).err
    two.wcow("index", "create", "-t", "oci-archive:x.tar:1", "old:1", "new:1", "-q")
    assert "written once" in two.wcow("index", "append", "oci-archive:x.tar:1", "old:1", code=2).err
    assert [version for version, _ in entries(two, "oci-archive:x.tar:1")] == [NEW, OLD]


def test_a_layout_without_a_name_is_edited_only_where_that_keeps_a_name(two: Home) -> None:
    two.wcow("index", "create", "-t", "oci:out", "old:1", "-q")
    assert "no name" in two.wcow("index", "append", "oci:out", "new:1", code=2).err
    two.wcow("index", "create", "-t", "oci:named:x", "old:1", "-q")
    two.wcow("index", "append", "oci:named", "new:1", "-q")
    assert len(entries(two, "oci:named:x")) == 2


@pytest.mark.slow
def test_an_index_is_made_and_edited_in_a_registry(two: Home, registry: programs.Registry) -> None:
    host = registry.host
    two.wcow("push", "old:1", f"{host}/team/app:old", "-q")
    two.wcow("index", "create", "--push", "-t", f"{host}/team/app:1", f"docker://{host}/team/app:old", "-q")
    two.wcow("index", "append", "--push", f"{host}/team/app:1", "new:1", "-q")
    assert entries(two, f"docker://{host}/team/app:1") == [(NEW, digest(two, "new:1")), (OLD, digest(two, "old:1"))]
    assert f"{host}/team/app:1" not in two.wcow("images", "-q").out
    two.wcow("pull", "--all", f"{host}/team/app:1", "-q")
    assert digest(two, f"{host}/team/app:1") == digest(two, f"docker://{host}/team/app:1")
