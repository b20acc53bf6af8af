# SPDX-License-Identifier: Apache-2.0
"""Which layers are Windows, and what of them is shown."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from support import layers

from imagebuild.layer import Entry, Index, Kind, read
from imagebuild.runtime.snapshots.merged import Merged
from imagebuild.runtime.unpacking.os_layers import needs_content, os_layers, shown, shows
from imagebuild.runtime.unpacking.unpack import unpack

BASE = (("Files/Windows/System32/ntdll.dll", {}), ("Files/Windows/System32/config/SYSTEM", {}),
        ("Files/Users/Public", {"type": b"5"}), ("Files/Program Files/Windows NT/Accessories/wordpad.exe", {}),
        ("Files/Documents and Settings", {"type": b"2", "linkname": "C:\\Users", "pax_headers": {
            "MSWINDOWS.mountpoint": "1", "MSWINDOWS.fileattr": "1046"}}))
UPDATE = (("Files/Windows/System32/KERNEL32.dll", {}), ("Hives/System_Delta", {}))
APP = (("Files/app/x.exe", {}), ("Files/Windows/System32/vcruntime140.dll", {}), ("Hives/System_Delta", {}))


def index(path: Path, *content: tuple[str, dict[str, object]]) -> Index:
    return Index.build(io.BytesIO(layers.tar(*((name, dict(values)) for name, values in content))), path)


def test_windows_ends_where_a_layer_has_none_of_it(tmp_path: Path) -> None:
    base, update, app = (index(tmp_path / str(number), *content) for number, content in enumerate((BASE, UPDATE, APP)))
    stand_in = index(tmp_path / "s", ("Files/Windows/System32/config/SOFTWARE", {}))
    assert os_layers([]) == os_layers([app]) == 0
    assert os_layers([base]) == os_layers([stand_in, app]) == 1
    assert os_layers([base, update, app, app]) == 2
    assert os_layers([base, app, update]) == 1


def test_a_whiteout_or_a_folder_is_no_mark_of_windows(tmp_path: Path) -> None:
    assert os_layers([index(tmp_path / "1", ("Files/Windows/System32/.wh.ntdll.dll", {}))]) == 0
    assert os_layers([index(tmp_path / "2", ("Files/Windows/System32/ntdll.dll/x", {}))]) == 0


@pytest.mark.parametrize(("path", "kind", "wanted"), [
    ("Files/Windows", Kind.DIRECTORY, False), ("Files/WINDOWS/System32/cmd.exe", Kind.FILE, False),
    ("Files/Windows.old", Kind.DIRECTORY, True), ("Files/Users/x/y", Kind.FILE, True),
    ("Files/Program Files", Kind.DIRECTORY, True), ("Files/Program Files/WindowsPowerShell", Kind.DIRECTORY, True),
    ("Files/Program Files/WindowsPowerShell/Modules", Kind.DIRECTORY, False),
    ("Files/Program Files (x86)/Windows NT/a.exe", Kind.FILE, False),
    ("Files/Program Files/nodejs/node.exe", Kind.FILE, True), ("Files/inetpub", Kind.WHITEOUT, True)])
def test_programs_of_windows_are_not_shown_and_all_else_is(path: str, kind: Kind, wanted: bool) -> None:
    assert shows(Entry(path, kind)) is wanted


def test_a_base_is_unpacked_from_its_index_alone(tmp_path: Path) -> None:
    base = index(tmp_path / "index", *BASE)
    assert not needs_content(base)
    folder = unpack(shown(base), tmp_path / "made", lower=Merged([])).folder
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*")) == [
        "Documents and Settings", "Program Files", "Program Files/Windows NT", "Users", "Users/Public"]


def test_an_image_squashed_into_one_layer_keeps_its_program(tmp_path: Path) -> None:
    squashed = (*BASE, *APP[:2])
    assert needs_content(index(tmp_path / "index", *squashed))
    blob = layers.tar(*((name, dict(values)) for name, values in squashed))
    folder = unpack(read(io.BytesIO(blob)), tmp_path / "made", lower=Merged([]), keep=shows).folder
    assert (folder / "app/x.exe").is_file()
    assert not (folder / "Windows").exists()
