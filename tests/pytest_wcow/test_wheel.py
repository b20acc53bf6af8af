# SPDX-License-Identifier: Apache-2.0
"""The plugin as a user gets it: the wheel, installed by pip into a fresh environment, and an empty folder of tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support import plugin_runs, programs, users, wheels
from support.plugin_runs import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder that every account may enter: pytest's own are closed to others."""
    with users.ourselves().folder() as made:
        yield made


@pytest.fixture(scope="module")
def wheel(folder: Path) -> Path:
    return wheels.build(folder)


@pytest.fixture(scope="module", params=users.KINDS)
def place(request: pytest.FixtureRequest, folder: Path, wheel: Path) -> Iterator[Place]:
    with programs.skipping():
        user = users.find(request.param)
        python = wheels.install(folder / f"env-{request.param}", user, f"{wheel}[pytest]")
        with plugin_runs.place(user, python) as made:
            yield made


def test_the_two_tests_pass_in_an_empty_folder_after_pip_install(place: Place) -> None:
    place.pytest(plugin_runs.HELLO + plugin_runs.MOUNT).passed(2)
    assert place.containers() == []


def test_the_check_says_that_the_engine_is_there(place: Place) -> None:
    run = place.pytest("def test_it(): raise AssertionError\n", "--wcow-check")
    assert run.code == 0, run.text
    assert "the embedded engine (Wine)" in run.text
