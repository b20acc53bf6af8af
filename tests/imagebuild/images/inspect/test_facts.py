# SPDX-License-Identifier: Apache-2.0
"""What inspect says of an image and of an index."""

from __future__ import annotations

import json

from support import images

from imagebuild.images.inspect.facts import image_facts, index_facts
from imagebuild.images.library import load
from imagebuild.oci import Location, Platform
from imagebuild.stores import MemoryStore

WINDOWS = Platform("windows", "amd64")


def test_an_image_says_platform_layers_base_and_history() -> None:
    store = MemoryStore()
    image, descriptor = images.sample(store)
    facts = image_facts(load(store, Location.parse("app:1"), descriptor, "app:1", WINDOWS))
    assert facts["digest"] == descriptor.digest
    assert facts["platform"] == {"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.2762",
                                 "os.features": [], "variant": ""}
    assert [layer["diff_id"] for layer in facts["layers"]] == list(image.diff_ids)
    assert [layer["created_by"] for layer in facts["layers"]] == ["step 0", "step 1"]
    assert facts["size"] == sum(layer.size for layer in image.layers)
    assert facts["base"]["name"] == "docker.io/library/base:1"
    assert facts["config"]["Cmd"] == ["app.exe"] and facts["config"]["Labels"] == {"maintainer": "tests"}
    assert facts["index"] is None
    json.dumps(facts)


def test_an_image_out_of_an_index_names_the_index() -> None:
    store = MemoryStore()
    index, descriptor = images.windows_versions(store, "many:1", "10.0.20348.1", "10.0.26100.1")
    found = load(store, Location.parse("many:1"), descriptor, "many:1", Platform("windows", "amd64", "10.0.26100"))
    facts = image_facts(found)
    assert facts["index"] == descriptor.digest
    assert facts["digest"] == index.manifests[1].digest
    assert facts["base"] is None


def test_an_index_lists_its_entries_in_order() -> None:
    store = MemoryStore()
    index, descriptor = images.windows_versions(store, "many:1", "10.0.26100.1", "10.0.20348.1")
    facts = index_facts(store, descriptor, "many:1")
    assert [entry["platform"]["os.version"] for entry in facts["manifests"]] == ["10.0.26100.1", "10.0.20348.1"]
    assert [entry["digest"] for entry in facts["manifests"]] == [entry.digest for entry in index.manifests]
    json.dumps(facts)


def test_layers_that_the_history_does_not_explain_are_listed_without_their_step() -> None:
    from dataclasses import replace

    from imagebuild.oci import create

    store = MemoryStore()
    image, descriptor = images.sample(store)
    found = load(store, Location.parse("app:1"), descriptor, "app:1", WINDOWS)
    shorter = create(replace(image.config, history=image.config.history[:1]), layers=image.layers)
    facts = image_facts(replace(found, image=shorter))
    assert [layer["created_by"] for layer in facts["layers"]] == ["", ""]
