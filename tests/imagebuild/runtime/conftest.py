# SPDX-License-Identifier: Apache-2.0
"""A prepared sandbox for the session, boxes for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, sandboxes

from imagebuild.runtime import WineSandbox

PROBE = Path(__file__).with_name("probe.c")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[WineSandbox]:
    with programs.skipping():
        made = sandboxes.open_sandbox()
    yield made
    made.close()


@pytest.fixture
def boxes(sandbox: WineSandbox) -> Iterator[sandboxes.Boxes]:
    """Boxes with ``C:\\probe.exe`` in them."""
    with programs.skipping():
        probe = sandboxes.compile_program(PROBE)
    with sandboxes.folder() as root:
        made = sandboxes.Boxes(sandbox, root)
        made.add_program(probe, "probe.exe")
        yield made
        made.close()
