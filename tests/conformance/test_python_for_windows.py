# SPDX-License-Identifier: Apache-2.0
"""``wcow`` under python.org's Python for Windows, which runs in a box of the sandbox: it loads, builds what Linux
builds, and says what it cannot do there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import programs, sandboxes, windows_programs
from support.sandboxes import Boxes, run

from imagebuild.cli.app import run as wcow

TOP = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow

#: Loads every module but those that need Linux, then runs command lines.
PROBE = r"""
import contextlib, importlib, io, json, os, sys
sys.path[:0] = [r"C:\wcow", r"C:\site"]
wrong, names = [], []
for folder, _, files in os.walk(r"C:\wcow\imagebuild"):
    inner = os.path.relpath(folder, r"C:\wcow").split(os.sep)
    for file in files:
        if file.endswith(".py") and file != "__main__.py":
            if inner[1:2] in (["sandbox"], ["engine"], ["hostd"]) and (len(inner) > 2 or file != "__init__.py"):
                continue
            names.append(".".join([*inner, file[:-3]]).removesuffix(".__init__"))
for name in sorted(names):
    try:
        importlib.import_module(name)
    except Exception as error:
        wrong.append(f"{name}: {type(error).__name__}: {error}")
from imagebuild.cli.app import run
said = []
for arguments in json.loads(sys.stdin.read()):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", newline="\n") for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    said.append([code, *(one.flush() or one.buffer.getvalue().decode() for one in (out, err))])
print(json.dumps({"python": sys.version, "platform": sys.platform, "modules": len(names), "wrong": wrong,
                  "said": said}))
"""
STORE = ["--store", r"C:\store"]
BASE = ["base", "create", "--like", "nanoserver", "--os-version", "10.0.20348.2762", "-t", "base:1", "-q"]
BUILD = ["build", "-q", "-t", "app:1"]
LINES = [[*BASE, *STORE], [*BUILD, *STORE, r"C:\wcow\context"], ["cat", "-q", *STORE, "app:1", r"C:\site\page.txt"],
         ["lint", *STORE, "app:1"], ["copy", "-q", *STORE, "app:1", r"oci-archive:C:\app.tar"],
         ["doctor", "explain", "hcsshim::CreateComputeSystem: 0xc0370101"], ["engine", "status"], ["run", "app:1"],
         ["--help"]]


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("context")
    (folder / "Dockerfile").write_bytes(b"FROM base:1\nCOPY page.txt C:/site/\nENV X=1\n")
    (folder / "page.txt").write_bytes(b"hello\n")
    return folder


@pytest.fixture(scope="module")
def found(context: Path) -> Iterator[dict[str, Any]]:
    with programs.skipping():
        python, sandbox = windows_programs.python(), sandboxes.open_sandbox()
    with sandboxes.folder() as root:
        boxes = Boxes(sandbox, root)
        home = boxes.layer / "wcow"
        shutil.copytree(TOP / "imagebuild", home / "imagebuild", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(context, home / "context")
        (home / "probe.py").write_text(PROBE)
        for path in [boxes.layer, *boxes.layer.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o644)
        try:
            done = run(boxes.open(layers=(python, boxes.layer)), r"C:\python\python.exe -I C:\wcow\probe.py",
                       stdin=json.dumps(LINES).encode())
        finally:
            boxes.close()
            sandbox.close()
    assert done.code == 0 and done.out.strip(), done
    yield json.loads(done.out.splitlines()[-1])


def test_every_room_loads_in_python_for_windows(found: dict[str, Any]) -> None:
    assert found["platform"] == "win32" and found["python"].startswith("3.13")
    assert not found["wrong"], "\n".join(found["wrong"])
    assert found["modules"] > 300


def test_a_build_on_windows_gives_the_digests_of_linux(
        found: dict[str, Any], context: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "store")]
    assert (wcow([*BASE, *store]), wcow([*BUILD, *store, str(context)])) == (0, 0)
    mine = [line for line in capsys.readouterr().out.splitlines() if line.startswith("sha256:")]
    base, build, page, lint, copied = found["said"][:5]
    assert [base[1].split()[-1], build[1].split()[-1]] == mine, (base, build)
    assert page[:2] == [0, "hello\n"], page
    assert lint[0] == 0
    assert copied[1].split()[-1] == mine[1]


def test_what_needs_linux_says_so_there(found: dict[str, Any]) -> None:
    explained, status, ran, shown = found["said"][5:]
    assert "0xc0370101" in explained[1]
    for code, out, err in (status, ran):
        assert (code, out) == (3, "")
        assert err.splitlines()[:2] == [
            "error: the embedded engine runs on Linux only",
            "  this machine runs Windows, and the engine needs Wine in Linux's namespaces"]
    assert shown[0] == 0 and shown[1].startswith("Usage: wcow")
