# SPDX-License-Identifier: Apache-2.0
"""Manifests and indexes of both families."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support import plain_images as images

from imagebuild.errors import FormatError, UnsupportedError
from imagebuild.oci import Descriptor, Digest, Index, Manifest, Platform, choose, describe, media, parse, sniff

D = Digest.of(b"")
DOCKER = (b'{\n   "schemaVersion": 2,\n   "mediaType": "application/vnd.docker.distribution.manifest.v2+json",\n'
          b'   "config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 1, "digest": "'
          + D.encode() + b'"},\n   "layers": [{"mediaType": '
          b'"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", "size": 7, "digest": "' + D.encode() +
          b'", "urls": ["https://mcr.example/blob"]}],\n   "later": {"x": 1.0}\n}')


@settings(max_examples=60)
@given(images.manifests)
def test_a_manifest_survives_writing_and_reading(manifest: Manifest) -> None:
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


@settings(max_examples=60)
@given(images.indexes)
def test_an_index_survives_writing_and_reading(index: Index) -> None:
    assert Index.from_bytes(index.to_bytes()) == index


def test_a_docker_manifest_gives_back_its_bytes_and_its_foreign_layer() -> None:
    manifest = Manifest.from_bytes(DOCKER)
    assert manifest.to_bytes() == DOCKER
    assert manifest.descriptor() == describe(DOCKER, media.DOCKER_MANIFEST)
    assert manifest.layers[0].urls == ("https://mcr.example/blob",)
    assert media.is_foreign(manifest.layers[0].media_type)


def test_an_edited_manifest_is_canonical_and_keeps_unknown_fields() -> None:
    edited = replace(Manifest.from_bytes(DOCKER), layers=())
    assert edited.to_bytes() == (
        b'{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json","config":{"mediaType":'
        b'"application/vnd.docker.container.image.v1+json","digest":"' + D.encode() +
        b'","size":1},"layers":[],"later":{"x": 1.0}}')


def test_a_manifest_without_a_media_type_is_ocis() -> None:
    data = b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"' + D.encode() + b'","size":0},"layers":[]}'
    assert (Manifest.from_bytes(data).media_type, Manifest.from_bytes(data).kind) == ("", media.OCI_MANIFEST)
    assert sniff(data) == media.OCI_MANIFEST
    assert isinstance(parse(data), Manifest)


def test_an_index_is_told_from_a_manifest_by_type_or_shape() -> None:
    data = b'{"schemaVersion":2,"manifests":[]}'
    assert isinstance(parse(data), Index)
    assert isinstance(parse(data, media.DOCKER_INDEX), Index)


@pytest.mark.parametrize("extra", [b'"manifests":[]', b'"schemaVersion":3', b'"layers":[{}]', b'"layers":{}'])
def test_an_ambiguous_or_broken_manifest_is_refused(extra: bytes) -> None:
    config = b'"config":{"mediaType":"x","digest":"' + D.encode() + b'","size":0}'
    version = b"" if b"schemaVersion" in extra else b'"schemaVersion":2,'
    with pytest.raises(FormatError):
        Manifest.from_bytes(b"{" + version + config + b"," + extra + b"}")


@pytest.mark.parametrize("data", [
    b'{"schemaVersion":2}', b'{"schemaVersion":2,"manifests":[],"layers":[]}', b'{"manifests":[]}',
    b'{"schemaVersion":2,"manifests":[],"config":{}}', b'{"schemaVersion":2,"manifests":[{"size":1}]}',
])
def test_an_ambiguous_or_broken_index_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse(data)
        Index.from_bytes(data)


@pytest.mark.parametrize(("data", "kind"), [
    (b'{"schemaVersion":1,"name":"x"}', ""),
    (b"{}", "application/vnd.docker.distribution.manifest.v1+prettyjws"),
])
def test_dockers_schema_1_is_refused_by_name(data: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedError, match="schema 1"):
        parse(data, kind)


def _entry(version: str, os: str = "windows", architecture: str = "amd64") -> Descriptor:
    return Descriptor(media.OCI_MANIFEST, Digest.of(f"{os}{architecture}{version}".encode()), 1,
                      platform=Platform(os, architecture, version))


def test_candidates_come_in_list_order() -> None:
    a, b, c = _entry("10.0.20348.2"), _entry("10.0.17763.9"), _entry("10.0.20348.1")
    index = Index((a, _entry("", "linux"), b, _entry("10.0.20348.1", architecture="arm64"), c,
                   Descriptor("x", D, 1)))
    assert choose(index, "windows", "amd64") == (a, b, c)
    assert choose(index, "windows", "amd64", "10.0.20348") == (a, c)
    assert choose(index, "windows", "amd64", "10.0.20348.1") == (c,)
    assert choose(index, "windows", "amd64", "10.0.2034") == ()
    assert choose(index, "windows", "arm") == ()
