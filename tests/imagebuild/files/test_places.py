# SPDX-License-Identifier: Apache-2.0
"""Where the user's folders are: on each system, by each variable, and as platformdirs finds them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imagebuild.errors import StoreError
from imagebuild.files import places

KINDS = {"data": (places.data_folder, "XDG_DATA_HOME"), "cache": (places.cache_folder, "XDG_CACHE_HOME"),
         "state": (places.state_folder, "XDG_STATE_HOME"), "runtime": (places.runtime_folder, "XDG_RUNTIME_DIR")}
UNSET = ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR", "LOCALAPPDATA")


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in UNSET:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(("platform", "data", "cache", "state"), [
    ("linux", ".local/share/wcow", ".cache/wcow", ".local/state/wcow"),
    ("darwin", "Library/Application Support/wcow", "Library/Caches/wcow", "Library/Application Support/wcow"),
    ("win32", "AppData/Local/wcow", "AppData/Local/wcow/Cache", "AppData/Local/wcow"),
])
def test_each_system_has_its_own_folders(home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, data: str,
                                         cache: str, state: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert (places.data_folder(), places.cache_folder(), places.state_folder()) \
        == (home / data, home / cache, home / state)


@pytest.mark.skipif(sys.platform != "linux", reason="compares with platformdirs of this system")
@pytest.mark.parametrize("kind", ["data", "cache", "state"])
@pytest.mark.parametrize("value", [None, "", " ", "relative", "/set"])
def test_they_are_those_that_platformdirs_finds(monkeypatch: pytest.MonkeyPatch, kind: str, value: str | None) -> None:
    platformdirs = pytest.importorskip("platformdirs", reason="pip install platformdirs compares the folders with its")
    find, variable = KINDS[kind]
    if value is not None:
        monkeypatch.setenv(variable, value)
    assert str(find()) == getattr(platformdirs, f"user_{kind}_dir")("wcow", appauthor=False)


@pytest.mark.parametrize("find", [find for find, _ in KINDS.values()], ids=list(KINDS))
def test_a_variable_goes_before_the_usual_folder_unless_it_is_relative(
        home: Path, monkeypatch: pytest.MonkeyPatch, find: Callable[[], Path]) -> None:
    variable = next(name for one, name in KINDS.values() if one is find)
    usual = find()
    monkeypatch.setenv(variable, str(home / "set"))
    assert find() == home / "set/wcow"
    for value in ("relative", "", " "):
        monkeypatch.setenv(variable, value)
        assert find() == usual


def test_windows_says_where_its_folder_is(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(home / "elsewhere"))
    assert places.cache_folder() == home / "elsewhere/wcow/Cache"
    assert places.runtime_folder() == home / "elsewhere/Temp/wcow"


def test_sockets_go_to_the_temporary_files_where_there_is_no_folder_of_the_login(monkeypatch: pytest.MonkeyPatch,
                                                                                 home: Path) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    monkeypatch.setattr(places.tempfile, "gettempdir", lambda: str(home))
    assert places.runtime_folder() == home / "runtime-4000000/wcow"


def test_an_account_without_a_home_is_told_to_set_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", none)
    with pytest.raises(StoreError, match="home folder"):
        places.data_folder()
