# SPDX-License-Identifier: Apache-2.0
"""The room's face: complete, and quick to import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from imagebuild import windows


@pytest.mark.parametrize("name", windows.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(windows, name) is not None


def test_the_face_lists_what_it_can_load() -> None:
    assert set(windows.__all__) == set(windows._HOME) | windows._VOCABULARIES
    with pytest.raises(AttributeError) as caught:
        windows.door  # noqa: B018
    assert str(caught.value) == "module 'imagebuild.windows' has no attribute 'door'"


def test_what_was_loaded_once_is_found_without_being_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from imagebuild.windows import names

    monkeypatch.delitem(vars(windows), "check_name", raising=False)
    assert windows.__getattr__("check_name") is names.check_name
    assert vars(windows)["check_name"] is names.check_name


def test_importing_the_room_loads_nothing_of_it() -> None:
    code = "import sys, imagebuild.windows; print([m for m in sys.modules if m.startswith('imagebuild.windows.')])"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "[]"
