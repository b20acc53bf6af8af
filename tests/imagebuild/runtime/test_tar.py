# SPDX-License-Identifier: Apache-2.0
"""tar.exe of boxes: archives that others made, archives that others read, and bsdtar's words."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import programs
from support.sandboxes import Boxes, Done, run, start

from imagebuild.runtime import Box, Mount

pytestmark = pytest.mark.slow

LONG = "/".join(["a folder with a long name"] * 12) + "/end.txt"
BIG = bytes(range(256)) * 4096
FILES = {"plain.txt": b"text\n", "empty": b"", "sub/deep/data.bin": BIG, "sub/ünï €.txt": b"names\n", LONG: b"long\n",
         "100 characters " + "x" * 85: b"just"}
TIME = 1_600_000_000


@dataclass
class Place:
    """A box with a folder of this machine as ``C:\\data``."""

    box: Box
    folder: Path

    def tar(self, words: str, stdin: bytes = b"") -> Done:
        """tar in that folder."""
        return run(self.box, f"tar {words}", main=False, stdin=stdin, cwd="C:\\data")

    def cmd(self, words: str) -> Done:
        """A line of cmd in that folder."""
        return run(self.box, f"cmd /c {words}", main=False, cwd="C:\\data")

    def put(self, name: str, data: bytes) -> None:
        """Write a file into the folder."""
        (self.folder / name).write_bytes(data)
        (self.folder / name).chmod(0o666)

    def files(self, below: str) -> dict[str, bytes]:
        """What plain files are there, by their path."""
        top = self.folder / below
        return {str(path.relative_to(top)): path.read_bytes() for path in top.rglob("*") if path.is_file()}


@pytest.fixture
def place(boxes: Boxes) -> Place:
    folder = boxes.root / "data"
    folder.mkdir()
    folder.chmod(0o777)
    box = boxes.open(mounts=(Mount(folder, r"C:\data"),))
    start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
    return Place(box, folder)


def tarred(mode: str = "w", form: int = tarfile.PAX_FORMAT, files: dict[str, bytes] = FILES,
           *more: Callable[[tarfile.TarFile], object]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode, format=form) as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(data), TIME
            archive.addfile(member, io.BytesIO(data))
        for one in more:
            one(archive)
    return out.getvalue()


def member(name: str, kind: bytes, link: str = "") -> Callable[[tarfile.TarFile], object]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mtime = kind, link, TIME
    return lambda archive: archive.addfile(info)


def zipped(files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED, *, zip64: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (2020, 9, 13, 12, 26, 40))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=zip64) as member:
                member.write(data)
    return out.getvalue()


ARCHIVES = {
    "pax": lambda: tarred(), "gnu": lambda: tarred(form=tarfile.GNU_FORMAT), "gzip": lambda: tarred("w:gz"),
    "two streams of gzip": lambda: _in_two(tarred()), "zip": lambda: zipped(),
    "stored zip": lambda: zipped(method=zipfile.ZIP_STORED), "zip64": lambda: zipped(zip64=True),
}


def _in_two(data: bytes) -> bytes:
    import gzip
    return gzip.compress(data[:1000]) + gzip.compress(data[1000:])


@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_of_python_are_extracted_whole(place: Place, kind: str) -> None:
    place.put("a.archive", ARCHIVES[kind]())
    place.cmd("mkdir out")
    assert place.tar("-xf a.archive -C out") == Done(0, "", "")
    assert place.files("out") == FILES
    assert (place.folder / "out/plain.txt").stat().st_mtime == TIME
    listed = place.tar("-tf a.archive").out.splitlines()  # in the console's code page
    assert len(listed) == len(FILES)
    assert [name for name in FILES if name.isascii()] == [name for name in listed if name in FILES]
    place.cmd("mkdir again")
    assert place.tar("-xf - -C again", stdin=ARCHIVES[kind]()) == Done(0, "", "")
    assert place.files("again") == FILES


def test_folders_links_and_attributes_of_a_tar(place: Place) -> None:
    def read_only(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo("read only.txt")
        info.mode, info.size = 0o444, 2
        archive.addfile(info, io.BytesIO(b"ro"))

    place.put("a.tar", tarred("w", tarfile.PAX_FORMAT, {"top/file.txt": b"content"},
                              member("top/sub", tarfile.DIRTYPE),
                              member("top/hard.txt", tarfile.LNKTYPE, "top/file.txt"),
                              member("top/soft.txt", tarfile.SYMTYPE, "file.txt"),
                              member("top/to sub", tarfile.SYMTYPE, "sub"), read_only))
    assert place.tar("-xf a.tar") == Done(0, "", "")
    assert place.cmd(r"type top\soft.txt").out == "content"
    assert place.cmd(r"type top\hard.txt").out == "content"
    assert (place.folder / "top/file.txt").stat().st_nlink == 2
    assert "<SYMLINKD>" in place.cmd("dir top").out
    assert (place.folder / "top/sub").stat().st_mtime == TIME
    assert "R " in place.cmd('attrib "read only.txt"').out
    assert place.tar("-xf a.tar") == Done(0, "", ""), "what is there is replaced, what is read-only too"
    said = place.tar("-tvf a.tar").out.splitlines()
    assert said[0].startswith("-rw-r--r--  0 0      0           7 Sep 13  2020 top/file.txt")
    assert [line[0] for line in said] == ["-", "d", "h", "l", "l", "-"]
    assert said[3].endswith("top/soft.txt -> file.txt")


@pytest.mark.parametrize(("words", "left"), [
    ("-xf a.zip", {"top/one.txt", "top/sub/two.txt", "top/sub/three.bin", "read.me"}),
    ("xf a.zip", {"top/one.txt", "top/sub/two.txt", "top/sub/three.bin", "read.me"}),
    ("-x --file=a.zip --strip-components=1", {"one.txt", "sub/two.txt", "sub/three.bin"}),
    ("-xf a.zip --strip-components 2", {"two.txt", "three.bin"}),
    ("-xzf a.zip top/sub", {"top/sub/two.txt", "top/sub/three.bin"}),
    (r"-xf a.zip top\one.txt", {"top/one.txt"}),
    ("-xf a.zip *.txt", {"top/one.txt", "top/sub/two.txt"}),
    ("-xf a.zip --exclude *.txt", {"top/sub/three.bin", "read.me"}),
    ("-xf a.zip --exclude=sub", {"top/one.txt", "read.me"}),
    ("-x -f a.zip -- read.me", {"read.me"}),
    ("--extract --no-same-owner --gzip --file a.zip --directory . ./top/one.txt", {"top/one.txt"}),
])
def test_what_is_asked_for_is_extracted(place: Place, words: str, left: set[str]) -> None:
    place.put("a.zip", zipped({"top/one.txt": b"1", "top/sub/two.txt": b"2", "top/sub/three.bin": b"3",
                               "read.me": b"4"}))
    assert place.tar(words) == Done(0, "", "")
    assert set(place.files(".")) - {"a.zip"} == left


def test_verbose_keep_and_standard_output(place: Place) -> None:
    place.put("a.tar", tarred(files={"one.txt": b"new", "two.txt": b"2"}))
    place.put("one.txt", b"old")
    assert place.tar("-xkvf a.tar") == Done(0, "", "x one.txt\nx two.txt\n")
    assert place.files(".")["one.txt"] == b"old"
    assert place.tar("-xOf a.tar one.txt two.txt") == Done(0, "new2", "")


def damaged_crc() -> bytes:
    data = bytearray(zipped({"a.txt": b"content of the file"}, zipfile.ZIP_STORED))
    data[data.index(b"content")] ^= 1
    return bytes(data)


def encrypted() -> bytes:
    data = bytearray(zipped({"a.txt": b"x"}))
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + offset] |= 1
    return bytes(data)


def odd_method() -> bytes:
    data = bytearray(zipped({"a.txt": b"x"}))
    at = data.index(b"PK\1\2") + 10
    data[at:at + 2] = struct.pack("<H", 99)
    return bytes(data)


BAD: dict[str, tuple[bytes, str]] = {
    "not there": (b"", "tar: Error opening archive: Failed to open 'nosuch.tar'\n"),
    "garbage": (b"no archive " * 100, "tar: Error opening archive: Unrecognized archive format\n"),
    "xz": (b"\xfd7zXZ\0" + bytes(600), "tar: Error opening archive: it is packed by xz, and this sandbox's tar"),
    "cut tar": (tarred(files={"a.bin": BIG})[:5000], "tar: Truncated tar archive detected while reading data\n"),
    "cut gzip": (tarred("w:gz", files={"a.bin": os.urandom(9000)})[:5000], "tar: Truncated gzip input\n"),
    "cut zip": (zipped()[:-30], "tar: Error opening archive: Truncated ZIP file"),
    "bad checksum": (damaged_crc(), "tar: ZIP bad CRC: 0x"),
    "encrypted": (encrypted(), "tar: Encrypted file is unsupported\n"),
    "odd method": (odd_method(), "tar: Unsupported ZIP compression method (99)\n"),
    "above": (tarred(files={"../../out.txt": b"x"}), "tar: ../../out.txt: Path contains '..'\n"),
    "above in zip": (zipped({"a/../../out.txt": b"x"}), "Path contains '..'\n"),
    "through a link": (tarred("w", tarfile.PAX_FORMAT, {}, member("to", tarfile.SYMTYPE, "C:\\windows"),
                              member("to/sub", tarfile.DIRTYPE)), "tar: to/sub/: Cannot extract through symlink\n"),
    "a device": (tarred("w", tarfile.PAX_FORMAT, {}, member("null", tarfile.CHRTYPE)), "tar: null: Can't create it"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_archive_is_an_error_and_ends_with_one(place: Place, kind: str) -> None:
    data, said = BAD[kind]
    name = "a.tar" if data else "nosuch.tar"
    if data:
        place.put(name, data)
    done = place.tar(f"-xf {name}")
    assert done.code == 1
    assert said in done.err
    assert not (place.folder.parent / "out.txt").exists()
    assert "TRUE" not in place.cmd(r"if exist C:\windows\sub echo TRUE").out


@pytest.mark.parametrize(("words", "said"), [
    ("", "tar: Must specify one of -c, -r, -t, -u, -x\n"),
    ("-xtf a.tar", "tar: Can't specify both -x and -t\n"),
    ("-xf", "tar: Option -f requires an argument\n"),
    ("-xf a.tar --nosuch", "tar: Option --nosuch is not supported\n"),
    ("-cJf b.tar a.tar", "tar: xz is not in this sandbox's tar"),
    ("-cf b.tar", "tar: no files or directories specified\n"),
    ("-cf b.tar nosuch", "tar: nosuch: Cannot stat: No such file or directory\n"),
    ("-xf a.tar -C nosuch", "tar: could not chdir to 'nosuch'\n"),
    ("-xf a.tar nosuch.txt", "tar: nosuch.txt: Not found in archive\ntar: Error exit delayed from previous errors.\n"),
    (r"-cf nosuch\b.tar a.tar", r"tar: Failed to open 'nosuch\b.tar'"),
])
def test_a_bad_line_is_an_error(place: Place, words: str, said: str) -> None:
    place.put("a.tar", tarred(files={"one.txt": b"1"}))
    done = place.tar(words)
    assert (done.code, done.out) == (1, "")
    assert said in done.err


def test_absolute_names_stay_below(place: Place) -> None:
    place.put("a.tar", tarred(files={"/etc/one.txt": b"1", "C:/two.txt": b"2", r"\\server\three.txt": b"3"}))
    done = place.tar("-xf a.tar")
    assert (done.code, done.err) == (0, "tar: Removing leading '/' from member names\n")
    assert set(place.files(".")) - {"a.tar"} == {"etc/one.txt", "two.txt", "server/three.txt"}


def test_characters_that_no_name_may_have_are_replaced(place: Place) -> None:
    place.put("a.tar", tarred(files={'what? "is": <this>|*.txt': b"1"}))
    assert place.tar("-xf a.tar") == Done(0, "", "")
    assert set(place.files(".")) == {"a.tar", "what_ _is__ _this___.txt"}


def tree(place: Place) -> None:
    for name, data in FILES.items():
        path = place.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        os.utime(path, (TIME, TIME))
    for path in (place.folder / "in").rglob("*"):
        path.chmod(0o777 if path.is_dir() else 0o666)
    (place.folder / "in").chmod(0o777)


def python_reads(data: bytes) -> dict[str, bytes]:
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.testzip() is None
            return {info.filename: archive.read(info) for info in archive.infolist() if not info.is_dir()}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        out = {}
        for info in tar:
            assert info.mtime == TIME or info.isdir()
            content = tar.extractfile(info)
            if content is not None:
                out[info.name] = content.read()
        return out


@pytest.mark.parametrize(("words", "magic"), [
    ("-cf new.tar", b"plain"), ("-czf new.tgz", b"\x1f\x8b"), ("-acf new.zip", b"PK\3\4"),
    ("-acf new.tar.gz", b"\x1f\x8b"),
    ("-cf new.tar --format zip", b"PK\3\4"), ("cvf new.tar", b"plain"),
])
def test_archives_that_it_makes_are_read_by_others(place: Place, words: str, magic: bytes) -> None:
    tree(place)
    done = place.tar(f"{words} -C in *")
    assert (done.code, done.out) == (0, "")
    [name] = [path.name for path in place.folder.iterdir() if path.name.startswith("new")]
    data = (place.folder / name).read_bytes()
    assert magic == b"plain" or data.startswith(magic)
    assert python_reads(data) == FILES
    with programs.skipping():
        listed = programs.run(programs.find("bsdtar"), "-tf", place.folder / name).stdout
        assert {line for line in listed.splitlines() if not line.endswith("/")} == set(FILES)
    assert place.cmd(rf"mkdir back& tar -xf {name} -C back").code == 0
    assert place.files("back") == FILES


def test_an_archive_goes_through_a_pipe(place: Place) -> None:
    tree(place)
    assert place.cmd("mkdir back& tar -czf - -C in . | tar -xf - -C back").code == 0
    assert place.files("back") == FILES


def test_links_folders_and_exclusions_are_archived(place: Place) -> None:
    tree(place)
    place.cmd(r"mklink in\soft.txt plain.txt & mkdir in\hollow")
    assert place.tar("-cf new.tar --exclude *.bin --exclude deep in") == Done(0, "", "")
    with tarfile.open(place.folder / "new.tar") as archive:
        kinds = {info.name: info.type for info in archive}
        assert archive.getmember("in/soft.txt").linkname == "plain.txt"
    assert kinds["in/hollow"] == kinds["in"] == tarfile.DIRTYPE
    assert kinds["in/soft.txt"] == tarfile.SYMTYPE
    assert "in/sub/deep" not in kinds
    assert place.tar("-acf new.zip in/soft.txt").code == 0
    [info] = zipfile.ZipFile(place.folder / "new.zip").infolist()
    assert stat.S_ISLNK(info.external_attr >> 16)


def test_an_archive_is_not_put_into_itself(place: Place) -> None:
    place.put("one.txt", b"1")
    done = place.tar("-cf new.tar .")
    assert done.code == 1
    assert "Can't add archive to itself" in done.err
    with tarfile.open(place.folder / "new.tar") as archive:
        assert [info.name for info in archive if info.isfile()] == ["./one.txt"]
