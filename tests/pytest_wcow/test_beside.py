# SPDX-License-Identifier: Apache-2.0
"""Beside the plugins that people use: xdist, html, asyncio, randomly and timeout, in one run on the embedded engine.

Where this environment has them all, as in ``make test-matrix``, they are those; elsewhere the wheel is installed with
the newest of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from support import plugin_runs, programs, users, wheels
from support.plugin_runs import Place

pytestmark = pytest.mark.slow

PLUGINS = ("pytest-xdist", "pytest-html", "pytest-asyncio", "pytest-randomly", "pytest-timeout")
LOOPS = ("-o", "asyncio_default_fixture_loop_scope=function")

TESTS = r'''
import asyncio
import pytest

@pytest.mark.asyncio
async def test_async(nanoserver):
    both = await asyncio.gather(*(asyncio.to_thread(nanoserver.cmd, f"echo {n}") for n in range(2)))
    assert [one.check().stdout for one in both] == ["0\n", "1\n"]

@pytest.mark.parametrize("n", range(4))
def test_shared(nanoserver_session, n):
    print("ID", nanoserver_session.id)
    assert nanoserver_session.cmd(f"echo {n}").check().stdout == f"{n}\n"

@pytest.mark.timeout(60)
def test_mount(container_factory, tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    assert container_factory(mounts={r"C:\x": tmp_path}).path(r"C:\x\a.txt").read_text() == "hello"
'''
FAILS = r'''
def test_fails(nanoserver):
    nanoserver.run(["cmd", "/c", "echo said & exit 3"]).check()
'''
HANGS = r'''
import time
import pytest

@pytest.mark.timeout(3, func_only=True)
def test_hangs(nanoserver): time.sleep(60)
def test_next(nanoserver): assert nanoserver.cmd("ver").ok
'''


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with programs.skipping(), users.ourselves().folder() as folder, plugin_runs.place(python=_python(folder)) as made:
        yield made


def _python(folder: Path) -> str:
    """A Python with all of the plugins; empty where ours has them."""
    try:
        for name in PLUGINS:
            distribution(name)
    except PackageNotFoundError:
        wheel = wheels.build(folder)
        return wheels.install(folder / "env", users.ourselves(), f"{wheel}[pytest]", *PLUGINS)
    return ""


def test_all_of_them_in_one_run(place: Place) -> None:
    run = place.pytest(TESTS, "-n", "2", "--html=r.html", "--self-contained-html", "--timeout=120", "-rP", *LOOPS)
    assert run.code == 0, run.text
    assert run.counts["passed"] == 6, run.text
    assert len({line for line in run.text.splitlines() if line.startswith("ID ")}) == 1
    assert place.containers() == []


def test_a_page_of_pytest_html_has_the_container_s_log(place: Place) -> None:
    run = place.pytest(FAILS, "--html=r.html", "--self-contained-html", *LOOPS)
    assert run.counts["failed"] == 1, run.text
    folder = max(place.folder.iterdir(), key=lambda one: one.stat().st_mtime)
    page = (folder / "r.html").read_text()
    assert "Microsoft Windows" in page
    assert "nanoserver[" in page


def test_a_test_that_is_ended_by_pytest_timeout_leaves_no_container(place: Place) -> None:
    run = place.pytest(HANGS, "-p", "no:randomly", *LOOPS)
    assert (run.counts["failed"], run.counts["passed"]) == (1, 1), run.text
    assert "Timeout" in run.text
    assert place.containers() == []
