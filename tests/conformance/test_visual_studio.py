# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles that Visual Studio and .NET's makers wrote, as public repositories have them, with their own
``.dockerignore``: on stand-ins of their bases, with made-up contexts. Without a RUN they build as they are; the others
get as far as their first RUN, and the error names it.

They are not ours to ship: clones are read from the folder that ``WCOW_SUITES`` names.
"""

from __future__ import annotations

import os
import re
import shutil
from functools import partial
from pathlib import Path

import pytest
from support.home import Home
from support.real_dockerfiles.made import Maker
from support.real_dockerfiles.scenery import Scenery
from support.real_dockerfiles.table import Table
from support.workbench import Workbench, fill

PROJECTS = ("dotnet-architecture/eShopModernizing", "dotnet/dotnet-docker", "microsoft/dotnet-framework-docker")
ROOT = Path(os.environ.get("WCOW_SUITES") or Path(__file__).parents[2].parent / "suites")
WINDOWS = re.compile(r"^FROM\s+\S*(?:dotnet/framework|microsoft/(?:aspnet|wcf)|nanoserver|servercore)", re.M | re.I)


def found() -> list[tuple[str, Path]]:
    """Every Dockerfile of an application for Windows, by the name of its test."""
    out = []
    for project in PROJECTS:
        top = ROOT / project.rpartition("/")[2]
        for path in sorted(top.rglob("Dockerfile*")):
            inside = path.relative_to(top)
            if path.is_file() and inside.parts[0] not in ("src", "tests", "eng") \
                    and WINDOWS.search(path.read_text("utf-8-sig", "replace")):
                out.append((f"{project}/{inside}", path))
    return out


FOUND = found()
pytestmark = pytest.mark.skipif(not FOUND, reason=f"no clones in {ROOT}: " + "; ".join(
    f"git clone --depth 1 https://github.com/{project} {ROOT / project.rpartition('/')[2]}" for project in PROJECTS))


@pytest.mark.parametrize(("name", "path"), FOUND, ids=[name for name, _path in FOUND])
def test_a_dockerfile_builds_as_it_is_or_gets_to_its_first_run(tmp_path: Path, name: str, path: Path) -> None:
    text = path.read_bytes()
    lines = text.decode("utf-8-sig").splitlines()
    wcow = partial(Home(tmp_path).wcow, WCOW_STORE=str(tmp_path / "store"), WCOW_CACHE=str(tmp_path / "cache"))
    table = Table.load()
    scenery = Scenery(tmp_path / "scenes", Workbench(tmp_path, air_gapped=True), table, Maker(table, None),
                      lambda *words: wcow(*words).out)
    scene = scenery.prepare(name, text)
    context = scene.folder / "context"
    fill(context, {"obj/Docker/publish/bin/App.dll": "app", "obj/Docker/publish/Web.config": "config",
                   "obj/Docker/empty/x": "", "bin/left.out": "", "readme.md": ""})
    shutil.copy(path, context / "Dockerfile")
    for place in (path.with_name(".dockerignore"), path.parent.parent / ".dockerignore"):
        if place.is_file():
            shutil.copy(place, context)
            break
    if not any(re.match(r"\s*RUN\s", line, re.I) for line in lines):
        built = wcow("build", "--air-gapped", "-q", "-t", "app:1", *scene.words, context)
        assert not [line for line in built.err.splitlines() if "warning: release-ended: " not in line]
        assert wcow("inspect", "app:1").out
        if "source" in text.decode():
            assert wcow("cat", "app:1", "/inetpub/wwwroot/bin/App.dll").out == "app"
        return
    said = wcow("build", "--air-gapped", "-q", "--run", "none", "-t", "app:1", *scene.words, context, code=2).err
    first = re.match(r"error: Dockerfile:(\d+): RUN: cannot be executed\b", said)
    assert first, said
    assert lines[int(first[1]) - 1].lstrip().upper().startswith("RUN"), said
