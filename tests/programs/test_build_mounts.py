# SPDX-License-Identifier: Apache-2.0
"""``RUN --mount`` of type bind, cache and tmpfs, by ``wcow build`` and by ``docker build``."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs
from support.build_home import BASE, Home, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with opened() as made:
        yield made


DOCKERFILE = rf"""# escape=`
FROM {BASE} AS tools
RUN mkdir C:\tool && echo of the stage> C:\tool\t.txt
FROM {BASE}
WORKDIR C:\app
RUN --mount=type=bind,target=C:\src --mount=type=bind,from=tools,source=C:\tool,target=tool `
    type C:\src\a.txt C:\app\tool\t.txt > C:\seen.txt
RUN --mount=type=cache,id=mine,target=C:\cache --mount=type=tmpfs,target=C:\scratch `
    echo x>> C:\cache\log.txt& echo y> C:\scratch\s.txt& find /c "x" C:\cache\log.txt > C:\count.txt
RUN --mount=type=cache,id=mine,target=C:\other,sharing=locked type C:\other\log.txt
"""


def check(home: Home, image: str, times: int) -> None:
    assert home.wcow("cat", image, r"C:\seen.txt")[0].split() == ["file", "a", "of", "the", "stage"]
    assert home.wcow("cat", image, r"C:\count.txt")[0].split()[-1] == str(times)
    tree = home.wcow("ls", "--tree", image)[0]
    for gone in ("log.txt", "s.txt", "t.txt", "a.txt"):
        assert f" {gone} " not in tree
    assert "nothing found" in home.wcow("lint", image)[0]


def test_binds_are_read_and_caches_stay(home: Home) -> None:
    context = home.context(DOCKERFILE, **{"a.txt": "file a\n"})
    home.wcow("build", "-t", "mounts:1", context)
    check(home, "mounts:1", 1)
    _out, err = home.wcow("build", "-t", "mounts:2", context)
    assert err.count("cached") >= 4
    home.wcow("build", "--no-cache", "-t", "mounts:3", context)  # nothing else empties a cache
    check(home, "mounts:3", 2)
    Path(context, "a.txt").write_text("file a again\n")
    home.wcow("build", "-t", "mounts:4", context)  # what is bound counts
    assert home.wcow("cat", "mounts:4", r"C:\seen.txt")[0].startswith("file a again")


def test_docker_build_mounts_the_same(home: Home) -> None:
    with programs.skipping():
        docker = programs.find("docker")
    home.wcow("run", BASE, "cmd", "/c", "exit 0")  # the engine has the base now
    context = home.context(DOCKERFILE.replace("id=mine", "id=dockers"), **{"a.txt": "file a\n"})
    address = f"unix://{home.folder / 'engine.sock'}"
    home.wcow("copy", BASE, f"docker-archive:{home.folder / 'base.tar'}:{BASE}")
    for words in (["load", "--quiet", "--input", str(home.folder / "base.tar")], ["build", "-t", "dm:1", context]):
        done = subprocess.run([docker, "--host", address, *words], capture_output=True, text=True, check=False,
                              timeout=250, env={"DOCKER_BUILDKIT": "0", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    words = ["run", "--rm", "dm:1", "cmd", "/c", r"type C:\seen.txt C:\count.txt"]
    shown = subprocess.run([docker, "--host", address, *words], capture_output=True, text=True, check=True,
                           timeout=100).stdout
    assert shown.split()[:2] == ["file", "a"] and shown.split()[-1] == "1"


@pytest.mark.parametrize(("mount", "says"), [
    (r"type=bind,source=a.txt,target=C:\a", "Windows mounts folders"),
    (r"type=bind,rw,target=C:\a", "is lost"),
    (r"type=cache", "it needs a target"),
    (r"type=cache,from=x,target=C:\a", "a cache begins empty here"),
    (r"type=bind,target=C:\a", "Access is denied."),
])
def test_what_a_mount_cannot_be_is_said(home: Home, mount: str, says: str) -> None:
    context = home.context(f"FROM {BASE}\nRUN --mount={mount} echo x> C:\\\\a\\\\new.txt\n", **{"a.txt": "a"})
    with home.start("build", context) as process:
        _out, err = process.communicate(timeout=250)
    assert process.returncode != 0
    assert says in err
