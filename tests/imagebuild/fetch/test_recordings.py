# SPDX-License-Identifier: Apache-2.0
"""The index of recorded downloads: what it takes, what it refuses, what it forgets nothing of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imagebuild.errors import FormatError, InputError
from imagebuild.fetch import Recordings
from imagebuild.fetch.recordings import Recorded, plain_url


def index(folder: Path, *downloads: object, version: object = 1) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"version": version, "downloads": downloads}))
    return folder


@pytest.mark.parametrize(("url", "same"), [
    ("HTTPS://Host:443/A?b=C#d", "https://host/A?b=C"), ("http://user:word@host", "http://host/"),
    ("http://host:80", "http://host/"), ("https://host:80/", "https://host:80/"), ("http://host/a:80", "http://host/a:80")])
def test_urls_that_mean_the_same_are_the_same(url: str, same: str) -> None:
    assert plain_url(url) == same


@pytest.mark.parametrize("wrong", [
    {}, {"url": 1}, {"url": "ftp://host/x"}, {"url": "https://"}, {"url": "https://host/", "sha256": "x"},
    {"url": "https://host/", "status": 99}, {"url": "https://host/", "status": "x"},
    {"url": "https://host/", "headers": []}, {"url": "https://host/", "headers": {"A": "b\r\nC: d"}},
    {"url": "https://host/", "sise": 1}, "x", None])
def test_an_entry_that_is_none_is_refused_with_its_number(tmp_path: Path, wrong: object) -> None:
    with pytest.raises(FormatError, match="download 1: "):
        Recordings.open(index(tmp_path, {"url": "https://host/"}, wrong))


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 2}', "\xff"])
def test_a_file_that_is_no_index_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_bytes(text.encode("latin-1"))
    for create in (True, False):
        with pytest.raises(FormatError, match=r"index\.json"):
            Recordings.open(tmp_path, create=create)


def test_replaying_from_nothing_says_how_to_record(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        Recordings.open(tmp_path)
    assert "--downloads record" in caught.value.hint


def test_what_others_recorded_meanwhile_stays(tmp_path: Path) -> None:
    first, second = Recordings.open(tmp_path, create=True), Recordings.open(tmp_path, create=True)
    first.keep(Recorded("https://host/a", status=404), None, "")
    second.keep(Recorded("https://host/b", status=404), None, "")
    first.save()
    second.save()
    found = json.loads((tmp_path / "index.json").read_text())["downloads"]
    assert [one["url"] for one in found] == ["https://host/a", "https://host/b"]


def test_what_a_killed_build_left_is_removed_and_what_another_writes_is_not(tmp_path: Path) -> None:
    (tmp_path / ".download.1-a").write_bytes(b"left")
    held = Recordings.open(tmp_path, create=True).draft()
    Recordings.open(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == [held.path.name]
    held.discard()
