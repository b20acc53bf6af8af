# SPDX-License-Identifier: Apache-2.0
"""What is made of Wine's own files."""

from __future__ import annotations

from pathlib import Path

from imagebuild.sandbox.template import OVERRIDES, overrides


def test_wine_runs_its_own_cmd_where_there_is_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    assert overrides(folder) == OVERRIDES
    (folder / "windows/system32").mkdir(parents=True)
    (folder / "windows/system32/cmd.exe").touch()
    assert overrides(folder) == (*OVERRIDES, "cmd.exe")
