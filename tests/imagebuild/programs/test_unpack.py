# SPDX-License-Identifier: Apache-2.0
"""An archive from anywhere is unpacked below its folder, or refused by name."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import made_programs

from imagebuild.errors import FormatError, InputError, StoreError
from imagebuild.programs import unpack as module
from imagebuild.programs.unpack import unpack


def made(tmp_path: Path, name: str, data: bytes) -> tuple[Path, Path]:
    source, folder = tmp_path / name, tmp_path / "out"
    source.write_bytes(data)
    folder.mkdir()
    return source, folder


def tar(*members: tarfile.TarInfo, mode: str = "w:xz") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:  # type: ignore[call-overload]
        for member in members:
            archive.addfile(member, io.BytesIO(b"x" * member.size) if member.size else None)
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname = kind, size, target
    return info


def test_a_zip_a_tar_and_a_folder_give_the_same_files(tmp_path: Path) -> None:
    source, folder = made(tmp_path, "a.zip", made_programs.archive({"a/b.txt": b"x" * 3, "c.txt": b"x"}))
    heard: list[tuple[int, int | None]] = []
    unpack(source, folder, lambda done, total: heard.append((done, total)))
    assert (folder / "a" / "b.txt").read_bytes() == b"xxx" and heard[-1] == (4, 4)
    (tmp_path / "two").mkdir()
    unpack(folder, tmp_path / "two")
    archive = tmp_path / "a.tar.xz"
    archive.write_bytes(tar(member("a", tarfile.DIRTYPE), member("a/b.txt", size=3), member("c.txt", size=1)))
    (tmp_path / "three").mkdir()
    unpack(archive, tmp_path / "three")
    for other in ("two", "three"):
        found = {path.relative_to(tmp_path / other).as_posix(): path.read_bytes()
                 for path in (tmp_path / other).rglob("*") if path.is_file()}
        assert found == {"a/b.txt": b"xxx", "c.txt": b"x"}


OUTSIDE = ("../evil", "a/../../evil", "/etc/evil", "C:\\evil", "a\\..\\..\\evil", "\\evil", "a:b")


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_leads_out_is_refused_and_nothing_is_written_outside(tmp_path: Path, name: str) -> None:
    source, folder = made(tmp_path, "a.zip", made_programs.archive({name: b"evil"}))
    with pytest.raises(InputError, match="leads out"):
        unpack(source, folder)
    source.write_bytes(tar(member(name, size=4)))
    with pytest.raises(InputError, match="leads out"):
        unpack(source, folder)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.zip", "out"]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(tmp_path: Path, kind: bytes) -> None:
    source, folder = made(tmp_path, "a.tar", tar(member("a", size=1), member("b", kind, target="a"), mode="w"))
    with pytest.raises(InputError, match=r"'b' is neither|cannot unpack"):
        unpack(source, folder)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    source, folder = made(tmp_path, "a.zip", out.getvalue())
    with pytest.raises(InputError, match="is a link"):
        unpack(source, folder)


def test_more_than_a_program_may_hold_is_refused_before_it_fills_the_disk(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1000)
    source, folder = made(tmp_path, "a.zip", made_programs.archive({"bomb": bytes(5000)}))
    with pytest.raises(InputError, match="more than"):
        unpack(source, folder)
    assert list(folder.iterdir()) == [], "the sizes in the archive's list say it before anything is written"
    source.write_bytes(tar(member("bomb", size=5000)))
    with pytest.raises(InputError, match="more than"):
        unpack(source, folder)
    monkeypatch.setattr(module, "MOST_FILES", 3)
    source.write_bytes(made_programs.archive({str(n): b"" for n in range(4)}))
    with pytest.raises(InputError, match="more than"):
        unpack(source, folder)


@given(cut=st.integers(0, 400), flip=st.integers(0, 400))
def test_a_damaged_archive_is_one_clear_error(tmp_path_factory: pytest.TempPathFactory, cut: int, flip: int) -> None:
    tmp_path = tmp_path_factory.mktemp("damaged")
    data = bytearray(made_programs.archive({"a.txt": b"hello hello hello", "b.txt": b"more"}))
    data[flip % len(data)] ^= 0xFF
    source, folder = made(tmp_path, "a.zip", bytes(data[: len(data) - cut % len(data)]))
    try:
        unpack(source, folder)
    except (FormatError, InputError, StoreError) as error:
        assert "a.zip" in str(error)
