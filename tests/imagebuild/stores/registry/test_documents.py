# SPDX-License-Identifier: Apache-2.0
"""Manifests from a registry that lies about them."""

from __future__ import annotations

import pytest
from support import plain_images as images
from support.registry_double import answer, corrupt
from support.registry_lab import Lab

from imagebuild.errors import FormatError, IntegrityError, UsageError
from imagebuild.oci import Descriptor, Digest, media
from imagebuild.stores import put_bytes


def test_a_manifest_that_is_not_what_was_asked_for_is_found_out(lab: Lab) -> None:
    manifest = images.store(lab.store(), images.sample(), tag="1")
    for lie in (lambda data: data.replace(b"2", b"3"), lambda data: data + b" ", lambda data: data[:-1]):
        lab.double.next("GET", "/manifests/", corrupt(lie))
        with pytest.raises(IntegrityError):
            lab.store().manifest(manifest)


def test_a_digest_asked_for_and_another_answered_is_an_integrity_error(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(200, {
        "Docker-Content-Digest": Digest.of(b"other"), "Content-Type": media.OCI_MANIFEST, "Content-Length": "5"}))
    with pytest.raises(IntegrityError):
        lab.store().resolve(str(Digest.of(b"this")))


def test_a_registry_that_keeps_another_manifest_is_found_out(lab: Lab) -> None:
    image = images.sample()
    put_bytes(lab.store(), image.config_bytes(), "x")
    lab.double.next("PUT", "/manifests/", answer(201, {"Docker-Content-Digest": Digest.of(b"other")}))
    with pytest.raises(IntegrityError):
        lab.store().put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")


def test_a_registry_that_answers_head_badly_is_asked_for_the_document(lab: Lab) -> None:
    manifest = images.store(lab.store(), images.sample(), tag="1")
    for reply in (answer(405), answer(200, {"Content-Type": media.OCI_MANIFEST})):
        lab.double.next("HEAD", "/manifests/1", reply)
        assert lab.store().resolve("1") == manifest


def test_an_endless_manifest_is_not_read_to_its_end(lab: Lab) -> None:
    lab.double.manifests[("app", "1")] = (media.OCI_MANIFEST, b" " * (9 << 20))
    lab.double.next("HEAD", "/manifests/1", answer(405))
    with pytest.raises(FormatError):
        lab.store().resolve("1")
    with pytest.raises(FormatError):
        lab.store().manifest(Descriptor(media.OCI_MANIFEST, Digest.of(b""), 9 << 20))


def test_a_digest_header_that_is_a_path_is_refused(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/1", answer(200, {
        "Docker-Content-Digest": "sha256:../../etc/passwd", "Content-Type": "x", "Content-Length": "1"}))
    with pytest.raises(FormatError):
        lab.store().resolve("1")


def test_only_tags_and_digests_become_part_of_a_url(lab: Lab) -> None:
    for name in ("a/../b", "a?b", "..", "a b", "sha256:x/y"):
        with pytest.raises((UsageError, FormatError)):
            lab.store().resolve(name)
