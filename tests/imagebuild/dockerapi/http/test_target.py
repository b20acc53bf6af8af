# SPDX-License-Identifier: Apache-2.0
"""The first line's target."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.dockerapi.http.target import MAX_FIELDS, parse_target


@pytest.mark.parametrize(("target", "path", "query"), [
    (b"/a/b", "/a/b", {}), (b"/a%2Fb%20c?x=1&x=2&y=&z", "/a/b c", {"x": ["1", "2"], "y": [""], "z": [""]}),
    (b"/?q=a+b%26c%C3%A9", "/", {"q": ["a b&cé"]}), (b"http://docker/info?a=1", "/info", {"a": ["1"]}),
    (b"*", "*", {}), (b"/%ff", "/\ufffd", {})])
def test_a_target_is_taken_apart_and_decoded(target: bytes, path: str, query: dict[str, list[str]]) -> None:
    assert parse_target(target) == (path, query)


@pytest.mark.parametrize("target", [b"a", b"", b"/%zz", b"/a?b=%1", b"/%", b"/?" + b"a&" * (MAX_FIELDS + 2)])
def test_what_is_no_target_is_refused(target: bytes) -> None:
    with pytest.raises(faults.BadRequest):
        parse_target(target)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_target_or_a_bad_request(target: bytes) -> None:
    with contextlib.suppress(faults.BadRequest):
        parse_target(target)
