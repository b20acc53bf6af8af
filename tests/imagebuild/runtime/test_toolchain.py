# SPDX-License-Identifier: Apache-2.0
"""Our Windows programs, compiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs

from imagebuild.runtime import toolchain


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
    monkeypatch.setattr(toolchain, "missing", lambda: ())
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(toolchain.CompileError, match="broken"):
        toolchain.compile_all(tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_programs_of_an_installation_that_boxes_may_not_enter_are_copied_whole(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for name in toolchain.PROGRAMS:
        (closed / name).write_bytes(name.encode())
        (closed / name).chmod(0o600)
    made = toolchain.copied(closed, tmp_path / "home")
    assert {path.name: path.read_bytes() for path in made.iterdir()} == {
        name: name.encode() for name in toolchain.PROGRAMS}
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o644}
    assert toolchain.copied(made, tmp_path / "home") == made
