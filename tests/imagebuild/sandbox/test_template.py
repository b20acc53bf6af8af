# SPDX-License-Identifier: Apache-2.0
"""What is made of Wine's own files."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.sandbox.cmd_exe import without_mklink
from imagebuild.sandbox.template import OVERRIDES, overrides

TABLE = b"".join(word.encode("utf-16-le").ljust(20, b"\0") for word in ("MORE", "CHOICE", "MKLINK", "", "EXIT"))
CMD = (b"MZ".ljust(0x40, b"\0") + b"Wine builtin DLL".ljust(32, b"\0") + b"code" + TABLE
       + "MKLINK makes".encode("utf-16-le"))


def test_cmd_loses_the_one_name_and_the_mark_and_nothing_else() -> None:
    changed = without_mklink(CMD)
    assert changed is not None
    assert len(changed) == len(CMD)
    at = CMD.index("MKLINK".encode("utf-16-le"))
    differing = {i for i, (old, new) in enumerate(zip(CMD, changed, strict=True)) if old != new}
    assert differing == {at, *range(0x40, 0x50)} - {i for i in range(0x40, 0x50) if CMD[i] == 0}
    assert "MKLINK makes".encode("utf-16-le") in changed


@pytest.mark.parametrize("cmd", [b"", b"MZ", CMD.replace(b"Wine builtin", b"Some builtin"), CMD + TABLE,
                                 CMD.replace("CHOICE".encode("utf-16-le"), "CHOISE".encode("utf-16-le"))])
def test_a_cmd_that_is_not_as_we_know_it_is_left_alone(cmd: bytes) -> None:
    assert without_mklink(cmd) is None


def test_wine_runs_its_own_cmd_where_there_is_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "layer"
    assert overrides(folder) == OVERRIDES
    (folder / "windows/system32").mkdir(parents=True)
    (folder / "windows/system32/cmd.exe").write_bytes(CMD)
    assert overrides(folder) == (*OVERRIDES, "cmd.exe")
