# SPDX-License-Identifier: Apache-2.0
"""The map of the tests' helpers names each of them, and nothing that is gone."""

from __future__ import annotations

import re
from pathlib import Path

SUPPORT = Path(__file__).parent / "support"


def test_the_map_of_helpers_names_each_helper_and_none_that_is_gone() -> None:
    text = (SUPPORT / "README.md").read_text(encoding="utf-8").partition("\n## Which tests")[0]
    named = set(re.findall(r"`([a-z_0-9]+(?:\.(?:py|c|go|psm1)|/))`", text))
    there = {path.name + ("/" if path.is_dir() else "") for path in SUPPORT.iterdir()
             if path.name not in ("README.md", "__pycache__", "__init__.py")}
    assert named == there
