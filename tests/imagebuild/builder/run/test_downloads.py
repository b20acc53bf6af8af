# SPDX-License-Identifier: Apache-2.0
"""How a build downloads, told to another process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagebuild.builder.run.downloads import Downloads
from imagebuild.errors import WcowError


def test_what_is_told_is_what_was_meant_and_a_folder_stays_one(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"mapped")
    meant = Downloads((("https://a.example/", tmp_path), ("https://b.example/", "https://c.example/")), offline=True)
    told = Downloads.from_json(json.loads(json.dumps(meant.to_json())))
    assert told == meant
    with pytest.raises(WcowError, match="cannot download"):
        told.fetcher().url("https://b.example/x")
