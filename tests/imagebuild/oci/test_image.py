# SPDX-License-Identifier: Apache-2.0
"""Edits of images: each gives a new one, whose manifest names its config."""

from __future__ import annotations

import pytest
from support import plain_images as images

from imagebuild import oci
from imagebuild.errors import IntegrityError, UsageError
from imagebuild.oci import Config, Descriptor, Digest, History, Image, RunConfig, media

LAYER = Descriptor(media.OCI_LAYER_GZIP, Digest.of(b"packed"), 6)


def consistent(image: Image) -> bool:
    config = image.config_bytes()
    return image.manifest.config.digest == Digest.of(config) and image.manifest.config.size == len(config)


def test_a_layer_goes_on_top_and_into_the_config() -> None:
    base = images.sample(b"one")
    image = oci.append(base, LAYER, Digest.of(b"plain"), History(created_by="COPY . ."))
    assert image.layers == (*base.layers, LAYER)
    assert image.diff_ids == (*base.diff_ids, Digest.of(b"plain"))
    assert image.config.history[-1].created_by == "COPY . ."
    assert consistent(image)
    assert consistent(base)
    assert len(base.layers) == 1


def test_a_layer_on_a_docker_base_gets_dockers_media_type() -> None:
    image = oci.append(images.sample(family="docker"), LAYER, Digest.of(b"plain"))
    assert image.layers[0].media_type == media.DOCKER_LAYER_GZIP
    assert image.manifest.config.media_type == media.DOCKER_CONFIG
    assert image.descriptor().media_type == media.DOCKER_MANIFEST


def test_config_fields_of_both_levels_change_by_name() -> None:
    image = oci.with_config(images.sample(), author="me", env=("A=1",), args_escaped=True)
    assert (image.config.author, image.config.run.env, image.config.run.args_escaped) == ("me", ("A=1",), True)
    assert image.config.run.cmd == ("cmd.exe",)
    assert consistent(image)


def test_an_unknown_config_field_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="enviroment"):
        oci.with_config(images.sample(), enviroment=())


def test_the_base_is_noted_in_the_manifests_annotations() -> None:
    image = oci.with_base(images.sample(), "mcr.microsoft.com/windows/nanoserver:ltsc2022", Digest.of(b"b"))
    assert dict(image.annotations) == {
        "org.opencontainers.image.base.name": "mcr.microsoft.com/windows/nanoserver:ltsc2022",
        "org.opencontainers.image.base.digest": Digest.of(b"b")}


def test_an_image_is_read_from_its_two_documents() -> None:
    image = images.sample(b"one")
    assert oci.from_bytes(image.manifest_bytes(), image.config_bytes()) == image


def test_a_config_that_is_not_the_manifests_is_refused() -> None:
    with pytest.raises(IntegrityError):
        oci.from_bytes(images.sample().manifest_bytes(), Config(os="linux").to_bytes())


def test_converting_there_and_back_gives_the_same_image() -> None:
    image = images.sample(b"one", b"two")
    docker = oci.convert(image, "docker")
    assert {layer.media_type for layer in docker.layers} == {media.DOCKER_LAYER}
    assert oci.convert(docker, "oci") == image


def test_the_index_entry_has_the_configs_platform() -> None:
    entry = images.sample().index_entry()
    assert str(entry.platform) == "windows(10.0.20348.2966)/amd64"
    assert entry.digest == images.sample().descriptor().digest


def test_steps_without_layers_are_added_to_the_history() -> None:
    image = oci.add_history(images.sample(), History(created_by="CMD", empty_layer=True))
    assert image.config.history[-1].empty_layer
    assert consistent(image)


def test_values_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        RunConfig().user = "x"  # type: ignore[misc]
