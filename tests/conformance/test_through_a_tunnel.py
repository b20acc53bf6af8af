# SPDX-License-Identifier: Apache-2.0
"""The tests of containers and of the pytest plugin, once more: their clients reach the engine through a tunnel over
WinRM."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import programs

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[2]


def test_the_tests_of_containers_and_of_the_plugin_pass_through_a_tunnel() -> None:
    with programs.skipping():
        programs.find("docker")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-m", "not slow",
         "tests/imagebuild/containers", "tests/pytest_wcow"], cwd=TOP, capture_output=True, text=True, timeout=1500,
        env={**os.environ, "WCOW_TEST_TUNNEL": "winrm"}, check=False)
    found = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-4000:]
    assert found is not None and int(found[1]) > 150
