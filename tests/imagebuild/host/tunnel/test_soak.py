# SPDX-License-Identifier: Apache-2.0
"""A tunnel under faults loses no request silently; `make bench` does the same for ten minutes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs
from support.soak import soak

pytestmark = pytest.mark.slow


def test_a_tunnel_under_faults_answers_or_says_which_request_was_lost(tmp_path: Path) -> None:
    with programs.skipping():
        programs.find("docker")
    found = soak(tmp_path, 20)
    assert sum(found.asked.values()) > 100
    assert found.faults > 10
    assert found.silent == 0, (found.failed, found.told)
    assert len(found.failed) < sum(found.asked.values()) / 3
