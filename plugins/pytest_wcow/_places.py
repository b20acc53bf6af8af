# SPDX-License-Identifier: Apache-2.0
"""The folders of the plugin: one of the user for what outlives a run, one of a run that xdist's workers share."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

import pytest


@cache
def state_folder() -> Path:
    """The user's folder for locks and shared containers."""
    from imagebuild.files import state_folder as users

    folder = users() / "pytest"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


def run_id(config: pytest.Config) -> str:
    """What tells this run from others: the same in the controller of xdist and all of its workers."""
    shared = os.environ.get("PYTEST_XDIST_TESTRUNUID") if worker_id(config) else ""
    return (shared or getattr(config.option, "testrunuid", None) or _OWN)[:16]


def worker_id(config: pytest.Config) -> str:
    """``gw0`` in a worker of xdist, empty elsewhere."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


_OWN = os.urandom(8).hex()
