# SPDX-License-Identifier: Apache-2.0
"""Blobs that a registry takes over from another of its repositories."""

from __future__ import annotations

from support.registry_lab import DATA, LOGIN, Lab, described

from imagebuild.oci import Digest, Location, Reference
from imagebuild.stores import MemoryStore


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
