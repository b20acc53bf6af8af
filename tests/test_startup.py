# SPDX-License-Identifier: Apache-2.0
"""``wcow --version`` loads almost nothing, so that it and shell completion are quick.

How long it takes is measured by ``make bench``; a test on a busy machine can only look at what is loaded.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parent.parent / "imagebuild"

#: Slow to import, and of no use to somebody who asks for the version.
HEAVY = {"asyncio", "concurrent.futures", "email", "filelock", "hashlib", "http.client", "importlib.metadata", "isal",
         "platformdirs", "requests", "rich", "sqlite3", "ssl", "tarfile", "urllib3", "xml", "zstandard"}

PROBE = """
import contextlib, io, json, sys
before = set(sys.modules)
out = io.StringIO()
with contextlib.redirect_stdout(out):
    try:
        from imagebuild.cli import main
        sys.argv = ["wcow", "--version"]
        code = main()
    except SystemExit as end:
        code = end.code
print(json.dumps({"code": code or 0, "out": out.getvalue(), "loaded": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def version() -> dict[str, object]:
    if not (LIBRARY / "cli").is_dir():
        pytest.skip("there is no command line in this tree")
    done = subprocess.run([sys.executable, "-I", "-c", PROBE], capture_output=True, text=True, check=True)
    answer: dict[str, object] = json.loads(done.stdout)
    return answer


def test_the_version_is_the_version_of_the_package(version: dict[str, object]) -> None:
    from imagebuild import __version__

    assert version["code"] == 0
    assert __version__ in str(version["out"])


def test_asking_for_the_version_loads_no_heavy_module(version: dict[str, object]) -> None:
    loaded = version["loaded"]
    assert isinstance(loaded, list)
    assert not HEAVY & set(loaded)


def test_asking_for_the_version_loads_no_room_but_the_command_line(version: dict[str, object]) -> None:
    loaded = version["loaded"]
    assert isinstance(loaded, list)
    rooms = {name.split(".")[1] for name in loaded if name.startswith("imagebuild.")}
    assert rooms <= {"cli", "errors"}
