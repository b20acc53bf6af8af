# SPDX-License-Identifier: Apache-2.0
"""Platforms in requests, and how what is none is refused."""

from __future__ import annotations

import pytest

from imagebuild.dockerapi import faults
from imagebuild.engine.images.host import parse_platform
from imagebuild.oci import Platform


def test_words_for_a_platform() -> None:
    assert parse_platform("") is None
    for text in ("windows", "amd64", "Windows/x86_64", "windows/amd64/v1"):
        assert parse_platform(text) == Platform("windows", "amd64")
    assert parse_platform("linux/arm64") == Platform("linux", "arm64")


@pytest.mark.parametrize(("text", "said"), [
    ("nope", '"nope": unknown operating system or architecture'),
    ("a/b/c/d", '"a/b/c/d": cannot parse platform specifier'),
    ("windows/*", '"windows/*": wildcards not yet supported'),
    ("windows/am d64", '"am d64" is an invalid component of "windows/am d64": platform specifier component must match '
                       '"^[A-Za-z0-9_-]+$"'),
    ("/", '"" is an invalid component of "/": platform specifier component must match "^[A-Za-z0-9_-]+$"')])
def test_what_is_no_platform_is_refused_as_moby_does(text: str, said: str) -> None:
    with pytest.raises(faults.BadRequest) as caught:
        parse_platform(text)
    assert caught.value.message == f"{said}: invalid argument"
