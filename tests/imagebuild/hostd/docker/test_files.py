# SPDX-License-Identifier: Apache-2.0
"""Docker's programs on the drive of a host, and the zip of another version."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from imagebuild.errors import InputError, IntegrityError, StoreError, UnsupportedError
from imagebuild.hostd.docker import files as docker_files
from imagebuild.hostd.record import HostPlace
from imagebuild.programs.docker import with_version

DAEMON = b"MZ..." + b"wcow-dockerd-version=26.1.5".ljust(64, b"\0") + b"...end"


@pytest.fixture
def place(tmp_path: Path) -> HostPlace:
    (tmp_path / "win" / "drive").mkdir(parents=True)
    (tmp_path / "docker.exe").write_bytes(b"MZ")
    return HostPlace(tmp_path / "win")


def test_a_program_is_put_on_the_drive_and_replaced(place: HostPlace, tmp_path: Path) -> None:
    for content in (b"MZ one", b"MZ two"):
        (tmp_path / "docker.exe").write_bytes(content)
        docker_files.lay(place, tmp_path / "docker.exe", "docker.exe")
        folder = place.drive / "Program Files" / "docker"
        assert [one.name for one in folder.iterdir()] == ["docker.exe"]
        assert (folder / "docker.exe").read_bytes() == content


@pytest.mark.parametrize("link", ["Program Files", "Program Files/docker"])
def test_a_link_that_a_program_of_the_host_made_leads_nowhere(place: HostPlace, tmp_path: Path, link: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (place.drive / link).parent.mkdir(exist_ok=True)
    (place.drive / link).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot put"):
        docker_files.lay(place, tmp_path / "docker.exe", "docker.exe")
    assert not [*(tmp_path / "elsewhere").iterdir()]


def test_a_zip_has_the_form_of_dockers_and_says_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCOW_ENGINE_ROOT", str(tmp_path / "engine"))
    (tmp_path / "dockerd.exe").write_bytes(DAEMON)
    monkeypatch.setattr(docker_files, "our_daemon", lambda home: tmp_path / "dockerd.exe")
    for name in ("a.zip", "b.zip"):
        docker_files.write_zip("24.0.7", tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["docker/", "docker/dockerd.exe"]
        assert archive.read("docker/dockerd.exe") == DAEMON.replace(b"26.1.5", b"24.0.7")


def test_a_version_that_is_none_is_refused() -> None:
    assert with_version(with_version(DAEMON, "1.22.333-rc1"), "26.1.5") == DAEMON
    for version in ("", "24", "24.0.7.1", "24.0.7\0", "x" * 60):
        with pytest.raises(InputError, match="is not a version of Docker"):
            with_version(DAEMON, version)
    with pytest.raises(UnsupportedError, match="it is not ours"):
        with_version(b"MZ", "24.0.7")


def test_a_checksum_is_that_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "docker.exe").write_bytes(b"")
    empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert docker_files.digest_of(tmp_path / "docker.exe", None) == empty
    assert docker_files.digest_of(tmp_path / "docker.exe", empty.upper().replace("SHA", "sha")) == empty
    with pytest.raises(IntegrityError):
        docker_files.digest_of(tmp_path / "docker.exe", "sha256:00")
