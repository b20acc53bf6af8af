# SPDX-License-Identifier: Apache-2.0
"""The collector, as a function for our modules, is the one that the library ships."""

from __future__ import annotations

import importlib.util
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_module_is_made_of_the_collector() -> None:
    spec = importlib.util.spec_from_file_location("collector_module", REPOSITORY / "scripts/collector_module.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    made = script.module(script.SOURCE.read_text(encoding="utf-8"))
    assert script.TARGET.read_text(encoding="utf-8") == made, "run: python scripts/collector_module.py"
    assert "Get-CimInstance -ClassName Win32_OperatingSystem" in made
