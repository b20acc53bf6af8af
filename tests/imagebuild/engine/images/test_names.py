# SPDX-License-Identifier: Apache-2.0
"""Names of images: what any text means, that nothing but a refusal comes out, what a pattern fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.engine.images.names import any_reference, fits, named, repo_tag, short, tag_or_digest
from imagebuild.oci import Digest, Reference

PARTS = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)


@given(st.text(max_size=80))
def test_any_text_is_a_name_an_id_or_a_bad_request(text: str) -> None:
    try:
        assert isinstance(any_reference(text), Digest | Reference)
    except faults.BadRequest as refusal:
        assert refusal.message


@given(PARTS, PARTS, PARTS)
def test_a_familiar_name_means_the_same_name(domain: str, path: str, tag: str) -> None:
    name = named(f"{domain}.example/{path}:{tag}")
    assert named(name.familiar) == name
    assert repo_tag(f"{domain}.example/{path}", tag) == name


@given(st.from_regex(r"[0-9a-f]{64}", fullmatch=True))
def test_64_hex_digits_are_an_id(digits: str) -> None:
    assert any_reference(digits) == any_reference(f"sha256:{digits}") == Digest(f"sha256:{digits}")
    with pytest.raises(faults.BadRequest, match="cannot specify 64-byte hexadecimal strings"):
        named(digits)
    assert short(f"sha256:{digits}") == digits[:12]


@given(PARTS, PARTS)
def test_a_name_fits_itself_with_its_tag_and_without(path: str, tag: str) -> None:
    name = named(f"{path}:{tag}")
    assert fits([name.familiar], name)
    assert fits([path], name)
    assert fits([f"{path[0]}*"], name)
    assert not fits([f"{path}x"], name)


def test_a_pattern_that_is_none_is_a_bad_request() -> None:
    with pytest.raises(faults.BadRequest):
        fits(["[a"], named("a:1"))


@pytest.mark.parametrize(("repository", "tag", "text"), [
    ("a@sha256:" + "0" * 64, "", "cannot import digest reference"), ("a", "b c", "invalid tag format"),
    ("A", "", "must be lowercase"), ("a" * 256, "", "more than 255"), ("a//b", "", "invalid reference format")])
def test_what_is_no_name_is_refused(repository: str, tag: str, text: str) -> None:
    with pytest.raises(faults.BadRequest, match=text):
        repo_tag(repository, tag)


def test_no_repository_is_no_name_and_no_tag_is_latest() -> None:
    assert repo_tag("", "1") is None
    assert repo_tag("a", "") == named("a:latest")


def test_the_tag_of_a_pull_may_be_a_digest() -> None:
    digest = "sha256:" + "1" * 64
    assert tag_or_digest(named("a:1"), digest).digest == digest
    assert tag_or_digest(named("a"), "2") == named("a:2")
