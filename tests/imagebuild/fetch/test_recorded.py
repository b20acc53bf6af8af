# SPDX-License-Identifier: Apache-2.0
"""What ADD downloads is recorded and replayed with all that ADD wants to know of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from imagebuild.errors import FetchError, IntegrityError
from imagebuild.fetch import MemoryFetcher, RecordingFetcher, Recordings, ReplayFetcher

URL = "https://host.example.com/x.zip"
WHEN = 1_600_000_000_000_000_000


def test_what_was_added_is_added_again(tmp_path: Path) -> None:
    inner = MemoryFetcher({URL: b"content", f"{URL}.empty": b""}, modified_ns=WHEN)
    for url, content in inner.files.items():
        with RecordingFetcher(inner, Recordings.open(tmp_path, create=True)).url(url) as first, \
                ReplayFetcher(Recordings.open(tmp_path)).url(url) as again:
            assert again.path.read_bytes() == first.path.read_bytes() == content
            assert (again.name, again.size, again.digest, again.modified_ns) == (
                first.name, len(content), first.digest, WHEN)
        assert not first.path.exists()


def test_what_was_not_recorded_is_an_error_that_says_how(tmp_path: Path) -> None:
    replay = ReplayFetcher(Recordings.open(tmp_path, create=True))
    with pytest.raises(FetchError, match="it is not among the downloads of") as caught:
        replay.url(f"{URL}?token=secret")
    assert f"--downloads record {tmp_path}" in caught.value.hint
    assert "secret" not in str(caught.value)
    with pytest.raises(FetchError, match="git repositories are not recorded"):
        replay.git("https://host.example.com/x.git")


def test_redirects_are_followed_and_a_checksum_is_checked(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"content")
    (tmp_path / "index.json").write_text(json.dumps({"version": 1, "downloads": [
        {"url": URL, "status": 302, "headers": {"Location": "/real.zip"}},
        {"url": "https://host.example.com/real.zip", "file": "x"},
        {"url": "https://host.example.com/loop", "status": 301, "headers": {"Location": "/loop"}},
        {"url": "https://host.example.com/none", "status": 404}]}))
    replay = ReplayFetcher(Recordings.open(tmp_path))
    right = hashlib.sha512(b"content").hexdigest()
    assert replay.url(URL, checksum=f"sha512:{right}").name == "x.zip"
    with pytest.raises(IntegrityError):
        replay.url(URL, checksum=f"sha512:{right[::-1]}")
    with pytest.raises(FetchError, match="redirects"):
        replay.url("https://host.example.com/loop")
    with pytest.raises(FetchError, match="answered 404 when it was recorded"):
        replay.url("https://host.example.com/none")
