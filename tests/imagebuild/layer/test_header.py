# SPDX-License-Identifier: Apache-2.0
"""The bytes of a header, held against Python's tarfile and against what Windows itself writes."""

from __future__ import annotations

import base64
import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.layers import OTHER_SECURITY, SECURITY, TIMES, entry, folder

from imagebuild.layer import Batch, Entry, Kind, Times
from imagebuild.layer.header import OCTAL_SIZE_LIMIT, Headers, record
from imagebuild.windows.filetime import to_pax


def parsed(item: Entry) -> tarfile.TarInfo:
    """What tarfile reads out of our header."""
    blocks = Headers().encode(item)
    assert len(blocks) % 512 == 0
    with tarfile.open(fileobj=io.BytesIO(blocks + bytes(item.size + -item.size % 512 if item.size < 1 << 20 else 0)
                                         + bytes(1024))) as archive:
        return archive.getmembers()[0] if item.size < 1 << 20 else archive.next()  # type: ignore[return-value]


@pytest.mark.parametrize(("item", "typeflag", "mode"), [
    (entry("Files/a"), b"0", 0o100000),
    (folder("Files/a"), b"5", 0o040000),
    (entry("Files/a", Kind.SYMLINK, target="b"), b"2", 0o120000),
    (entry("Files/a", Kind.DIRECTORY_SYMLINK, target="b"), b"2", 0o160000),
    (entry("Files/a", Kind.JUNCTION, target="C:\\b"), b"2", 0o160000),
    (entry("Files/a", Kind.HARD_LINK, target="Files/b"), b"1", 0o644),
    (entry("Files/a", Kind.WHITEOUT), b"0", 0),
], ids=lambda value: value.kind.value if isinstance(value, Entry) else None)
def test_typeflag_and_mode_are_those_that_windows_exports(item: Entry, typeflag: bytes, mode: int) -> None:
    raw = Headers().encode(item)[-512:]
    assert raw[156:157] == typeflag
    assert raw[100:108] == b"%07o\0" % mode
    assert raw[257:265] == b"ustar\x0000"
    assert parsed(item).name == ("Files/.wh.a" if item.kind is Kind.WHITEOUT else "Files/a")


def test_a_directory_has_no_slash_at_its_end() -> None:
    raw = Headers().encode(folder("UtilityVM"))[-512:]
    assert raw[:100] == b"UtilityVM".ljust(100, b"\0")


def test_every_record_of_the_format_is_there_and_no_other() -> None:
    item = entry("Files/a", security=OTHER_SECURITY, attributes=0x2021, eas=(("EA.NAME", b"\0value"), ("OTHER", b"")))
    assert parsed(item).pax_headers == {
        "LIBARCHIVE.creationtime": to_pax(TIMES.created),
        "MSWINDOWS.fileattr": "8225",
        "MSWINDOWS.rawsd": base64.b64encode(OTHER_SECURITY).decode(),
        "MSWINDOWS.xattr.EA.NAME": "AHZhbHVl",
        "MSWINDOWS.xattr.OTHER": "",
        "atime": to_pax(TIMES.accessed),
        "ctime": to_pax(TIMES.changed),
        "mtime": to_pax(TIMES.modified),
    }


def test_only_a_junction_has_the_mountpoint_record() -> None:
    assert parsed(entry("Files/a", Kind.JUNCTION, target="C:\\b")).pax_headers["MSWINDOWS.mountpoint"] == "1"
    assert "MSWINDOWS.mountpoint" not in parsed(entry("Files/a", Kind.DIRECTORY_SYMLINK, target="b")).pax_headers


def test_the_four_times_go_where_they_belong_to_100_ns() -> None:
    times = Times(116_444_736_000_000_001, 116_444_735_999_999_999, 200_000_000_000_000_050, 0)
    headers = parsed(entry("Files/a", times=times)).pax_headers
    assert headers["LIBARCHIVE.creationtime"] == "0.0000001"
    assert headers["mtime"] == "-0.0000001"
    assert headers["atime"] == to_pax(times.accessed)
    assert headers["ctime"] == "-11644473600"


@pytest.mark.parametrize(("modified", "field"), [
    (133_000_000_009_999_999, b"%011o" % 1655526400), (0, b"00000000000"), (1 << 61, b"00000000000"),
    (116_444_736_000_000_000 + ((1 << 33) - 1) * 10**7, b"7" * 11),
    (116_444_736_000_000_000 + (1 << 33) * 10**7, b"0" * 11)])
def test_the_old_time_field_holds_whole_seconds_or_nothing(modified: int, field: bytes) -> None:
    raw = Headers().encode(entry("Files/a", times=Times(1, modified, 1, 1)))
    assert len(raw) % 512 == 0
    assert raw[-512:][136:148] == field + b"\0"


def test_a_whiteout_is_a_name_and_nothing_else() -> None:
    raw = Headers().encode(entry("Files/a/old.txt", Kind.WHITEOUT))
    assert len(raw) == 512
    assert raw[:20] == b"Files/a/.wh.old.txt\0"
    assert int(raw[136:147], 8) == int(raw[124:135], 8) == 0


def test_records_are_sorted_bytewise_as_go_sorts_them() -> None:
    raw = Headers().encode(entry("Files/" + "ü" * 60, eas=(("Z", b"1"),)))
    keys = [line.split(b" ", 1)[1].split(b"=")[0] for line in raw[512:-512].rstrip(b"\0").split(b"\n") if line]
    assert keys == sorted(keys)
    assert keys[0] == b"LIBARCHIVE.creationtime"
    assert keys[-1] == b"path"
    raw = Headers().encode(entry("Files/a", eas=(("X", b"A"), ("X.Y", b"A"))))
    assert raw.index(b"xattr.X=QQ==") < raw.index(b"xattr.X.Y=")


@pytest.mark.parametrize("path", [
    "Files/" + "x" * 94, "Files/" + "x" * 95, "Files/" + "y/" * 200 + "z", "Files/ü", "Files/日本語.txt",
    "Files/\U0001f600",
    "Files/" + "ä" * 255])
def test_long_and_foreign_names_come_back_whole(path: str) -> None:
    info = parsed(entry(path))
    assert info.name == path
    assert ("path" in info.pax_headers) == (len(path) > 100 or not path.isascii())


@pytest.mark.parametrize("target", ["..\\b", "C:\\" + "t" * 97, "C:\\" + "t" * 98, "ü\\b"])
def test_long_and_foreign_targets_come_back_whole(target: str) -> None:
    info = parsed(entry("Files/a", Kind.SYMLINK, target=target))
    assert info.linkname == target
    assert ("linkpath" in info.pax_headers) == (len(target) > 100 or not target.isascii())


@pytest.mark.parametrize(("size", "in_record"), [((1 << 33) - 1, False), (1 << 33, True), (1 << 45, True)])
def test_eight_gibibytes_and_more_go_into_a_record(size: int, in_record: bool) -> None:
    info = parsed(entry("Files/a", size=size))
    assert info.size == size
    assert ("size" in info.pax_headers) == in_record
    field = Headers().encode(entry("Files/a", size=size))[-512:][124:135]
    assert field == (b"0" * 11 if in_record else b"%011o" % size)


def test_the_extended_header_is_no_global_one() -> None:
    assert Headers().encode(entry("Files/a"))[156:157] == b"x"


@given(st.integers(0, 300), st.integers(1, 20))
def test_a_record_counts_its_own_length(value: int, key: int) -> None:
    line = record(b"k" * key, b"v" * value)
    assert int(line.split(b" ")[0]) == len(line)


def test_a_template_is_used_again_and_memory_stays_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.layer.header._MEMO", 4)
    headers = Headers()
    first = headers.template(entry("Files/a"))
    assert headers.template(entry("Files/b", size=7)) is first
    assert headers.template(entry("Files/a", security=OTHER_SECURITY)) is not first
    sizes = []
    for number in range(6):
        assert headers.template(entry("Files/a")) is first or number > 1
        headers.encode(entry("Files/a", times=Times.all(number), security=SECURITY + b"%d" % number))
        sizes.append((len(headers._templates), len(headers._records)))
    assert sizes == [(3, 3), (4, 4), (1, 1), (3, 3), (4, 4), (1, 1)]


@pytest.mark.parametrize("size", [0, OCTAL_SIZE_LIMIT - 1, OCTAL_SIZE_LIMIT])
@pytest.mark.parametrize("length", [1, 90, 91])
def test_the_files_of_a_batch_have_the_headers_of_its_entries(size: int, length: int) -> None:
    batch = Batch("Files/app", ["n" * length], [size], 0x20, SECURITY, TIMES)
    headers = Headers()
    made = headers.template(batch.entry(0)).headers(batch)
    assert [b"".join(pieces) for pieces in made] == [headers.encode(batch.entry(0))]


def test_the_record_of_a_descriptor_is_made_once() -> None:
    headers = Headers()
    first, second = (headers._common(entry("Files/a", attributes=bits)) for bits in (0x20, 0x21))
    assert [one is other for one, other in zip(first, second, strict=True)].index(True) == 1
    assert first[1].startswith(b"44 MSWINDOWS.rawsd=") or b"MSWINDOWS.rawsd=" in first[1]


def test_a_record_counts_its_own_length_where_that_gets_a_digit_more() -> None:
    for size in range(1100):
        line = record(b"k", b"v" * size)
        assert line == b"%d k=%b\n" % (len(line), b"v" * size)
