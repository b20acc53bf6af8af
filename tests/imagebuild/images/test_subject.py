# SPDX-License-Identifier: Apache-2.0
"""Images as verdicts want them: out of stores, files, layers and hives."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import rawtar
from support.shelf import Shelf

from imagebuild.compat.image import ImageFacts
from imagebuild.errors import FormatError, InputError
from imagebuild.events import Result
from imagebuild.hive import Key, Value, read, write
from imagebuild.images.bases.hives import stand_in_hives
from imagebuild.images.inspect.rootfs import IndexCache, Rootfs
from imagebuild.images.subject import hive_version, look_inside, read_subject


def software(**values: Value) -> bytes:
    version = Key("CurrentVersion", tuple(values.values()))
    return write(Key("ROOT", (), (Key("Microsoft", (), (Key("Windows NT", (), (version,)),)),)), name="SOFTWARE")


BUILD = Value.sz("CurrentBuildNumber", "20348")


@pytest.mark.parametrize(("values", "expected"), [
    ({"a": BUILD, "b": Value.dword("UBR", 7), "c": Value.dword("CurrentMajorVersionNumber", 10),
      "d": Value.dword("CurrentMinorVersionNumber", 0)}, "10.0.20348.7"),
    ({"a": BUILD, "b": Value.dword("CurrentMajorVersionNumber", 10)}, "10.0.20348"),
    ({"a": BUILD}, "10.0.20348"), ({"a": Value.sz("CurrentBuildNumber", "x")}, ""), ({}, "")])
def test_the_version_in_a_hive(values: dict[str, Value], expected: str) -> None:
    assert hive_version(read(software(**values)).root) == expected


def test_a_hive_without_the_key_has_no_version() -> None:
    assert hive_version(read(write(Key("ROOT"))).root) == ""


def test_a_file_is_a_hive_or_a_document(tmp_path: Path) -> None:
    hive = tmp_path / "SOFTWARE"
    hive.write_bytes(stand_in_hives("nanoserver", "10.0.20348.9", "amd64", 0)["SOFTWARE"])
    assert read_subject(hive, "it").image == ImageFacts("windows", hive_version="10.0.20348.9", name="it")
    config = tmp_path / "config.json"
    config.write_text('{"os": "windows", "architecture": "amd64", "os.version": "10.0.20348.9"}')
    assert read_subject(config, "it").image == ImageFacts("windows", "amd64", "10.0.20348.9", name="it")


def test_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        read_subject(tmp_path, "folder")
    broken = tmp_path / "hive"
    broken.write_bytes(b"regf" + bytes(100))
    with pytest.raises(FormatError):
        read_subject(broken, "hive")


def looked(tmp_path: Path, *layers: bytes) -> ImageFacts:
    shelf = Shelf()
    rootfs = Rootfs(shelf.image(*layers), shelf, IndexCache(tmp_path))
    (result,) = [event for event in look_inside(ImageFacts("windows"), rootfs) if isinstance(event, Result)]
    rootfs.close()
    assert isinstance(result.value, ImageFacts)
    return result.value


def test_layers_tell_of_the_utility_vm_and_of_the_version(tmp_path: Path) -> None:
    hive = software(a=BUILD, b=Value.dword("UBR", 3), c=Value.dword("CurrentMajorVersionNumber", 10))
    with_vm = rawtar.base(rawtar.folder("UtilityVM"), hives={"SOFTWARE": hive})
    facts = looked(tmp_path, with_vm, rawtar.layer())
    assert (facts.utility_vm, facts.hive_version) == (True, "10.0.20348.3")
    bare = looked(tmp_path, rawtar.layer())
    assert (bare.utility_vm, bare.hive_version) == (False, "")
