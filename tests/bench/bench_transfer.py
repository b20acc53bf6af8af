# SPDX-License-Identifier: Apache-2.0
"""Images to and from a local ``docker-registry``, beside ``skopeo copy``, ``crane`` and ``buildah``.

``BENCH_MB`` is the size of the eight layers together (default 1024, which the bar is for).
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import plain_images as images
from support import programs
from support.bench import WCOW, Contender, Report, race

from imagebuild.stores import LayoutStore

LAYERS = 8
SIZE = int(os.environ.get("BENCH_MB", "1024")) << 20


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """An image of eight layers that do not compress."""
    chance = random.Random(1)
    with LayoutStore(tmp_path / "layout", create=True) as store:
        layers = [images.layer_tar(f"Files/{number}", chance.randbytes(SIZE // LAYERS)) for number in range(LAYERS)]
        images.store(store, images.sample(*layers), *layers, tag="1")
    return tmp_path / "layout"


def without(*folders: Path) -> Callable[[], None]:
    """What makes a run begin with none of these."""
    def remove() -> None:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
    return remove


def test_pull_and_push(tmp_path: Path, layout: Path, registry: programs.Registry, report: Report) -> None:
    """A registry to a folder and back; ours from there to the local store, skopeo's to an OCI layout."""
    with programs.skipping():
        skopeo = programs.find("skopeo")
    name = f"{registry.host}/bench/pull:1"
    programs.run(skopeo, "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1", f"docker://{name}")
    ours, theirs = tmp_path / "store", tmp_path / "theirs"
    title = f"of {SIZE >> 20} MB in {LAYERS} layers that do not compress"
    report.table(f"Pull {title} from a local docker-registry", race([
        Contender("wcow", [*WCOW, "pull", "-q", "--all", name], without(ours), {"WCOW_STORE": str(ours)}),
        Contender("skopeo copy", [skopeo, "copy", "-q", "--src-tls-verify=false", f"docker://{name}",
                                  f"oci:{theirs}:1"], without(theirs))]), "not slower than skopeo copy")
    forget = without(registry.root / "docker")  # a blob that a registry has anywhere, it would only link
    report.table(f"Push {title} to a local docker-registry", race([
        Contender("wcow", [*WCOW, "copy", "-q", f"oci:{layout}:1", f"docker://{registry.host}/bench/ours:1"], forget),
        Contender("skopeo copy", [skopeo, "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:1",
                                  f"docker://{registry.host}/bench/theirs:1"], forget)]))


def test_build_and_push(tmp_path: Path, half_compressible: Path, registry: programs.Registry, report: Report) -> None:
    """Files to an image in a registry. crane is given a ready tar, and builds nothing."""
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . C:/app/\n")
    store, cache, blobs = tmp_path / "store", tmp_path / "cache", registry.root / "docker"
    contenders = [Contender("wcow", [*WCOW, "build", "-q", "-t", f"{registry.host}/bench/ours:1", "--push",
                                     "-f", dockerfile, half_compressible], without(blobs, store, cache),
                            {"WCOW_STORE": str(store), "WCOW_CACHE": str(cache)})]
    with programs.skipping():
        crane = programs.crane()
        tar = tmp_path / "files.tar"
        programs.run("tar", "-C", half_compressible, "-cf", tar, ".")
        contenders.append(Contender("crane append (of a tar made before)", [
            crane, "append", "-f", tar, "-t", f"{registry.host}/bench/crane:1"], without(blobs)))
        plain, script = tmp_path / "Linux.Dockerfile", tmp_path / "buildah.sh"
        plain.write_text("FROM scratch\nCOPY . /app/\n")
        (tmp_path / "logins.json").write_text("{}")
        words = " ".join(map(str, programs.buildah(tmp_path / "buildah")))
        script.write_text("set -e\nunset DOCKER_CONFIG\n"
                          f"{words} bud -q --isolation chroot -t x -f {plain} {half_compressible} >/dev/null\n"
                          f"{words} push -q --tls-verify=false x docker://{registry.host}/bench/buildah:1 >/dev/null\n")
        contenders.append(Contender("buildah bud + push (vfs)", ["sh", script], without(blobs, tmp_path / "buildah"),
                                    {"REGISTRY_AUTH_FILE": str(tmp_path / "logins.json")}))
    report.table("COPY of 3,000 files, 300 MB, pushed to a local docker-registry", race(contenders),
                 "3 times faster than crane and buildah")
