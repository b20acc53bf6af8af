# SPDX-License-Identifier: Apache-2.0
"""A repository read through mirrors."""

from __future__ import annotations

import pytest
from support import plain_images as images
from support.registry_double import RegistryDouble
from support.registry_lab import DATA, Lab

from imagebuild.errors import NotFoundError, UsageError
from imagebuild.oci import Reference
from imagebuild.stores import Mirrors, RegistryStore, put_bytes


def mirrored(lab: Lab, *rules: str, only: bool = False) -> RegistryStore:
    return lab.store("mcr.example.com/windows/nano:1", mirrors=Mirrors.parse(rules, only=only))


def test_a_mirror_stands_in_for_a_registry(lab: Lab) -> None:
    image = images.sample(DATA)
    images.store(lab.store("windows"), image, DATA)
    lab.double.manifests[("windows/nano", "1")] = (image.manifest.kind, image.manifest_bytes())
    lab.double.manifests[("windows/nano", image.descriptor().digest)] = (image.manifest.kind, image.manifest_bytes())
    store = mirrored(lab, f"mcr.example.com={lab.double.host}", only=True)
    assert store.resolve("1") == image.descriptor()
    assert store.resolve("") == image.descriptor()
    assert store.manifest(image.descriptor()) == image.manifest_bytes()
    with store.open_blob(image.layers[0]) as stream:
        assert stream.read() == DATA
    assert store.has_blob(image.layers[0])


def test_a_mirror_may_have_other_paths(lab: Lab) -> None:
    image = images.sample()
    for path in ("mcr/windows/nano", "win/nano"):
        lab.double.manifests[(path, "1")] = (image.manifest.kind, image.manifest_bytes())
    for rule in (f"mcr.example.com={lab.double.host}/mcr", f"mcr.example.com/windows=http://{lab.double.host}/win/"):
        assert mirrored(lab, rule, only=True).resolve("1") == image.descriptor()


def test_a_mirror_without_the_image_is_passed_over(lab: Lab) -> None:
    with RegistryDouble() as second:
        image = images.sample()
        second.manifests[("windows/nano", "1")] = (image.manifest.kind, image.manifest_bytes())
        store = mirrored(lab, f"mcr.example.com={lab.double.host}", f"mcr.example.com={second.host}", only=True)
        assert store.resolve("1") == image.descriptor()
    assert lab.double.lines() == ["HEAD /v2/windows/nano/manifests/1"]


def test_air_gapped_an_image_no_mirror_has_is_not_found_and_the_origin_not_asked(lab: Lab) -> None:
    with pytest.raises(NotFoundError) as caught:
        mirrored(lab, f"mcr.example.com={lab.double.host}", only=True).resolve("1")
    assert f"{lab.double.host}/windows/nano" in caught.value.hint
    assert "mcr.example.com/" not in caught.value.hint


def test_air_gapped_a_name_without_a_rule_is_refused(lab: Lab) -> None:
    with pytest.raises(UsageError, match="no mirror"):
        mirrored(lab, "other.example.com=localhost", only=True).resolve("1")


def test_air_gapped_nothing_is_pushed_to_a_registry_that_is_no_mirror(lab: Lab) -> None:
    """Not even asked for: a mirror's word about what it has would be taken for the registry's."""
    image = images.sample(DATA)
    images.store(lab.store(f"{lab.double.host}/windows/nano"), image, DATA, tag="1")
    before = len(lab.double.seen)
    store = mirrored(lab, f"mcr.example.com={lab.double.host}", only=True)
    for push in (lambda: store.new_blob(), lambda: store.put_manifest(image.manifest_bytes(), image.manifest.kind),
                 lambda: store.untag("1"), lambda: store.mount_from(Reference.parse("mcr.example.com/a"),
                                                                    image.layers[0]), store.expect_push):
        with pytest.raises(UsageError, match=r"cannot push to mcr\.example\.com"):
            push()
    assert len(lab.double.seen) == before


def test_air_gapped_a_push_to_a_mirror_asks_it_and_nobody_else(lab: Lab) -> None:
    image = images.sample(DATA)
    store = lab.store("app", mirrors=Mirrors.parse([f"mcr.example.com={lab.double.host}/mcr"], only=True))
    store.expect_push()
    images.store(store, image, DATA, tag="1")
    assert store.resolve("1") == image.descriptor()
    assert {seen.path.split("/")[2] for seen in lab.double.seen if seen.path != "/v2/"} == {"app"}


def test_air_gapped_a_registry_with_a_mirror_of_its_own_is_asked_itself_what_it_has(lab: Lab) -> None:
    """What the mirror has, the registry may lack; a push that left it out would be refused at its end."""
    with RegistryDouble() as near:
        near.put_blob(DATA)
        rules = Mirrors.parse([f"mcr.example.com={lab.double.host}", f"{lab.double.host}={near.host}"], only=True)
        store = lab.store("app", mirrors=rules)
        assert not store.has_blob(images.sample(DATA).layers[0])
        put_bytes(store, DATA, "x")
        assert near.lines() == []
