# SPDX-License-Identifier: Apache-2.0
"""Where the engine of a user is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from imagebuild.engine import EnginePlace, engine_place


def test_the_socket_of_a_user_is_in_the_runtime_folder_or_else_in_the_engines_own_and_never_in_tmp(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WCOW_ENGINE_ROOT", "WCOW_ENGINE_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid)
    if os.getuid() == 0:
        assert engine_place() == EnginePlace(Path("/var/lib/wcow/engine"), Path("/run/wcow/engine.sock"))
        os.chown(tmp_path, 60998, 60998)
        monkeypatch.setattr(os, "getuid", lambda: 60998)
    own = tmp_path / "data" / "wcow" / "engine"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert engine_place() == EnginePlace(own, tmp_path / "wcow" / "engine.sock")
    for other in ("/usr", str(tmp_path / "missing")):  # root's; none
        monkeypatch.setenv("XDG_RUNTIME_DIR", other)
        assert engine_place() == EnginePlace(own, own / "engine.sock")
    assert engine_place("/srv/engine") == EnginePlace(Path("/srv/engine"), Path("/srv/engine/engine.sock"))


def test_the_environment_names_the_place_and_an_argument_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WCOW_ENGINE_ROOT", "/srv/engine")
    monkeypatch.setenv("WCOW_ENGINE_SOCKET", "/srv/sock")
    assert engine_place() == EnginePlace(Path("/srv/engine"), Path("/srv/sock"))
    assert engine_place("/other", "/my/sock") == EnginePlace(Path("/other"), Path("/my/sock"))
