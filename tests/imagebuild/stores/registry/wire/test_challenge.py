# SPDX-License-Identifier: Apache-2.0
"""WWW-Authenticate headers as registries send them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.stores.registry.wire.challenge import Challenge, parse


@pytest.mark.parametrize(("header", "expected"), [
    ('Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
     [Challenge("bearer", (("realm", "https://auth.docker.io/token"), ("service", "registry.docker.io"),
                           ("scope", "repository:a/b:pull,push")))]),
    ("Basic realm=x", [Challenge("basic", (("realm", "x"),))]),
    ('BASIC realm="a \\"b\\""', [Challenge("basic", (("realm", 'a "b"'),))]),
    ('Basic realm="x", Bearer realm="y" , service = z', [
        Challenge("basic", (("realm", "x"),)), Challenge("bearer", (("realm", "y"), ("service", "z")))]),
    ("Negotiate, Basic realm=x", [Challenge("negotiate"), Challenge("basic", (("realm", "x"),))]),
    ("", []),
    ("???", []),
])
def test_challenges_are_read(header: str, expected: list[Challenge]) -> None:
    assert list(parse(header)) == expected


def test_a_parameter_is_found_by_name() -> None:
    challenge, = parse('Bearer Realm="x"')
    assert (challenge.parameter("realm"), challenge.parameter("service")) == ("x", "")


@given(st.text(alphabet='Basic realm="x",\\ ', max_size=60))
def test_it_never_raises(header: str) -> None:
    parse(header)
