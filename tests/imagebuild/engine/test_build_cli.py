# SPDX-License-Identifier: Apache-2.0
"""``docker build`` itself: Dockerfiles from standard input and from outside the context, whose tar the client ends
without its padding."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.builds import NANOSERVER
from support.engine_images import Served, connect, owner, serving

from imagebuild.engine.images.transfer.registry import Registries

from .api.test_building import base, context

pytestmark = pytest.mark.skipif(shutil.which("docker") is None, reason="no docker command (Debian: docker-cli)")
DOCKERFILE = f"FROM {NANOSERVER}\nCOPY a.txt C:/a.txt\nLABEL x=y\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(owner(tmp_path / "root", registries=Registries(connect)), tmp_path) as server:
        base(server)
        (tmp_path / "c").mkdir()
        (tmp_path / "c/a.txt").write_text("a")
        yield server


def built(served: Served, folder: Path, *words: str, stdin: bytes = b"") -> str:
    """What ``docker build`` said; the image is called app:1."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "DOCKER_BUILDKIT": "0",
                   "DOCKER_HOST": served.address}
    done = subprocess.run(["docker", "build", "-t", "app:1", *words], input=stdin, capture_output=True, cwd=folder,
                          env=environment, timeout=60, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert served.ask("GET", "/images/app:1/json").json["Config"]["Labels"]["x"] == "y"
    return done.stdout.decode()


@pytest.mark.parametrize("size", [0, 1, 400, 512, 5000])
def test_a_dockerfile_comes_from_standard_input(served: Served, tmp_path: Path, size: int) -> None:
    dockerfile = (DOCKERFILE + "#" * (size - len(DOCKERFILE))).encode()
    assert "Successfully tagged app:1" in built(served, tmp_path / "c", "-f", "-", ".", stdin=dockerfile)


def test_a_dockerfile_lies_outside_the_context(served: Served, tmp_path: Path) -> None:
    (tmp_path / "Elsewhere").write_text(DOCKERFILE)
    assert "Step 2/3 : COPY a.txt" in built(served, tmp_path / "c", "-f", "../Elsewhere", ".")
    # With a list of what to leave out, the client puts a line of its own into it.
    (tmp_path / "c/.dockerignore").write_text("b*\nDockerfile\n")
    (tmp_path / "c/b.txt").write_text("b")
    assert "Step 2/3 : COPY a.txt" in built(served, tmp_path / "c", "-f", "../Elsewhere", ".")


def test_a_dockerfile_is_all_there_is(served: Served, tmp_path: Path) -> None:
    built(served, tmp_path / "c", "-", stdin=f"FROM {NANOSERVER}\nLABEL x=y\n".encode())
    built(served, tmp_path / "c", "-", stdin=context({"Dockerfile": DOCKERFILE, "a.txt": "a"}))


def test_a_context_that_stops_inside_a_file_is_still_refused(served: Served) -> None:
    whole = context({"Dockerfile": DOCKERFILE, "a.txt": "a" * 700})
    answer = served.ask("POST", "/build", whole[:whole.index(b"a" * 700) + 650])
    assert b"cut off" in answer.body
