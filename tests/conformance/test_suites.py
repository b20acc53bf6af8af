# SPDX-License-Identifier: Apache-2.0
"""Other people's tests against the embedded engine (``make suites``): each suite that is to be had passes the bar.

aiodocker's comes from PyPI; for the others ``WCOW_SUITES`` names a folder with checkouts."""

from __future__ import annotations

import faulthandler
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
TOP = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("suite", ["aiodocker", "docker-py", "testcontainers-python"])
def test_a_suite_passes_the_bar(suite: str) -> None:
    faulthandler.cancel_dump_traceback_later()  # a suite takes longer than a test may; each of its tests has a limit
    done = subprocess.run([sys.executable, TOP / "scripts" / "suites", suite], capture_output=True, text=True,
                          check=False)
    if done.returncode == 3:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    assert f"{suite} " in done.stdout.splitlines()[-1]
