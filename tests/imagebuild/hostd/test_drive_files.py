# SPDX-License-Identifier: Apache-2.0
"""Files on a host's drive, from outside, where programs of the host can put links."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from imagebuild.errors import StoreError
from imagebuild.hostd import drive_files
from imagebuild.hostd.record import HostPlace

FOLDER = ("ProgramData", "wcow")


@pytest.fixture
def place(tmp_path: Path) -> HostPlace:
    (tmp_path / "drive").mkdir()
    return HostPlace(tmp_path)


def test_a_file_is_put_replaced_read_and_removed(place: HostPlace) -> None:
    assert drive_files.get(place, FOLDER, "a", 9) is None
    drive_files.put(place, FOLDER, "a", io.BytesIO(b"one"))
    drive_files.put(place, FOLDER, "a", io.BytesIO(b"two"))
    assert drive_files.get(place, FOLDER, "a", 3) == b"two"
    assert [one.name for one in (place.drive / "ProgramData" / "wcow").iterdir()] == ["a"]
    with pytest.raises(StoreError, match="more than 2 bytes"):
        drive_files.get(place, FOLDER, "a", 2)
    drive_files.remove(place, FOLDER, "a")
    drive_files.remove(place, FOLDER, "a")
    drive_files.remove(place, ("nosuch",), "a")
    assert drive_files.get(place, FOLDER, "a", 9) is None


def test_no_link_is_followed(place: HostPlace, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("x")
    (place.drive / "ProgramData").symlink_to(tmp_path / "outside")
    with pytest.raises(StoreError):
        drive_files.put(place, FOLDER, "a", io.BytesIO(b"x"))
    assert [one.name for one in (tmp_path / "outside").iterdir()] == ["secret"]
    (place.drive / "link").symlink_to(tmp_path / "outside" / "secret")
    with pytest.raises(StoreError):
        drive_files.get(place, (), "link", 9)
    drive_files.put(place, (), "link", io.BytesIO(b"new"))
    assert (tmp_path / "outside" / "secret").read_text() == "x" and not (place.drive / "link").is_symlink()


def test_a_file_that_cannot_be_written_leaves_nothing(place: HostPlace) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(28, "No space left on device")

    with pytest.raises(StoreError, match="No space left"):
        drive_files.put(place, FOLDER, "a", Broken())
    assert list((place.drive / "ProgramData" / "wcow").iterdir()) == []
