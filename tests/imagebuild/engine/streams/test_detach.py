# SPDX-License-Identifier: Apache-2.0
"""Keys that let go of a terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.dockerapi import faults
from imagebuild.engine.streams.detach import DEFAULT, Detached, DetachKeys


@given(st.lists(st.binary(max_size=6), max_size=6))
def test_what_is_typed_without_the_keys_goes_to_the_program(pieces: list[bytes]) -> None:
    text = b"".join(pieces)
    keys, out = DetachKeys(), b""
    try:
        for piece in pieces:
            out += keys.pass_on(piece)
    except Detached as left:
        out += left.before
        assert DEFAULT in text
        assert out == text[:text.index(DEFAULT)]
        return
    assert out + keys.keys[:keys.held] == text
    assert DEFAULT not in text


@pytest.mark.parametrize(("text", "keys"), [
    ("", DEFAULT), ("ctrl-p,ctrl-q", b"\x10\x11"), ("ctrl-x,x", b"\x18x"), ("ctrl-@", b"\0"), ("CTRL-A", b"\x01"),
    ("a,b,c", b"abc"), ("ctrl-\\", b"\x1c")])
def test_keys_are_written_as_docker_writes_them(text: str, keys: bytes) -> None:
    assert DetachKeys.parse(text).keys == keys


@pytest.mark.parametrize("text", ["ctrl-", "ctrl-1", "ab", ",", "shift-a", "\N{LATIN SMALL LETTER E WITH ACUTE}"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(faults.BadRequest, match=r"Invalid detach keys \(.*\) provided"):
        DetachKeys.parse(text)
