# SPDX-License-Identifier: Apache-2.0
"""The faces of the rooms: what a plugin may import is there, and says what it is."""

from __future__ import annotations

import inspect
import runpy
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parent.parent
SCRIPT = runpy.run_path(str(TOP / "scripts/reference_pages.py"))
ROOMS: tuple[str, ...] = SCRIPT["ROOMS"]
NOT_FOR_PLUGINS = {"cli", "__main__", "py"}


def test_every_room_of_the_tree_is_on_the_page_of_stable_names() -> None:
    rooms = {path.name.removesuffix(".py") for path in (TOP / "imagebuild").iterdir()
             if (path / "__init__.py").is_file() or path.suffix == ".py"}
    assert rooms - NOT_FOR_PLUGINS - {"__init__"} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_everything_that_a_plugin_may_import_is_there_and_is_described(room: str) -> None:
    for name, value in SCRIPT["stable_names"](room).items():
        if inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value):
            text = inspect.getdoc(value) or ""
            assert text and not text.startswith(f"{name}("), f"{room}.{name} says nothing of what it is"


@pytest.mark.parametrize("room", [room for room in ROOMS if hasattr(import_module(f"imagebuild.{room}"), "__all__")])
def test_a_face_lists_each_name_once_and_star_gives_them_all(room: str) -> None:
    names = import_module(f"imagebuild.{room}").__all__
    assert len(set(names)) == len(names)
    given: dict[str, object] = {}
    exec(f"from imagebuild.{room} import *", given)
    assert set(names) <= set(given)


def test_the_engines_face_loads_nothing_of_the_engine_until_a_name_is_used() -> None:
    """What asks whether an engine runs, and waits for it, is quick."""
    code = ("import sys; from imagebuild.engine import ensure, running, engine_place, EngineSettings, stop_engine\n"
            "print([name for name in sys.modules if name in "
            "('click', 'imagebuild.engine.core', 'imagebuild.runtime', 'imagebuild.builder', 'imagebuild.stores')])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
