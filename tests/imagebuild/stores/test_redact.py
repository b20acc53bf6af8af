# SPDX-License-Identifier: Apache-2.0
"""Secrets stay out of texts."""

from __future__ import annotations

import pytest

from imagebuild.stores.redact import printable, redact


@pytest.mark.parametrize(("text", "expected"), [
    ("https://user:pass@host/path", "https://host/path"),
    ("see http://tok:en@x:5000/a, and ssh://me@y", "see http://x:5000/a, and ssh://y"),
    ("https://h/x?X-Amz-Signature=abc&n=5", "https://h/x?X-Amz-Signature=xxxxx&n=5"),
    ("/v2/a/blobs/uploads/1?_state=abc", "/v2/a/blobs/uploads/1?_state=xxxxx"),
    ("/token?service=s&scope=repository:a:pull&account=me", "/token?service=s&scope=repository:a:pull&account=xxxxx"),
    ("Authorization: Bearer eyJhbGciOi.x.y", "Authorization: Bearer xxxxx"),
    ("Basic dXNlcjpwYXNz=", "Basic xxxxx"),
    ('{"access_token":"abcdef","n":1}', '{"access_token":"xxxxx","n":1}'),
    ("password: hunter22", "password: xxxxx"),
    ("nothing to hide: mcr.microsoft.com/windows@sha256:abc", "nothing to hide: mcr.microsoft.com/windows@sha256:abc"),
])
def test_what_looks_like_a_secret_is_hidden(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_known_secrets_are_hidden_wherever_they_stand() -> None:
    assert redact("xx-sesame-yy sesame!", ["sesame", "", "x"]) == "xx-xxxxx-yy xxxxx!"


def test_a_strangers_text_is_one_bounded_line_without_control_characters() -> None:
    assert printable("a\x1b[31m\n b\u202e\0c\u2028d") == "a [31m b c d"
    assert len(printable("x" * 1000)) == 301
