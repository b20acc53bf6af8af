# SPDX-License-Identifier: Apache-2.0
"""Where a process of a test run keeps the plugin's state; it is made when a test first needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from ._run import Run

STATE = pytest.StashKey["Run"]()


def run_of(config: pytest.Config) -> Run:
    """The state of this process, made when it is first asked for."""
    if STATE not in config.stash:
        from ._run import new_run

        config.stash[STATE] = new_run(config)
    return config.stash[STATE]


def found_run(config: pytest.Config) -> Run | None:
    """The state of this process, None where it was not needed yet."""
    return config.stash.get(STATE, None)
