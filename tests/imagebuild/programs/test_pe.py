# SPDX-License-Identifier: Apache-2.0
"""What a program says of itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import made_programs

from imagebuild.errors import FormatError
from imagebuild.programs import pe


@pytest.mark.parametrize(("machine", "name"), [(0x8664, "x64"), (0x14C, "x86 (32-bit)"), (0xAA64, "arm64"),
                                               (0x1234, "0x1234")])
def test_the_machine_and_the_version_are_read(tmp_path: Path, machine: int, name: str) -> None:
    path = tmp_path / "a.exe"
    path.write_bytes(made_programs.program("7.6.9 SHA: 3a0b", machine))
    assert pe.machine(path) == name and pe.product_version(path) == "7.6.9 SHA: 3a0b"


@given(st.binary(max_size=300))
def test_bytes_that_are_no_program_are_a_format_error(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("pe") / "a.exe"
    path.write_bytes(data)
    try:
        pe.machine(path)
    except FormatError as error:
        assert "a.exe is not a program of Windows" in str(error)
    pe.product_version(path)
