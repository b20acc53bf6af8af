# SPDX-License-Identifier: Apache-2.0
"""The official archives of Docker for Windows, and docker.exe in the store."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import made_programs

from imagebuild.errors import FetchError, InputError, ToolError, UnsupportedError
from imagebuild.fetch import MemoryFetcher
from imagebuild.programs import DOCKER_CLI, ProgramStore, fetch_docker, newest_docker
from imagebuild.programs.docker import RELEASES, our_daemon
from imagebuild.programs.store import UNVERSIONED
from imagebuild.runtime import toolchain

BASE = "https://mirror.example/x86_64"
PAGE = b"""<a href="docker-9.9.9.zip">docker-9.9.9.zip</a> <a href="docker-28.10.0.zip">\
docker-28.10.0.zip</a> <a href="docker-28.9.1.zip"></a> <a href="docker-29.0.0-rc.1.zip"></a>"""


def test_the_newest_release_is_the_highest_number_on_the_page() -> None:
    assert newest_docker(MemoryFetcher({f"{BASE}/": PAGE}), f"{BASE}/") == "28.10.0"
    for wrong in (b"", b"<html>", b"docker-x.zip"):
        with pytest.raises(InputError, match="links no docker-VERSION"):
            newest_docker(MemoryFetcher({f"{BASE}/": wrong}), BASE)
    with pytest.raises(FetchError):
        newest_docker(MemoryFetcher({}), BASE)


def test_a_release_lies_below_the_page() -> None:
    fetcher = MemoryFetcher({f"{BASE}/docker-28.10.0.zip": b"zip"})
    with fetch_docker(fetcher, "28.10.0", releases=BASE) as download:
        assert download.path.read_bytes() == b"zip"
    for wrong in ("", "28", "../28.1.0", "28.1.0/x"):
        with pytest.raises(InputError, match="is not a version of Docker"):
            fetch_docker(fetcher, wrong, releases=BASE)
    assert RELEASES.startswith("https://download.docker.com/")


def test_a_docker_exe_that_says_no_version_is_taken_and_one_for_arm_is_not(tmp_path: Path) -> None:
    store = ProgramStore(tmp_path / "programs")
    source = tmp_path / "docker"
    source.mkdir()
    (source / "docker.exe").write_bytes(made_programs.program())
    assert store.install(DOCKER_CLI, source).version == UNVERSIONED
    (source / "docker.exe").write_bytes(made_programs.program(version="28.4.0"))
    assert store.install(DOCKER_CLI, source).version == "28.4.0"
    (source / "docker.exe").write_bytes(made_programs.program(machine=0xAA64))
    with pytest.raises(UnsupportedError, match="it is for arm64"):
        store.install(DOCKER_CLI, source)


def test_a_compiler_that_fails_is_an_error_of_its_own_and_not_a_fault(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_home: Path) -> Path:
        raise toolchain.CompileError("launcher.exe: No space left on device\n  58 | }\ncompilation terminated.")

    monkeypatch.setattr(toolchain, "find", full)
    with pytest.raises(ToolError, match=r"^cannot make dockerd\.exe: launcher\.exe: No space left on device$"):
        our_daemon(tmp_path)
