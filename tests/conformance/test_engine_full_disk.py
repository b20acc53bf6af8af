# SPDX-License-Identifier: Apache-2.0
"""The engine's disk is full in the middle of everything: it says so and goes on, keeps nothing half done, and does it
all when there is room again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import images, programs, users
from support.engine import IMAGE, LOOP, image, until
from support.engine_images import repository
from support.registry_double import RegistryDouble
from support.small_disk import SmallDisk, small_disk

pytestmark = pytest.mark.slow

FULL = "No space left on device"
FULL_INDEX = "database or disk is full"
"""How SQLite says it."""


@pytest.fixture(scope="module", params=users.KINDS)
def small(request: pytest.FixtureRequest) -> Iterator[SmallDisk]:
    with programs.skipping(), small_disk(96 << 20, users.find(request.param)) as made:
        yield made


def refused(small: SmallDisk, *words: str | Path) -> str:
    """A command that fails because the disk is full, and leaves it as it was."""
    before = small.files()
    done = small.engine.docker(*words, ok=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0, words
    assert FULL in said or FULL_INDEX in said, said
    assert small.engine.docker("version", "--format", "{{.Server.Os}}").stdout.strip() == "windows"
    after = {name for name in small.files() if "/.wcow" not in name and not name.endswith("/tmp")}
    assert after <= before, after - before
    return said


@pytest.mark.parametrize("left", [0, 20_000, 100_000])
def test_a_load_a_pull_and_a_build(small: SmallDisk, left: int) -> None:
    folder = small.engine.fresh()
    archive = image(folder / "image", programs.find("x86_64-w64-mingw32-gcc"))
    context = folder / "context"
    context.mkdir()
    (context / "Dockerfile").write_text(f"FROM {IMAGE}\nCOPY big C:/big\n")
    (context / "big").write_bytes(os.urandom(3_000_000))
    with RegistryDouble() as double:
        images.sample(repository(double), "1", os_version="10.0.20348.1")
        if left < 100_000:  # the small image has room there
            with small.full(but=left):
                refused(small, "pull", f"{double.host}/team/app:1")
        small.engine.docker("pull", f"{double.host}/team/app:1")
        small.engine.docker("rmi", f"{double.host}/team/app:1")
    room = small.room
    with small.full(but=left):
        if left < 40_000:
            refused(small, "load", "-i", archive)
        refused(small, "build", "-t", "big:1", context)
    assert small.room > room - 1_000_000
    small.engine.docker("load", "-i", archive)
    small.engine.docker("build", "-t", "big:1", context)
    assert "3,000,000 big" in small.engine.docker("run", "--rm", "big:1", "cmd", "/c", "dir", "C:\\big").stdout
    small.engine.docker("rmi", "big:1")
    small.engine.docker("builder", "prune", "-f")


def test_a_create_a_start_and_what_is_asked_of_a_container(small: SmallDisk) -> None:
    docker = small.engine.docker
    docker("create", "--name", "before", IMAGE)
    with small.full():
        refused(small, "create", IMAGE)
        refused(small, "run", "--rm", IMAGE)
        refused(small, "rename", "before", "after")
        refused(small, "volume", "create", "some")
        refused(small, "network", "create", "-d", "nat", "some")
        refused(small, "tag", IMAGE, "other:1")
        assert docker("ps", "-a", "--format", "{{.Names}} {{.Status}}").stdout.split("\n")[0] == "before Created"
        docker("start", "before", ok=False)  # whether it can depends on what of the image is there already
        docker("rm", "-f", "before")
        assert docker("ps", "-aq").stdout == ""
    assert docker("run", "--rm", IMAGE).stdout.strip() == "hello"
    docker("volume", "create", "some")
    docker("network", "create", "-d", "nat", "some")
    docker("volume", "rm", "some")
    docker("network", "rm", "some")


def test_what_runs_goes_on_and_can_be_ended_and_committed_later(small: SmallDisk) -> None:
    docker = small.engine.docker
    wide = LOOP.replace("line %i", f"line %i {'x' * 4000}")  # no line fits into what is left of a page
    docker("run", "-d", "--name", "goes-on", IMAGE, "cmd", "/c", wide)
    try:
        until(lambda: "line 1" in docker("logs", "goes-on").stdout)
        with small.full():
            time.sleep(2.5)  # a line or two are lost
            lines = docker("logs", "goes-on").stdout
            assert docker("inspect", "-f", "{{.State.Status}}", "goes-on").stdout.strip() == "running"
            assert docker("logs", "--tail", "1", "goes-on").stdout in lines + docker("logs", "goes-on").stdout
        until(lambda: len(docker("logs", "goes-on").stdout) > len(lines))
        docker("exec", "goes-on", "cmd", "/c", "echo written>C:\\written.txt")
        with small.full():
            docker("stop", "-t", "1", "goes-on")
            assert docker("inspect", "-f", "{{.State.Status}}", "goes-on").stdout.strip() == "exited"
            refused(small, "commit", "goes-on", "made:1")
            assert docker("images", "-q", "made:1").stdout == ""
        docker("commit", "goes-on", "made:1")
        assert docker("run", "--rm", "made:1", "cmd", "/c", "type", "C:\\written.txt").stdout.strip() == "written"
        docker("rmi", "made:1")
    finally:
        docker("rm", "-f", "goes-on")


@pytest.mark.parametrize("runs", [True, False])
def test_a_copy_says_so_once_and_leaves_no_half_of_a_file(small: SmallDisk, runs: bool) -> None:
    docker, folder = small.engine.docker, small.engine.fresh()
    (folder / "small").write_bytes(os.urandom(100_000))
    (folder / "great").write_bytes(os.urandom(12_000_000))
    docker("run", "-d", "--name", "copied", IMAGE, "cmd", "/c", LOOP)
    if not runs:
        docker("kill", "copied")
    docker("cp", folder / "small", "copied:/kept")
    for name, left in (("small", 0), ("small", 50_000), ("great", 2_000_000)):
        with small.full(but=left):
            said = refused(small, "cp", folder / name, "copied:/new")
            assert said.count(FULL) == 1, said
    docker("cp", "copied:/kept", folder / "back")
    assert (folder / "back").read_bytes() == (folder / "small").read_bytes()
    assert "Could not find the file" in docker("cp", "copied:/new", folder, ok=False).stderr
    docker("cp", folder / "great", "copied:/new")
    docker("rm", "-f", "copied")
