# SPDX-License-Identifier: Apache-2.0
"""A scripted engine for the tests of the plugin, and pytest on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.plugin_stage import Stage
from support.scripted_engine import Script, scripted


@pytest.fixture
def script() -> Script:
    return Script()


@pytest.fixture
def on(pytester: pytest.Pytester, script: Script, tmp_path: Path) -> Iterator[Stage]:
    """pytest in pytest on a scripted engine; the test's module names ``pytester`` in ``pytest_plugins``."""
    with scripted(tmp_path, script) as address:
        made = Stage(pytester, script, address)
        try:
            yield made
        finally:
            script.release.set()
            made.close()
