# SPDX-License-Identifier: Apache-2.0
"""What a registry's refusal becomes."""

from __future__ import annotations

import pytest
from support import plain_images as images
from support.registry_double import answer
from support.registry_lab import Lab, everything

from imagebuild.errors import AuthError, RegistryError
from imagebuild.stores import put_bytes


def test_a_refusal_names_the_status_the_code_and_what_to_do(lab: Lab) -> None:
    lab.double.next("PUT", "/manifests/", answer(403, {"Content-Type": "application/json"}, {
        "errors": [{"code": "DENIED", "message": "requested access to the resource is denied"}]}))
    image = images.sample()
    put_bytes(lab.store(), image.config_bytes(), "x")
    with pytest.raises(AuthError) as caught:
        lab.store().put_manifest(image.manifest_bytes(), image.manifest.kind, tag="1")
    assert (caught.value.status, caught.value.codes) == (403, ("DENIED",))
    assert "requested access" in caught.value.why
    assert f"wcow login {lab.double.host}" in caught.value.hint


def test_an_error_body_is_bounded_and_cannot_drive_the_terminal(lab: Lab) -> None:
    lab.double.next("HEAD", "/manifests/", answer(405))
    lab.double.next("GET", "/manifests/", answer(400, {"Content-Type": "text/plain"}, b"\x1b[2J\r" + b"x" * 10_000_000))
    with pytest.raises(RegistryError) as caught:
        lab.store().resolve("1")
    text = everything(caught.value)
    assert len(text) < 3000
    assert "\x1b" not in text


@pytest.mark.parametrize("body", [b"<html>busy</html>", b"[1,2]", b'{"errors":[1,{"code":null}]}', b'{"errors":{}}',
                                  b"{"])
def test_an_error_that_is_not_shaped_as_one_still_becomes_one(lab: Lab, body: bytes) -> None:
    lab.double.next("HEAD", "/manifests/", answer(405))
    lab.double.next("GET", "/manifests/", answer(418, {"Content-Type": "application/json"}, body))
    with pytest.raises(RegistryError, match="418"):
        lab.store().resolve("1")
