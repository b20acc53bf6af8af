# SPDX-License-Identifier: Apache-2.0
"""The docker command against the engine's images: what people type, and what they read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images, programs
from support.builds import NANOSERVER
from support.engine_images import Served, connect, owner, put, repository, serving
from support.registry_double import RegistryDouble

from imagebuild.codec import Compression
from imagebuild.engine.images.transfer.registry import Registries
from imagebuild.images.bases.base import BaseRequest, make_base
from imagebuild.oci import Reference
from imagebuild.stores import ArchiveStore, LayoutStore
from imagebuild.windows import filetime

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
REPOSITORY = EXAMPLES.parent


class Docker:
    """``docker -H …``, with a configuration of its own."""

    def __init__(self, served: Served, folder: Path) -> None:
        with programs.skipping():
            self.program = programs.find("docker")
        self.served = served
        self.folder = folder

    def __call__(self, *words: str, ok: bool = True) -> str:
        done = subprocess.run([self.program, "-H", self.served.address, *words], capture_output=True, text=True,
                              timeout=60, check=False, env={**os.environ, "DOCKER_CONFIG": str(self.folder / "config"),
                                                            "DOCKER_BUILDKIT": "0"})
        assert (done.returncode == 0) is ok, done.stdout + done.stderr
        return (done.stdout if ok else done.stderr).strip()


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[Docker]:
    with serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as served:
        yield Docker(served, tmp_path)


def test_load_list_tag_history_save_and_remove(docker: Docker, tmp_path: Path) -> None:
    with ArchiveStore(tmp_path / "in.tar", create=True) as archive:
        images.sample(archive, "docker.io/library/app:1")
    assert docker("load", "-q", "-i", str(tmp_path / "in.tar")) == "Loaded image: app:1"
    assert docker("images", "--format", "{{.Repository}}:{{.Tag}}") == "app:1"
    docker("tag", "app:1", "other:2")
    assert "step 1" in docker("history", "app:1")
    assert docker("inspect", "-f", "{{.Os}} {{.OsVersion}}", "other:2") == "windows 10.0.20348.2762"
    docker("save", "-o", str(tmp_path / "out.tar"), "app:1", "other:2")
    assert docker("rmi", "app:1", "other:2").splitlines()[0] == "Untagged: app:1"
    assert docker("images", "-q") == ""
    assert docker("load", "-i", str(tmp_path / "out.tar")).splitlines()[-1] == "Loaded image: other:2"


def test_pull_and_push(docker: Docker) -> None:
    with RegistryDouble() as double:
        _, descriptor = images.sample(repository(double), "1")
        name = f"{double.host}/team/app"
        out = docker("pull", f"{name}:1").splitlines()
        assert out[0] == "1: Pulling from team/app"
        assert out[-3:] == [f"Digest: {descriptor.digest}", f"Status: Downloaded newer image for {name}:1", f"{name}:1"]
        docker("tag", f"{name}:1", f"{name}:2")
        assert f"2: digest: {descriptor.digest}" in docker("push", f"{name}:2")
        assert repository(double).resolve("2").digest == descriptor.digest
        assert docker("pull", f"{name}:9", ok=False).startswith(
            f"Error response from daemon: manifest for {name}:9 not found")


def test_images_go_to_and_come_from_a_real_registry(docker: Docker) -> None:
    with programs.skipping(), programs.registry() as registry:
        name = f"{registry.host}/team/app:1"
        identifier = put(docker.served.engine, name)
        docker("push", name)
        docker("rmi", name)
        docker("pull", "-q", name)
        assert docker("images", "-q", "--no-trunc") == identifier


def test_prune_and_a_conflict_read_as_with_docker(docker: Docker) -> None:
    identifier = put(docker.served.engine, "app:1")
    docker.served.engine.images.use(identifier, "d" * 64)
    assert docker("rmi", "app:1", ok=False).startswith(
        'Error response from daemon: conflict: unable to remove repository reference "app:1" (must force) - container '
        "dddddddddddd is using")
    docker("rmi", "-f", "app:1")
    docker.served.engine.images.release("d" * 64)
    put(docker.served.engine)
    assert "Total reclaimed space" in docker("image", "prune", "-f")


def test_the_example_is_built_as_wcow_builds_it(docker: Docker, tmp_path: Path) -> None:
    shelf = docker.served.engine.images.shelf
    request = BaseRequest(flavour="nanoserver", os_version="10.0.20348.2762", epoch=filetime.DOS_EPOCH,
                          compression=Compression())
    with shelf.writing() as store:
        _, descriptor = make_base(request, store)
        shelf.keep(store, descriptor, [Reference.parse(NANOSERVER)])
    folder = shutil.copytree(EXAMPLES / "app", tmp_path / "app")
    out = docker("build", "-t", "app:1", str(folder))
    assert "Successfully tagged app:1" in out


    with LayoutStore(tmp_path / "store", create=True) as local:
        make_base(request, local, tag=NANOSERVER)
    built = programs.run(sys.executable, "-m", "imagebuild", "build", "--offline",
                         "--iidfile", tmp_path / "id", str(folder), cwd=REPOSITORY,
                         env={"WCOW_STORE": str(tmp_path / "store"), "WCOW_CACHE": str(tmp_path / "cache")})
    assert built.returncode == 0
    assert docker("images", "-q", "--no-trunc", "app:1") == (tmp_path / "id").read_text()
