# SPDX-License-Identifier: Apache-2.0
"""The download map."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.errors import FetchError, FormatError, InputError
from imagebuild.fetch import DownloadMap


def test_the_longest_prefix_wins() -> None:
    table = DownloadMap.parse({"https://h/": "https://m/all/", "https://h/deep/": "https://m/deep/"})
    assert table.resolve("https://h/deep/x.zip?v=1") == "https://m/deep/x.zip?v=1"
    assert table.resolve("https://h/other") == "https://m/all/other"
    assert table.resolve("https://elsewhere/x") == "https://elsewhere/x"


@pytest.mark.parametrize(("prefix", "target", "url", "place"), [
    ("https://h/a", "https://m/b", "https://h/ab", "https://h/ab"),
    ("https://h", "https://m", "https://h.evil/x", "https://h.evil/x"),
    ("https://h/a", "https://m/b", "https://h/a/x", "https://m/b/x"),
    ("https://h/a", "https://m/b", "https://h/a", "https://m/b"),
    ("https://h/a/", "https://m/b", "https://h/a/x", "https://m/b/x"),
    ("https://h/a", "https://m/b/", "https://h/a/x", "https://m/b/x"),
    ("HTTPS://H/", "https://m/", "https://h/X", "https://m/X"),
    ("https://h/", "https://m/", "HTTPS://H/X", "https://m/X"),
    ("https://h/x", "https://m/y", "https://h/x?q", "https://m/y?q"),
])
def test_a_prefix_ends_where_a_name_ends(prefix: str, target: str, url: str, place: str) -> None:
    assert DownloadMap.parse({prefix: target}).resolve(url) == place


def test_a_folder_stands_in_for_a_prefix_and_the_query_is_dropped(tmp_path: Path) -> None:
    table = DownloadMap.parse({"https://h/": "files"}, tmp_path)
    assert table.resolve("https://h/a%20b/x.zip?sig=1") == tmp_path / "files" / "a b" / "x.zip"


@pytest.mark.parametrize("rest", ["../x", "a/../../x", "%2e%2e/x", "a%2f..%2f..%2fx", "a%5c..%5cx", "", "c:/x",
                                  "link/x"])
def test_nothing_outside_a_mapped_folder_can_be_named(tmp_path: Path, rest: str) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "link").symlink_to(tmp_path)
    table = DownloadMap.parse({"https://h/": "files"}, tmp_path)
    with pytest.raises(FetchError, match="inside that folder"):
        table.resolve(f"https://h/{rest}")


@pytest.mark.parametrize("entry", [{"ftp://h/": "x"}, {"h": "x"}, {"https://h/": 3}, {"https://h/": ""},
                                   {"https://h/": "ftp://m/"}])
def test_an_entry_without_a_meaning_is_refused(entry: dict[str, object]) -> None:
    with pytest.raises(InputError, match="download map"):
        DownloadMap.parse(entry)


def test_the_map_is_read_from_either_file(tmp_path: Path) -> None:
    (tmp_path / "wcow.toml").write_text('[download]\n"https://h/" = "here"\n')
    (tmp_path / "pyproject.toml").write_text('[tool.wcow.download]\n"https://h/" = "https://m/"\n')
    assert DownloadMap.load(tmp_path / "wcow.toml").resolve("https://h/x") == tmp_path / "here" / "x"
    assert DownloadMap.load(tmp_path / "pyproject.toml").resolve("https://h/x") == "https://m/x"
    (tmp_path / "pyproject.toml").write_text("")
    assert DownloadMap.load(tmp_path / "pyproject.toml") == DownloadMap()


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "wcow.toml").write_text("[download\n")
    with pytest.raises(FormatError, match=r"wcow\.toml"):
        DownloadMap.load(tmp_path / "wcow.toml")
    with pytest.raises(InputError, match=r"none\.toml"):
        DownloadMap.load(tmp_path / "none.toml")
