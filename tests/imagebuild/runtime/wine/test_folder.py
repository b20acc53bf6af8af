# SPDX-License-Identifier: Apache-2.0
"""A box's folder: registry text, where mounts go, its end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import pytest

from imagebuild.runtime import BoxSpec
from imagebuild.runtime.linux import bwrap, drives, launch
from imagebuild.runtime.linux.account import Account, choose
from imagebuild.runtime.registry import identity
from imagebuild.runtime.wine import folder

NORMAL = (65534, 65534) if os.geteuid() == 0 else (os.geteuid(), os.getegid())


@pytest.fixture
def spec(tmp_path: Path) -> BoxSpec:
    for name in ("low/windows/System32", "high/windows", "box/upper", "box/prefix/dosdevices", "box/prefix/drives"):
        (tmp_path / name).mkdir(parents=True)
    return BoxSpec("x", tmp_path / "box")


@pytest.mark.parametrize("name", ["drives", "dosdevices", "drives/e"])
def test_a_link_that_a_program_put_where_a_drive_is_to_be_is_not_followed(spec: BoxSpec, tmp_path: Path, name: str
                                                                          ) -> None:
    (tmp_path / "elsewhere").mkdir()
    place = spec.folder / "prefix" / name
    if place.is_dir():
        place.rmdir()
    place.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=name.rpartition("/")[2]):
        drives.drive("e", spec, choose())
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_drive_is_made_once_also_in_a_prefix_that_had_none(spec: BoxSpec) -> None:
    (spec.folder / "prefix" / "drives").rmdir()
    for _ in range(2):
        os.close(drives.drive("e", spec, choose()))
    assert (spec.folder / "prefix" / "dosdevices" / "e:").resolve() == spec.folder / "prefix" / "drives" / "e"


def test_a_folder_that_a_program_closed_to_everybody_is_removed(tmp_path: Path) -> None:
    place = tmp_path / "box"
    (place / "upper" / "a" / "b").mkdir(parents=True)
    (place / "upper" / "a" / "b" / "file").touch()
    for path in (place, place / "upper", place / "upper" / "a", place / "upper" / "a" / "b"):
        os.chown(path, *NORMAL)
    os.chown(place / "upper" / "a" / "b" / "file", *NORMAL)
    (place / "upper" / "a" / "b").chmod(0)
    (place / "upper" / "a").chmod(0)
    tmp_path.chmod(0o755)
    child = os.fork()
    if not child:  # a normal user's engine
        with suppress(BaseException):
            os.chdir(tmp_path)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NORMAL[1])
                os.setuid(NORMAL[0])
            folder.remove(Path("box"))
        os._exit(0)
    os.waitpid(child, 0)
    assert not (place / "upper").exists()


def test_identity_is_text_that_wine_reads() -> None:
    text = identity.system("web-1", 20348, 7).decode()
    assert '[Software\\\\Microsoft\\\\Windows NT\\\\CurrentVersion]' in text
    assert '"CurrentBuild"="20348"' in text
    assert '"UBR"=dword:00000007' in text
    assert '"ProductType"="ServerNT"' in text
    assert '"ProductType"="WinNT"' in identity.system("a", 19045).decode()
    assert "CurrentBuild" not in identity.system("a").decode()
    assert '"USERNAME"="b\\x00e4"' in identity.user("a", "bä").decode()


def test_arguments_are_packed_with_nuls() -> None:
    assert bwrap.pack(["--a", "é"]) == b"--a\0\xc3\xa9\0"


def test_a_memory_file_is_read_from_its_start() -> None:
    descriptor = launch.memory_file(b"content", "x")
    assert os.read(descriptor, 100) == b"content"
    os.close(descriptor)


def test_an_account_that_cannot_enter_a_folder_is_told_which(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    tmp_path.joinpath("a").chmod(0o700)
    assert Account(2_000_000, 2_000_000, True).reaches(inner) is not None
    assert Account(2_000_000, 2_000_000, False).reaches(inner) is None
    assert Account(2_000_000, 2_000_000, True).reaches(Path("/usr/lib")) is None
