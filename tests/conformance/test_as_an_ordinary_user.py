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
RUNTIME, ENGINE = HERE / "imagebuild" / "runtime", HERE / "imagebuild" / "engine"


def files_of(room: Path, folders: dict[str, str]) -> list[Path]:
    """The test files of a room's folders, each named by its modules."""
    return [room / folder / f"test_{name}.py" for folder, names in folders.items() for name in names.split()]


SUITES = {
    **{path.stem.removeprefix("test_"): [path] for path in files_of(RUNTIME, {
        "": "adapters console drives escapes lean names programs screen", "linux": "leftover targets vital",
        "registry": "identity roots", "snapshots": "archive changes overlay", "unpacking": "unpack",
        "wine": "box folder template"})},
    "small files of the runtime": files_of(RUNTIME, {
        "": "uses", "linux": "launch seccomp", "snapshots": "drive", "unpacking": "os_layers",
        "wine": "altered talks"}),
    "the engine's containers and networks": files_of(ENGINE, {
        "": "bad_ends modes", "containers": "lifecycle restart", "networks": "collection process",
        "volumes": "hostpath mounts volumes"}),
    "hostile clients and images of the engine": files_of(ENGINE, {
        "": "bad_clients bad_images bad_requests", "serving": "serve"}),
    "more of the runtime": files_of(RUNTIME, {
        "": "jobs links memory messagebox reparse services way", "linux": "idmapped joined limits",
        "snapshots": "archive_write merged writer_process"}),
    "words, keys and real programs of the runtime": files_of(RUNTIME, {
        "": "cmd_same cmd_words real_programs", "registry": "cpu_keys", "wine": "kernelbase"}),
    "contexts and archives of strangers": [
        *sorted((HERE / "imagebuild" / "builder" / "context").glob("test_*.py")),
        *(HERE / name for name in ("conformance/test_bombs.py", "imagebuild/dockerfile/text/test_bounds.py",
                                   "imagebuild/fetch/test_git.py", "imagebuild/dockerapi/http/test_server.py"))],
}
_NAMED = {path for paths in SUITES.values() for path in paths}
_OTHERS = [path for path in sorted(ENGINE.rglob("test_*.py")) if path not in _NAMED and path.name != "test_starting.py"]
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
