# SPDX-License-Identifier: Apache-2.0
"""``wcow diff``: formats, exit codes, files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support import images
from support.images import file, folder

from imagebuild.cli.app import run, wcow
from imagebuild.stores import LayoutStore


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a store of two images that differ in one file, and an index."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WCOW_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("WCOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("WCOW_OFFLINE", "1")
    store = LayoutStore(tmp_path / "store", create=True)
    images.sample(store)
    below = images.layer(store, images.BASE, base=True)
    other = images.layer(store, [folder("Files", security=False), folder("Files/app"), file("Files/app/new.txt", b"1"),
                                 folder("Hives", security=False)])
    images.image(store, "docker.io/library/app:2", below, other)
    images.windows_versions(store, "docker.io/library/many:1", "10.0.20348.1", "10.0.26100.1")
    return tmp_path


def diff(*args: Any) -> Result:
    return CliRunner().invoke(wcow, ["diff", "-q", *map(str, args)], standalone_mode=False)


def test_equal_images_end_with_0_and_others_with_1(home: Path) -> None:
    done = diff("app:1", "app:1")
    assert done.return_value == 0 and done.output.endswith("identical: one digest\n")
    done = diff("app:1", "app:2")
    assert done.return_value == 1 and "+ C:\\app\\new.txt  1 B\n" in done.output


@pytest.mark.parametrize("args", [("app:1",), ("app:1", "none:1"), ("--layer", "x", "app:1", "app:2"),
                                  ("--layer", "7", "app:1", "app:2"), ("--path", "/[", "app:1", "app:2"),
                                  ("--path", "D:\\", "app:1", "app:1"), ("--format", "pdf", "app:1", "app:2"),
                                  ("--os-version", "1.2.3", "many:1", "app:1")])
def test_bad_input_ends_with_2(home: Path, args: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", *args]) == 2
    assert "rror: " in capsys.readouterr().err


def test_json_has_all_of_it(home: Path) -> None:
    facts = json.loads(diff("--format", "json", "app:1", "app:2").output)
    assert facts["counts"]["added"] == 2 and not facts["equal"] and len(facts["layers"]) == 3


def test_layers_and_paths_may_be_chosen(home: Path) -> None:
    assert diff("--layer", "0", "app:1", "app:2").return_value == 0
    done = diff("--layer", "0:1", "app:1", "app:1")
    assert done.return_value == 1 and "+ Hives/System_Delta" in done.output
    assert diff("--path", "C:\\DATA", "app:1", "app:2").return_value == 0
    done = diff("--path", "/**/new.*", "app:1", "app:2")
    assert done.return_value == 1 and "readme" not in done.output


def test_two_versions_of_one_index_are_compared(home: Path) -> None:
    done = diff("--os-version", "10.0.26100.1", "many:1", "many:1")
    assert done.return_value == 0


def test_a_file_is_written_whole(home: Path) -> None:
    out = home / "page.html"
    done = diff("--format", "html", "-o", out, "app:1", "app:2")
    assert done.return_value == 1 and done.output == ""
    assert out.read_text(encoding="utf-8").endswith("</html>\n")
    assert [path.name for path in home.glob("*page*")] == ["page.html"]
    assert diff("-o", home / "text", "app:1", "app:1").return_value == 0
    assert (home / "text").read_text(encoding="utf-8").startswith("--- app:1  sha256:")


def test_one_image_alone_is_a_page_and_no_difference(home: Path) -> None:
    done = diff("--format", "html", "app:1")
    assert done.return_value == 0
    assert done.output.startswith("<!DOCTYPE html>") and "<title>app:1</title>" in done.output


def test_a_page_has_what_the_linter_says_unless_it_is_told_not_to(home: Path) -> None:
    assert '"findings":[' in diff("--format", "html", "app:1").output
    assert '"findings":null' in diff("--format", "html", "--no-lint", "app:1").output
    assert '"findings":null' in diff("--format", "html", "--path", "/app", "app:1").output


def test_a_place_that_cannot_be_written_is_told(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["diff", "-q", "-o", str(home / "no" / "x"), "app:1", "app:2"]) == 3
    assert capsys.readouterr().err.startswith(f"error: cannot write {home / 'no' / 'x'}\n")
