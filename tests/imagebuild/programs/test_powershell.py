# SPDX-License-Identifier: Apache-2.0
"""The official archive comes with its published digest, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from support import made_programs

from imagebuild.errors import FetchError, InputError, IntegrityError, UnsupportedError
from imagebuild.fetch import MemoryFetcher
from imagebuild.programs import fetch_powershell, newest_powershell

BASE = "https://mirror.example/releases"
ZIP = made_programs.archive(made_programs.powershell())
NAME = "PowerShell-7.6.9-win-x64.zip"


def fetcher(hashes: bytes, archive: bytes = ZIP) -> MemoryFetcher:
    return MemoryFetcher({f"{BASE}/v7.6.9/hashes.sha256": hashes, f"{BASE}/v7.6.9/{NAME}": archive})


def line(data: bytes = ZIP, name: str = NAME) -> str:
    return f"{hashlib.sha256(data).hexdigest().upper()} *{name}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_archive_is_checked_by_the_published_digest(encoding: str) -> None:
    hashes = (line(b"other", "PowerShell-7.6.9-win-x86.zip") + line()).encode(encoding)
    with fetch_powershell(fetcher(hashes), "v7.6.9", releases=BASE) as download:
        assert download.digest == f"sha256:{hashlib.sha256(ZIP).hexdigest()}"


def test_another_archive_than_the_published_one_is_refused() -> None:
    with pytest.raises(IntegrityError):
        fetch_powershell(fetcher(line().encode(), ZIP + b"x"), "7.6.9", releases=BASE)


def test_a_release_without_a_digest_is_refused_before_it_is_downloaded() -> None:
    with pytest.raises(UnsupportedError, match="no digest of PowerShell"):
        fetch_powershell(fetcher(line(name="other.zip").encode()), "7.6.9", releases=BASE)


@pytest.mark.parametrize("text", ["", "7", "5.1", "7.6.9/../../x", "6.2.1", "7.6.9 ", "7" * 1_000_000])
def test_what_is_not_a_version_of_powershell_7_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a version of PowerShell 7"):
        fetch_powershell(fetcher(b""), text, releases=BASE)


def test_the_newest_release_is_the_one_that_its_document_names() -> None:
    address = "https://mirror.example/newest"
    document = json.dumps({"ReleaseDate": "2026-11-01T00:00:00Z", "ReleaseTag": "v7.6.9"}).encode()
    assert newest_powershell(MemoryFetcher({address: document}), address) == "7.6.9"
    for wrong in (b"", b"[]", b"null", b'{"ReleaseTag": "v6.0.0"}', b"{" * 100_000):
        with pytest.raises(InputError, match="names no version"):
            newest_powershell(MemoryFetcher({address: wrong}), address)
    with pytest.raises(FetchError):
        newest_powershell(MemoryFetcher({}), address)


def test_the_public_addresses_are_https(tmp_path: Path) -> None:
    from imagebuild.programs.powershell import NEWEST, RELEASES

    assert NEWEST.startswith("https://") and RELEASES.startswith("https://")
