# SPDX-License-Identifier: Apache-2.0
"""Wine is found, or said to be missing, broken or too old, with what to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.errors import ToolError
from imagebuild.runtime import install as wine_install


@pytest.fixture
def wine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The loader of a Wine in a folder of the test; nothing is there yet."""
    monkeypatch.setattr(wine_install, "_DEBIAN", tuple(str(tmp_path / name) for name in (
        "wine64", "wineserver64", "modules", "shared")))
    return tmp_path / "wine64"


def install(loader: Path, script: str) -> None:
    (loader.parent / "modules").mkdir()
    (loader.parent / "wineserver64").touch()
    loader.write_text(f"#!/bin/sh\n{script}\n")
    loader.chmod(0o755)


@pytest.mark.parametrize("said", ["wine-10.0 (Debian 10.0~repack-6)", "wine-10.1", "wine-11.0-rc1"])
def test_a_wine_that_is_new_enough_is_taken(wine: Path, said: str) -> None:
    install(wine, f"echo '{said}'")
    assert wine_install.find_wine().version == said


@pytest.mark.parametrize("said", ["wine-9.22", "wine-8.0 (Debian 8.0~repack-4)", "", "what?"])
def test_a_wine_that_is_too_old_is_named_with_the_one_that_is_needed(wine: Path, said: str) -> None:
    install(wine, f"echo '{said}'")
    with pytest.raises(ToolError, match=r"Wine is too old: .*10.0 or later is needed") as refused:
        wine_install.find_wine()
    assert said in str(refused.value)
    assert "Debian 13" in refused.value.hint


def test_a_wine_that_is_not_there_or_does_not_start_names_its_package(wine: Path) -> None:
    with pytest.raises(ToolError, match="Wine is not installed") as missing:
        wine_install.find_wine()
    assert "wine64" in missing.value.hint
    install(wine, "")
    wine.write_bytes(b"\x7fELF of another machine")
    with pytest.raises(ToolError, match="does not start") as broken:
        wine_install.find_wine()
    assert "wine64" in broken.value.hint


def test_a_wine_that_said_nothing_is_asked_again(wine: Path) -> None:
    install(wine, f"[ -e {wine.parent}/library ] && echo wine-10.0")
    with pytest.raises(ToolError, match="no version"):
        wine_install.find_wine()
    (wine.parent / "library").touch()
    assert wine_install.find_wine().version == "wine-10.0"


def test_a_wine_is_asked_once_and_another_in_its_place_anew(wine: Path) -> None:
    install(wine, f"echo >> {wine.parent}/asked; echo wine-10.0")
    for _ in range(3):
        assert wine_install.find_wine().version == "wine-10.0"
    assert (wine.parent / "asked").read_text() == "\n"
    wine.write_text("#!/bin/sh\necho wine-10.2\n")
    assert wine_install.find_wine().version == "wine-10.2"
