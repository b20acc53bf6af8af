# SPDX-License-Identifier: Apache-2.0
"""The engine is killed at random moments of its work: nothing is lost, nothing is left. `make chaos` does it longer."""

from __future__ import annotations

import random

import pytest
from support import chaos, programs, users

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", users.KINDS)
def test_an_engine_killed_at_any_moment_loses_leaves_and_keeps_nothing(kind: str) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    with programs.skipping():
        chaos.kills(20, seed, users.find(kind))
