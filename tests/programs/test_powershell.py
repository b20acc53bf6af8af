# SPDX-License-Identifier: Apache-2.0
"""``wcow powershell install``, ``status`` and ``remove``, against a local server that stands for the public one."""

from __future__ import annotations

import functools
import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import made_programs

if TYPE_CHECKING:
    from conftest import Home


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Path, list[str]]]:
    """A folder that is served as releases are, and the options that name it."""
    folder = tmp_path / "served"
    (folder / "v7.6.9").mkdir(parents=True)
    data = made_programs.archive(made_programs.powershell())
    (folder / "v7.6.9" / "PowerShell-7.6.9-win-x64.zip").write_bytes(data)
    (folder / "v7.6.9" / "hashes.sha256").write_text(
        f"{hashlib.sha256(data).hexdigest().upper()} *PowerShell-7.6.9-win-x64.zip\n")
    (folder / "newest.json").write_text(json.dumps({"ReleaseTag": "v7.6.9"}))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    yield folder, ["--releases", address, "--newest", f"{address}/newest.json"]
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_newest_release_is_installed_shown_and_removed(home: Home, tmp_path: Path,
                                                           releases: tuple[Path, list[str]]) -> None:
    root = ["--root", str(tmp_path / "engine")]  # --no-prepare: what is installed here has no program in it
    none = home.wcow("powershell", "status", *root, code=1)
    assert none.out == "PowerShell is not installed; install it: wcow powershell install\n"
    done = home.wcow("powershell", "install", *root, *releases[1], "--no-prepare")
    assert done.out == "PowerShell 7.6.9\n" and "downloading PowerShell 7.6.9" in done.err
    facts = json.loads(home.wcow("powershell", "status", *root, "--format", "json").out)
    assert facts["version"] == "7.6.9" and Path(facts["folder"], "pwsh.exe").is_file()
    assert home.wcow("powershell", "remove", *root).out == "PowerShell 7.6.9 is removed\n"
    assert "not installed" in home.wcow("powershell", "remove", *root, code=2).err


def test_what_was_changed_on_its_way_is_not_installed(home: Home, tmp_path: Path,
                                                      releases: tuple[Path, list[str]]) -> None:
    root = ["--root", str(tmp_path / "engine")]
    (releases[0] / "v7.6.9" / "PowerShell-7.6.9-win-x64.zip").write_bytes(b"changed")
    failed = home.wcow("powershell", "install", *root, *releases[1], code=3)
    assert "its checksum is sha256:" in failed.err
    home.wcow("powershell", "status", *root, code=1)


def test_a_file_is_installed_and_a_wrong_one_is_named(home: Home, tmp_path: Path) -> None:
    root = ["--root", str(tmp_path / "engine")]
    archive = tmp_path / "pwsh.zip"
    archive.write_bytes(made_programs.archive(made_programs.powershell(machine=made_programs.ARM64)))
    failed = home.wcow("powershell", "install", *root, "--from", str(archive), code=2)
    assert failed.err.endswith("error: cannot install pwsh.zip as PowerShell\n  it is for arm64\n"
                               "  containers here are windows/amd64: take the archive for x64\n")
    assert "there is no nosuch.zip" in home.wcow("powershell", "install", *root, "--from", "nosuch.zip", code=2).err
    archive.write_bytes(made_programs.archive(made_programs.powershell()))
    assert home.wcow("powershell", "install", *root, "-q", "--no-prepare", "--from",
                     str(archive)).out == "PowerShell 7.6.9\n"
    both = home.wcow("powershell", "install", *root, "--from", str(archive), "--version", "7.6.9", code=2)
    assert "exclude each other" in both.err
