# SPDX-License-Identifier: Apache-2.0
"""Encrypted messages: laid out as pywinrm, pypsrp and Windows lay them out."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.hostd.winrm import seal


def swapped(data: bytes) -> bytes:
    return bytes(byte ^ 0x5A for byte in data)


@given(st.binary(max_size=40_000), st.sampled_from(sorted(seal.PROTOCOLS)))
def test_what_was_sealed_is_opened_again(plain: bytes, protocol: str) -> None:
    kind, body = seal.seal(plain, protocol, lambda part: (b"signature", swapped(part)))
    assert seal.is_sealed(kind)
    assert kind.startswith("multipart/x-multi" if protocol == "credssp" and len(plain) > seal.CREDSSP_PART else
                           "multipart/encrypted")
    if plain:
        assert seal.unseal(body, lambda signature, data: swapped(data)) == plain


@given(st.binary(max_size=300))
def test_whatever_comes_is_opened_or_a_format_error(body: bytes) -> None:
    with contextlib.suppress(FormatError):
        seal.unseal(body, lambda signature, data: data)


@pytest.mark.parametrize(("change", "why"), [
    (lambda body: body.replace(b"Length=5", b"Length=6"), "says 6 bytes and has 5"),
    (lambda body: body.replace(b"Length=5", b"Length=x"), "does not say its length"),
    (lambda body: body.replace(b"\x03\x00\x00\x00", b"\xff\xff\x00\x00"), "longer than its part"),
    (lambda body: body.replace(b"application/octet-stream", b"text/plain"), "no data"),
    (lambda body: b"x" + body, "pairs"), (lambda body: b"", "pairs")])
def test_a_body_that_is_laid_out_in_another_way_is_refused(change: object, why: str) -> None:
    _, body = seal.seal(b"hello", "negotiate", lambda part: (b"sig", part))
    with pytest.raises(FormatError, match=why):
        seal.unseal(change(body), lambda signature, data: data)  # type: ignore[operator]
