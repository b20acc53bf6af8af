# SPDX-License-Identifier: Apache-2.0
"""Dockerfiles as real projects publish them, RUN and all: on stand-ins, with made-up contexts and downloads.

As :mod:`test_real_dockerfiles`, which looks closely at those without RUN, it reads them from ``WCOW_SHARED``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import engine, programs, sandboxes, users, windows_programs
from support.real_dockerfiles.attempt import Attempts
from support.real_dockerfiles.made import Maker
from support.real_dockerfiles.scenery import Scenery
from support.real_dockerfiles.table import Table
from support.workbench import Workbench

from imagebuild.engine import EngineSettings, stop_engine

SHARED = Path(os.environ.get("WCOW_SHARED") or Path(__file__).parents[2].parent / "shared") / "dockerfiles"
PROJECTS = ("aspnet-nanoserver", "azuredisk-csi", "caddy-nanoserver", "envoy-servercore", "golang-nanoserver",
            "golang-servercore", "hello-world", "nats-nanoserver", "pause", "temurin-nanoserver", "traefik-servercore",
            "windows_exporter")

pytestmark = [pytest.mark.slow,
              pytest.mark.skipif(not SHARED.is_dir(), reason=f"no Dockerfiles at {SHARED} (set WCOW_SHARED)")]


@pytest.fixture(scope="module")
def attempts() -> Iterator[Attempts]:
    with sandboxes.folder() as folder:
        (folder / "engine").mkdir()
        environment = {"WCOW_STORE": str(folder / "store"), "WCOW_CACHE": str(folder / "cache"),
                       "WCOW_ENGINE_ROOT": str(folder / "engine"), "WCOW_ENGINE_SOCKET": str(folder / "engine.sock")}

        def wcow(*words: str) -> str:
            return programs.run(sys.executable, "-m", "imagebuild", *words, env=environment, timeout=280).stdout

        with programs.skipping():
            powershell = windows_programs.powershell()
            engine.template(folder / "engine" / "sandbox", users.ourselves())
            programs.find("x86_64-w64-mingw32-gcc")
        wcow("powershell", "install", "-q", "--from", str(powershell))
        table = Table.load()
        maker = Maker(table, powershell)
        try:
            yield Attempts(Scenery(folder / "scenes", Workbench(folder), table, maker, wcow), maker, environment)
        finally:
            stop_engine(EngineSettings(folder / "engine").root)


@pytest.mark.parametrize("project", PROJECTS)
def test_a_dockerfile_builds_with_its_commands_executed(attempts: Attempts, project: str) -> None:
    found = attempts.build(project, (SHARED / project / "Dockerfile").read_bytes())
    assert found.built, found.said
    assert found.replaced == {"golang-servercore": 2}.get(project, 0)


def test_a_pinned_digest_refuses_a_made_up_download(attempts: Attempts) -> None:
    text = (SHARED / "golang-servercore" / "Dockerfile").read_bytes()
    found = attempts.build("golang-servercore", text, as_written=True)
    assert not found.built
    assert "FAILED!" in found.said
