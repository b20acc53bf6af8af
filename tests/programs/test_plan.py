# SPDX-License-Identifier: Apache-2.0
"""What ``wcow plan`` says of a build that would stop: it is no promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from support.home import Home

BASE = "mcr.microsoft.com/windows/nanoserver:ltsc2022"
VERSION = "10.0.20348.2762"


def context(home: Home, folder: Path, dockerfile: str) -> Path:
    home.wcow("base", "create", "--like", "nanoserver", "--os-version", VERSION, "-t", BASE)
    folder.mkdir()
    (folder / "Dockerfile").write_text(dockerfile)
    (folder / "a").write_text("a")
    return folder


def test_a_source_that_is_not_there_is_in_the_last_line_and_the_exit_code(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE}\nRUN echo hi\nCOPY a b C:/x/\n")
    said = home.wcow("plan", "--run", "none", folder, code=1)
    assert said.out.splitlines()[-1] == ("1 RUN cannot be executed; 1 COPY or ADD cannot be done (see the warnings)")
    assert "Dockerfile:3: cannot copy b" in said.err
    assert home.wcow("build", "--plan", "--run", "none", folder, code=1).out == said.out
    facts = json.loads(home.wcow("plan", "--format", "json", folder, code=1).out)
    assert not facts["executable"]
    assert [(one["code"], one["line"]) for one in facts["problems"]] == [("cannot-copy", 3)]


def test_an_image_that_files_come_from_is_looked_up(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE}\nCOPY --from=nosuch/x a C:/x/\n")
    said = home.wcow("plan", "--offline", folder, code=1)
    assert "1 COPY or ADD cannot be done" in said.out.splitlines()[-1]
    assert "Dockerfile:2: cannot find nosuch/x" in said.err


def test_files_of_an_image_are_promised_to_no_one(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE} AS one\nRUN echo\nFROM {BASE}\nCOPY --from=one C:/a C:/x/\n")
    assert home.wcow("plan", folder).out.splitlines()[-1].endswith("files of images and stages were not looked at")


def test_an_option_without_effect_is_in_the_last_line(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE}\nCOPY a C:/x/\n")
    said = home.wcow("plan", "--build-arg", "NOPE=1", "--build-context", f"typo={folder}", folder)
    assert said.out.splitlines()[-1] == ("2 of --build-arg and --build-context are not used; everything else can be "
                                         "built")
    assert "--build-context typo is used by no FROM or --from" in said.err


def test_a_named_context_that_is_not_there_is_refused(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE}\nCOPY a C:/x/\n")
    for verb in ("plan", "build"):
        assert "cannot use ./nope as the build context x" in home.wcow(
            verb, "--build-context", "x=./nope", folder, code=2).err


def test_a_version_that_no_base_has_is_refused(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM {BASE}\nCOPY a C:/x/\n")
    for verb in ("plan", "build"):
        said = home.wcow(verb, "--os-version", "10.0.99999", folder, code=2)
        assert "Dockerfile:1: FROM: cannot build for Windows 10.0.99999" in said.err
        assert VERSION in said.err
    home.wcow("plan", "--os-version", "10.0.20348", folder)


def test_every_base_that_cannot_be_had_is_named(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", "FROM one/a AS a\nFROM two/b AS b\nFROM three/c\n"
                                           "COPY --from=a x C:/\nCOPY --from=b x C:/\n")
    said = home.wcow("plan", "--offline", folder, code=2).err
    assert all(f"cannot find {name}" in said for name in ("one/a", "two/b", "three/c"))


def test_an_arg_that_is_not_there_before_from_is_said(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", "FROM ${X}\nARG X=1\n")
    said = home.wcow("plan", folder, code=2).err
    assert "there is no ARG X before the first FROM" in said
    assert "write ARG X=… above the first FROM" in said


def test_a_windows_base_asked_for_as_linux_is_told(home: Home, tmp_path: Path) -> None:
    folder = context(home, tmp_path / "c", f"FROM --platform=linux/amd64 {BASE}\nCOPY a C:/x/\n")
    assert "not for linux/amd64 as asked" in home.wcow("plan", folder).err
