# SPDX-License-Identifier: Apache-2.0
"""One file as a mount, which Windows does not have: it is staged into a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.containers import Mount, Staging
from imagebuild.errors import UsageError


def test_a_file_is_mounted_as_a_folder_with_it_under_the_name_of_the_target(tmp_path: Path) -> None:
    (tmp_path / "test.json").write_text("{}")
    staging = Staging(tmp_path / "stage")
    made = staging.file(Mount(str(tmp_path / "test.json"), r"C:\app\settings.json"))
    assert made.target == r"C:\app"
    assert [one.name for one in Path(made.source).iterdir()] == ["settings.json"]
    (Path(made.source) / "settings.json").write_text("[]")
    assert (tmp_path / "test.json").read_text() == "[]"
    assert staging.close() == ()
    assert not Path(made.source).exists()
    assert (tmp_path / "test.json").exists()


def test_a_file_at_the_top_of_a_drive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(UsageError, match="the drive itself"):
        Staging(tmp_path).file(Mount(str(tmp_path / "a"), r"C:\a"))
