# SPDX-License-Identifier: Apache-2.0
"""Digests: what is one, and that it cannot become a path elsewhere."""

from __future__ import annotations

import hashlib

import pytest

from imagebuild.errors import FormatError, UnsupportedError
from imagebuild.oci import Digest

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_digest_of_nothing_is_the_well_known_one() -> None:
    assert Digest.of(b"") == EMPTY


def test_a_digest_tells_its_parts() -> None:
    digest = Digest.parse(EMPTY)
    assert (digest.algorithm, digest.hex) == ("sha256", EMPTY[7:])
    assert f"{digest}" == EMPTY
    assert repr(digest) == f"Digest({EMPTY!r})"


@pytest.mark.parametrize("text", [
    "", "sha256", "sha256:", ":abc", "sha256:" + "a" * 63, "sha256:" + "a" * 65, "sha256:" + "A" * 64,
    "sha256:" + "g" * 64, "sha512:" + "a" * 64, "sha256:../" + "a" * 61, "../x:abc", "a/b:c", "a..b:c", "sha256:a.b",
    "sha256:" + "a" * 64 + "\n", "x" * 300 + ":a", " " + EMPTY,
])
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(FormatError):
        Digest.parse(text)


@pytest.mark.parametrize("text", [EMPTY, "sha512:" + "0" * 128, "sha384:" + "0" * 96, "multihash+base58:QmRZxt2b1FVZ",
                                  "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"])
def test_the_forms_of_the_specification_are_digests(text: str) -> None:
    assert Digest.parse(text) == text


def test_a_hasher_computes_the_algorithm_of_the_digest() -> None:
    hasher = Digest.parse("sha512:" + "0" * 128).hasher()
    hasher.update(b"x")
    assert hasher.hexdigest() == hashlib.sha512(b"x").hexdigest()


def test_an_algorithm_we_cannot_compute_is_named() -> None:
    with pytest.raises(UnsupportedError, match="multihash"):
        Digest.parse("multihash+base58:QmRZxt2b1FVZ").hasher()
