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
SANDBOX, ENGINE = HERE / "imagebuild" / "runtime", HERE / "imagebuild" / "engine"
SUITES = {
    **{name: [SANDBOX / f"test_{name}.py"] for name in (
        "adapters", "archive", "box", "changes", "console", "drives", "escapes", "folder", "identity", "leftover",
        "lean", "names", "overlay", "programs", "roots", "screen", "targets", "template", "unpack", "vital")},
    "small files of the sandbox": [SANDBOX / f"test_{name}.py" for name in (
        "altered", "drive", "launch", "os_layers", "seccomp", "talks", "uses")],
    "the engine's containers and networks": [ENGINE / f"test_{name}.py" for name in (
        "bad_ends", "containers", "hostpath", "modes", "mounts", "net_process", "networks", "restart", "volumes")],
    "hostile clients and images of the engine": [ENGINE / f"test_{name}.py" for name in (
        "bad_clients", "bad_images", "bad_requests", "serve")],
    "more of the sandbox": [SANDBOX / f"test_{name}.py" for name in (
        "archive_write", "idmapped", "jobs", "joined", "limits", "links", "memory", "merged", "messagebox", "reparse",
        "services", "unpack_beside", "way")],
    "words, keys and real programs of the sandbox": [SANDBOX / f"test_{name}.py" for name in (
        "cmd_same", "cmd_words", "cpu_keys", "kernelbase", "real_programs")],
    "contexts and archives of strangers": [
        *sorted((HERE / "imagebuild" / "builder").glob("test_context_*.py")),
        *(HERE / name for name in ("conformance/test_bombs.py", "imagebuild/dockerfile/text/test_bounds.py",
                                   "imagebuild/fetch/test_git.py", "imagebuild/dockerapi/http/test_server.py"))],
}
_NAMED = {path for paths in SUITES.values() for path in paths}
_OTHERS = [path for path in sorted(ENGINE.glob("test_*.py")) if path not in _NAMED and path.name != "test_starting.py"]
# Those of test_starting.py start engines with another environment than the account needs to find the library.
SUITES |= {"the rest of the engine, first half": _OTHERS[::2], "the rest of the engine, second half": _OTHERS[1::2]}
"""Files by what a failure is called. Those of one name share a Python; a file that makes many boxes has its own, for
the limit of time."""


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
             "pyproject.toml", "--rootdir", HERE.parent, "--basetemp", folder / "base", *SUITES[suite]],
            env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=500, **user.popen())
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
