# SPDX-License-Identifier: Apache-2.0
"""Tests that need no second program of ours, run once more by an ordinary user where we are root: the attacks on boxes
above all. (The suites of the engine take both accounts by their fixture ``windows``.)"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from support import programs, users

pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parents[1]
SUITES = (
    "imagebuild/sandbox/test_adapters.py", "imagebuild/sandbox/test_archive.py", "imagebuild/sandbox/test_box.py",
    "imagebuild/sandbox/test_changes.py", "imagebuild/sandbox/test_escapes.py", "imagebuild/sandbox/test_folder.py",
    "imagebuild/sandbox/test_identity.py", "imagebuild/sandbox/test_leftover.py", "imagebuild/sandbox/test_names.py",
    "imagebuild/sandbox/test_overlay.py", "imagebuild/sandbox/test_roots.py", "imagebuild/sandbox/test_talks.py",
    "imagebuild/sandbox/test_targets.py", "imagebuild/sandbox/test_template.py",
    "imagebuild/sandbox/test_unpack.py", "imagebuild/engine/test_bad_ends.py", "imagebuild/engine/test_containers.py",
    "imagebuild/engine/test_hostpath.py", "imagebuild/engine/test_modes.py", "imagebuild/engine/test_mounts.py",
    "imagebuild/engine/test_net_process.py", "imagebuild/engine/test_volumes.py")


@pytest.mark.parametrize("suite", SUITES)
def test_a_suite_passes(suite: str) -> None:
    if os.geteuid():
        pytest.skip("the tests run as an ordinary user already")
    with programs.skipping():
        user = users.ordinary()
    with user.folder() as folder:
        environment = {**user.environment(), "WCOW_TEST_CACHE": str(user.home), "TMPDIR": str(folder),
                       "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
        environment.pop("PYTEST_XDIST_WORKER", None)
        done = subprocess.run(
            [user.python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "-c", HERE.parent /
             "pyproject.toml", "--rootdir", HERE.parent, "--basetemp", folder / "base", HERE / suite],
            env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=500, **user.popen())
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
