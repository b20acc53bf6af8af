# SPDX-License-Identifier: Apache-2.0
"""What of a URL may be shown."""

from __future__ import annotations

import pytest

from imagebuild.fetch import redact, scrub


@pytest.mark.parametrize(("url", "shown"), [
    ("https://host/a/b.zip", "https://host/a/b.zip"),
    ("https://user:secret@host:8443/a", "https://host:8443/a"),
    ("https://h/a?sv=1&sig=secret", "https://h/a?sv=…&sig=…"),
    ("https://h/a?secret", "https://h/a?…"),
    ("https://h/a#access_token=secret", "https://h/a#…"),
    ("https://h/x.git#main:docs", "https://h/x.git#main:docs"),
    ("git@host:a/b.git#v1", "git@host:a/b.git#v1"),
    ("https://u:secret@[half/a?secret", "https://[half/a"),
])
def test_passwords_tokens_and_signatures_are_not_shown(url: str, shown: str) -> None:
    assert redact(url) == shown
    assert "secret" not in shown


def test_urls_within_other_text_are_cleaned_too() -> None:
    assert scrub("fatal: unable to access 'https://me:secret@h/x.git/?t=secret': 403") == \
        "fatal: unable to access 'https://h/x.git/?…': 403"
