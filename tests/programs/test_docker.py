# SPDX-License-Identifier: Apache-2.0
"""``docker-daemon:`` and archives, with a real dockerd of each kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import programs

if TYPE_CHECKING:
    from support.home import Home

pytestmark = pytest.mark.slow


def test_an_image_goes_into_docker_and_comes_back(home: Home, app: str, dockerd: programs.Daemon) -> None:
    environment = {"DOCKER_HOST": dockerd.host}
    assert home.wcow("copy", "app:1", "docker-daemon:here/app:1", **environment).out == f"{app}\n"
    assert "windows" in dockerd.docker("image", "inspect", "--format", "{{.Os}}", "here/app:1").stdout
    assert home.wcow("cat", "docker-daemon:here/app:1", "/app/readme.txt", **environment).raw == b"hello\n"
    home.wcow("copy", "docker-daemon:here/app:1", "back:1", **environment)
    assert home.wcow("digest", "--offline", "back:1").out == f"{app}\n"


def test_docker_load_takes_an_archive_under_its_name(home: Home, app: str, dockerd: programs.Daemon) -> None:
    home.wcow("tag", "app:1", "registry.example/loaded:2")
    home.wcow("copy", "registry.example/loaded:2", "docker-archive:app.tar")
    dockerd.docker("load", "-i", home.folder / "app.tar")
    dockerd.docker("image", "inspect", "registry.example/loaded:2")


def test_a_docker_that_keeps_linux_images_only_says_so(
        home: Home, app: str, plain_dockerd: programs.Daemon) -> None:
    failed = home.wcow("copy", "app:1", "docker-daemon:app:1", code=3, DOCKER_HOST=plain_dockerd.host)
    assert "containerd" in failed.err and len(failed.err.rstrip().splitlines()) <= 6


def test_no_docker_at_all_is_one_clear_error(home: Home, app: str) -> None:
    failed = home.wcow("copy", "app:1", "docker-daemon:app:1", code=3,
                       DOCKER_HOST=f"unix://{home.folder}/none.sock")
    assert "cannot reach an engine at unix://" in failed.err
