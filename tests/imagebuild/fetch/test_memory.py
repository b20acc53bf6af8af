# SPDX-License-Identifier: Apache-2.0
"""The fake keeps the port's promises."""

from __future__ import annotations

import hashlib

import pytest

from imagebuild.errors import FetchError, IntegrityError
from imagebuild.fetch import Fetcher, MemoryFetcher, NetworkFetcher


def test_the_fake_answers_like_a_fetcher() -> None:
    fake: Fetcher = MemoryFetcher({"https://h/x.zip": b"x"}, {"https://h/r.git": {"a/b.txt": b"b"}})
    with fake.url("https://h/x.zip", checksum="sha256:" + hashlib.sha256(b"x").hexdigest()) as got:
        assert (got.path.read_bytes(), got.name) == (b"x", "x.zip")
    assert not got.path.exists()
    with fake.git("https://h/r.git#main:a") as tree:
        assert (tree.path / "b.txt").read_bytes() == b"b"
    assert not tree.root.exists()
    with pytest.raises(FetchError):
        fake.url("https://h/other")
    with pytest.raises(IntegrityError):
        fake.url("https://h/x.zip", checksum="sha256:" + "0" * 64)


def test_the_real_fetcher_has_the_port_s_shape_and_stays_offline_when_told() -> None:
    real: Fetcher = NetworkFetcher(offline=True)
    with pytest.raises(FetchError, match="--offline"):
        real.git("https://h/x.git")
