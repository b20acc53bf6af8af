# SPDX-License-Identifier: Apache-2.0
"""Media types and what can be read off them."""

from __future__ import annotations

import pytest

from imagebuild.oci import media

FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


@pytest.mark.parametrize(("media_type", "layer", "foreign", "compression"), [
    (media.OCI_LAYER, True, False, "none"),
    (media.OCI_LAYER_GZIP, True, False, "gzip"),
    (media.OCI_LAYER_ZSTD, True, False, "zstd"),
    (media.DOCKER_LAYER_GZIP, True, False, "gzip"),
    (FOREIGN, True, True, "gzip"),
    ("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", True, True, "zstd"),
    (media.OCI_CONFIG, False, False, None),
    ("application/vnd.in-toto+json", False, False, None),
    ("", False, False, None),
])
def test_layers_are_known_by_their_type(media_type: str, layer: bool, foreign: bool, compression: str | None) -> None:
    assert media.is_layer(media_type) is layer
    assert media.is_foreign(media_type) is foreign
    assert media.compression_of(media_type) == compression


def test_documents_are_known_by_their_type() -> None:
    assert media.is_index(media.DOCKER_INDEX)
    assert media.is_index(media.OCI_INDEX)
    assert not media.is_index(media.OCI_MANIFEST)
    assert media.is_manifest(media.DOCKER_MANIFEST)
    assert not media.is_manifest(media.OCI_CONFIG)
    assert media.is_config(media.OCI_CONFIG)
    assert not media.is_config(media.OCI_EMPTY)


@pytest.mark.parametrize(("media_type", "family", "expected"), [
    (media.OCI_LAYER_GZIP, "docker", media.DOCKER_LAYER_GZIP),
    (FOREIGN, "oci", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    (media.DOCKER_INDEX, "oci", media.OCI_INDEX),
    (media.OCI_CONFIG, "docker", media.DOCKER_CONFIG),
    (media.OCI_CONFIG, "oci", media.OCI_CONFIG),
    ("application/x-unknown", "docker", "application/x-unknown"),
])
def test_types_change_family_and_unknown_ones_stay(media_type: str, family: media.Family, expected: str) -> None:
    assert media.in_family(media_type, family) == expected


def test_families() -> None:
    assert media.family_of(media.DOCKER_LAYER) == "docker"
    assert media.family_of(media.OCI_INDEX) == "oci"
    assert media.family_of("x") is None
