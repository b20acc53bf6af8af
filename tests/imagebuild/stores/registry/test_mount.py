# SPDX-License-Identifier: Apache-2.0
"""Blobs that a registry takes over from another of its repositories."""

from __future__ import annotations

import pytest
from support.registry_double import RegistryDouble
from support.registry_lab import DATA, LOGIN, Lab, described

from imagebuild.oci import Digest, Location, Reference
from imagebuild.stores import MemoryStore, Mirrors, RegistryClient, copy_blob


def test_a_blob_is_mounted_from_a_place_the_local_store_remembers(lab: Lab) -> None:
    lab.double.put_blob(DATA)

    class Promising(MemoryStore):
        def origins(self, digest: Digest) -> list[Location]:
            return [Location("docker", Reference.parse(f"{lab.double.host}/base"))]

    assert lab.store().mount_from(Promising(), described(DATA))
    assert "mount=" in lab.double.seen[-1].path
    assert not lab.store().mount_from(MemoryStore(), described(DATA))


def test_a_mount_that_becomes_an_upload_is_cancelled(lab: Lab) -> None:
    assert not lab.store().mount_from(Reference.parse(f"{lab.double.host}/base"), described(b"not there"))
    assert lab.double.uploads == {}


def test_repositories_of_two_registries_do_not_mount(lab: Lab) -> None:
    assert not lab.store().mount_from(Reference.parse("example.com/base"), described(DATA))
    assert lab.double.lines() == []


def test_a_mount_asks_for_a_token_of_both_repositories(guarded: Lab) -> None:
    guarded.double.put_blob(DATA)
    store = guarded.store(login=LOGIN)
    assert store.mount_from(Reference.parse(f"{guarded.double.host}/base"), described(DATA))
    assert guarded.double.auth.given[-1]["scope"] == ["repository:app:pull,push", "repository:base:pull"]


def test_a_mount_goes_to_the_registry_that_is_pushed_to_and_never_to_its_mirror(lab: Lab) -> None:
    lab.double.separate = True
    lab.double.put_blob(DATA, "base")
    with RegistryDouble() as mirror:
        mirror.put_blob(DATA, "base")
        rules = Mirrors.parse([f"{lab.double.host}={mirror.host}"])
        target = lab.store(f"{lab.double.host}/app", mirrors=rules)
        assert copy_blob(lab.store(f"{lab.double.host}/base", mirrors=rules), target, described(DATA)) == "mounted"
        assert mirror.lines() == []
    assert lab.double.lines() == [f"HEAD /v2/app/blobs/{Digest.of(DATA)}", "POST /v2/app/blobs/uploads/"]


@pytest.mark.parametrize("path", ["/mcr", ""])
def test_what_only_a_mirror_has_of_another_registry_is_read_there_and_uploaded(lab: Lab, path: str) -> None:
    """Also where that mirror is the very registry that is pushed to: the name speaks of another one's repository."""
    lab.double.separate = True
    for repository in ("mcr/base", "base"):
        lab.double.put_blob(DATA, repository)
    rules = Mirrors.parse([f"mcr.example.com={lab.double.host}{path}"])
    source = lab.store("mcr.example.com/base", mirrors=rules)
    assert copy_blob(source, lab.store(f"{lab.double.host}/app", mirrors=rules), described(DATA)) == "copied"
    assert not [seen.path for seen in lab.double.seen if "mount=" in seen.path]
    assert f"GET /v2{path}/base/blobs/{Digest.of(DATA)}" in lab.double.lines()
    assert lab.double.has(Digest.of(DATA), "app")


def test_air_gapped_what_is_read_from_a_mirror_of_our_own_registry_is_uploaded(lab: Lab) -> None:
    """The registry may be pushed to, being somebody's mirror; of its repository ``base`` only a mirror was asked."""
    lab.double.separate = True
    lab.double.put_blob(DATA, "base")
    with RegistryDouble() as mirror:
        mirror.put_blob(DATA, "base")
        rules = Mirrors.parse([f"mcr.example.com={lab.double.host}", f"{lab.double.host}/base={mirror.host}/base"],
                              only=True)
        source = lab.store(f"{lab.double.host}/base", mirrors=rules)
        assert copy_blob(source, lab.store(f"{lab.double.host}/app", mirrors=rules), described(DATA)) == "copied"
        assert mirror.lines() == [f"GET /v2/base/blobs/{Digest.of(DATA)}"]
    assert not [seen.path for seen in lab.double.seen if "mount=" in seen.path]


def test_what_a_registry_did_not_have_after_all_is_uploaded(lab: Lab) -> None:
    """Its mirror has it, it itself has not: the mount becomes an upload, which is called off for one of ours."""
    lab.double.separate = True
    with RegistryDouble() as mirror:
        mirror.put_blob(DATA, "base")
        rules = Mirrors.parse([f"{lab.double.host}={mirror.host}"])
        with RegistryClient(mirrors=rules) as client:
            source, target = (client.repository(f"{lab.double.host}/{name}") for name in ("base", "app"))
            assert copy_blob(source, target, described(DATA)) == "copied"
        assert mirror.lines() == [f"GET /v2/base/blobs/{Digest.of(DATA)}"]
    assert lab.double.has(Digest.of(DATA), "app")
    assert lab.double.uploads == {}
