# SPDX-License-Identifier: Apache-2.0
"""Descriptors and platforms as JSON."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support import plain_images as images

from imagebuild.errors import FormatError
from imagebuild.oci import Descriptor, Digest, Platform

DIGEST = Digest.of(b"")


@settings(max_examples=60)
@given(images.descriptors)
def test_a_descriptor_survives_writing_and_reading(descriptor: Descriptor) -> None:
    assert Descriptor.from_json(descriptor.to_json()) == descriptor


def test_fields_stand_in_the_order_of_gos_struct() -> None:
    descriptor = Descriptor("m", DIGEST, 3, ("https://x/",), (("b", "2"), ("a", "1")),
                            Platform("windows", "amd64", "10.0.20348.1", ("win32k",)), "t")
    assert descriptor.to_json() == (
        f'{{"mediaType":"m","digest":"{DIGEST}","size":3,"urls":["https://x/"],"annotations":{{"a":"1","b":"2"}},'
        '"platform":{"architecture":"amd64","os":"windows","os.version":"10.0.20348.1","os.features":["win32k"]},'
        '"artifactType":"t"}')


@pytest.mark.parametrize("text", [
    "{}", '{"digest":"sha256:zz","size":1}', f'{{"digest":"{DIGEST}"}}', f'{{"digest":"{DIGEST}","size":-1}}',
    f'{{"digest":"{DIGEST}","size":9223372036854775808}}', f'{{"digest":"{DIGEST}","size":1.5}}', '{"size":1}',
    f'{{"digest":"{DIGEST}","size":1,"platform":"windows"}}', f'{{"digest":"{DIGEST}","size":1,"urls":"x"}}',
])
def test_a_broken_descriptor_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Descriptor.from_json(text)


def test_embedded_data_and_legacy_platform_features_are_carried() -> None:
    text = (f'{{"mediaType":"m","digest":"{DIGEST}","size":0,'
            '"platform":{"architecture":"amd64","os":"linux","features":["sse4"]},"data":""}')
    assert Descriptor.from_json(text).to_json() == text


def test_an_annotation_is_found_by_name() -> None:
    descriptor = Descriptor("m", DIGEST, 0, annotations=(("a", "1"),))
    assert (descriptor.annotation("a"), descriptor.annotation("b")) == ("1", None)


def test_a_platform_prints_as_the_platform_flag_is_written() -> None:
    assert str(Platform("windows", "amd64", "10.0.20348.1")) == "windows(10.0.20348.1)/amd64"
    assert str(Platform("linux", "arm64", variant="v8")) == "linux/arm64/v8"
