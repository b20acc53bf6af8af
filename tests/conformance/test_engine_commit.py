# SPDX-License-Identifier: Apache-2.0
r"""``docker commit``, by the real command, of what was done in a container, and what ``wcow`` then finds."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
import uuid
from pathlib import Path

import pytest
from support.engine import IMAGE, Engine

from imagebuild.dockerapi import Client

pytestmark = pytest.mark.slow


def wcow(home: Path, *args: str | Path) -> str:
    """``wcow ARGS``: what it said; a failure when it fails."""
    done = subprocess.run([sys.executable, "-m", "imagebuild", *map(str, args)], capture_output=True, text=True,
                          timeout=60, check=False, env={"HOME": str(home), "PATH": "/usr/bin:/bin"})
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def committed(windows: Engine, folder: Path, line: str) -> Path:
    """An archive of what a container became that ran a line of cmd."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    out = folder / f"{name}.tar"
    windows.docker("run", "--name", name, IMAGE, "cmd", "/c", line)
    windows.docker("commit", name, f"{name}:1")
    windows.docker("rm", name)
    windows.docker("save", "--output", out, f"{name}:1")
    windows.docker("rmi", f"{name}:1")
    return out


def test_files_links_and_registry_become_a_layer_that_windows_would_take(windows: Engine, tmp_path: Path) -> None:
    before = tmp_path / "before.tar"
    windows.docker("save", "--output", before, IMAGE)
    after = committed(windows, tmp_path, (
        r"mkdir C:\new\sub & echo text> C:\new\file.txt & del C:\app\hello.txt & cd /d C:\new & mklink soft file.txt"
        r"& mklink /D folder sub & mklink /J junction C:\new\sub"
        r"& reg add HKLM\Software\Acme /v Version /d 7 /f"
        r"& reg add HKLM\System\CurrentControlSet\Services\Acme /v Start /t REG_DWORD /d 3 /f"))
    assert "nothing found" in wcow(tmp_path, "lint", f"oci-archive:{after}")
    found = wcow(tmp_path, "diff", "-q", f"oci-archive:{before}", f"oci-archive:{after}")
    files = found[found.index("Files\n"):found.index("Registry\n")].splitlines()[1:]
    assert [line.split("  ")[0] for line in files if line] == [
        r"- C:\app\hello.txt", r"+ C:\new", r"+ C:\new\file.txt", r"+ C:\new\folder", r"+ C:\new\junction",
        r"+ C:\new\soft", r"+ C:\new\sub"]
    links = [line.split("  ")[1] for line in files if "->" in line]
    assert links == ["directory symlink -> sub", r"junction -> C:\new\sub", "symlink -> file.txt"]
    registry = found[found.index("Registry\n"):found.index("Config\n")].splitlines()[1:]
    assert [line.split() for line in registry if line.strip()] == [
        ["+", r"HKEY_LOCAL_MACHINE\SOFTWARE\Acme"], ["+", "Version", "REG_SZ", "7"],
        ["+", r"HKEY_LOCAL_MACHINE\SYSTEM\ControlSet001\Services\Acme"], ["+", "Start", "REG_DWORD", "0x3"]]


def test_a_container_that_did_nothing_commits_to_an_empty_layer(windows: Engine, tmp_path: Path) -> None:
    after = committed(windows, tmp_path, "ver")
    assert "nothing found" in wcow(tmp_path, "lint", f"oci-archive:{after}")
    before = tmp_path / "before.tar"
    windows.docker("save", "--output", before, IMAGE)
    found = json.loads(wcow(tmp_path, "diff", "-q", "--format", "json", f"oci-archive:{before}",
                            f"oci-archive:{after}"))
    assert not found["files"]
    assert not found["registry"]


DEEP = 3000
"""Folders in each other: more than Python has frames, than the engine has descriptors, than Linux takes in a path."""


def test_a_tree_of_three_thousand_folders_is_copied_in_committed_and_removed(windows: Engine) -> None:
    """More levels than a path of Linux can have, so no program of the container makes them: a copy does."""
    name = f"c-{uuid.uuid4().hex[:8]}"
    identifier = windows.docker("create", "--name", name, IMAGE, "cmd", "/c", "dir C:\\d").stdout.strip()
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for depth in range(1, DEEP + 1):
            one = tarfile.TarInfo("/".join(["d"] * depth))
            one.type = tarfile.DIRTYPE
            tar.addfile(one)
    with (Client.at(windows.host, timeout=120) as client,
          client.call("PUT", f"/containers/{identifier}/archive", query={"path": "C:\\"},
                      body=content.getvalue()) as answer):
        answer.read()
    try:
        windows.docker("commit", name, f"{name}:1")
        windows.docker("run", "--rm", f"{name}:1", "cmd", "/c", "dir C:\\d")
        windows.docker("rmi", f"{name}:1")
    finally:
        windows.docker("rm", name)  # in any case: shutil.rmtree of older Pythons cannot remove such a tree
    assert not (windows.root / "containers" / identifier).exists()
