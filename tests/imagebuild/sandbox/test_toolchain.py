# SPDX-License-Identifier: Apache-2.0
"""Our Windows programs, compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs

from imagebuild.sandbox import toolchain


@pytest.mark.slow
def test_the_same_sources_give_the_same_bytes_and_are_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                    ) -> None:
    with programs.skipping():
        programs.find(toolchain.COMPILER)
    monkeypatch.chdir(tmp_path)
    assert toolchain.compile_all(Path("relative"))  # as a build step names its folder
    found = toolchain.find(tmp_path / "cache")
    assert found is not None
    for name in toolchain.PROGRAMS:
        assert (found / name).read_bytes() == (tmp_path / "relative" / name).read_bytes()
    monkeypatch.setattr(toolchain, "compile_all", lambda out: pytest.fail("compiled again"))
    assert toolchain.find(tmp_path / "cache") == found


def test_without_a_compiler_nothing_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not toolchain.compile_all(tmp_path / "out")
    assert toolchain.find(tmp_path) is None
    assert not toolchain.is_here(tmp_path)


def test_a_source_that_does_not_compile_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler = tmp_path / toolchain.COMPILER
    compiler.write_text("#!/bin/sh\necho broken >&2\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(toolchain.CompileError, match="broken"):
        toolchain.compile_all(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
