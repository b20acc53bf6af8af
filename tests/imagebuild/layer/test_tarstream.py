# SPDX-License-Identifier: Apache-2.0
"""Tars of every dialect, and tars that lie: what is read, and what is refused at which byte."""

from __future__ import annotations

import contextlib
import io
import random
import tarfile
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import entry, folder, tar, write

from imagebuild.errors import FormatError, UsageError
from imagebuild.layer import Kind, Limits, read
from imagebuild.layer.tarstream import TarStream, parse_records

LONG = "d/" + "n" * 200


def names(blob: bytes, **options: Any) -> list[str]:
    stream = TarStream(io.BytesIO(blob), **options)
    found = []
    while (header := stream.next()) is not None:
        found.append(header.name.decode())
    return found


def block(name: bytes = b"a", typeflag: bytes = b"0", size: bytes = b"00000000000\0", magic: bytes = b"ustar\x0000",
          mtime: bytes = b"00000000000\0", link: bytes = b"", signed: bool = False) -> bytes:
    """A header block by hand, with a right checksum."""
    raw = bytearray(512)
    for at, value in ((0, name), (100, b"0000644\0"), (124, size), (136, mtime), (148, b" " * 8), (156, typeflag),
                      (157, link), (257, magic)):
        raw[at:at + len(value)] = value
    total = sum(byte - 256 if signed and byte > 127 else byte for byte in raw)
    raw[148:156] = b"%06o\0 " % total
    return bytes(raw)


def extended(body: bytes, typeflag: bytes = b"x") -> bytes:
    return block(b"PaxHeaders/x", typeflag, b"%011o\0" % len(body)) + body + bytes(-len(body) % 512)


END = bytes(1024)


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_long_names_and_links_of_pax_and_gnu_are_read(format: int) -> None:
    blob = tar((LONG, {"data": b"x" * 700}), ("link", {"type": tarfile.SYMTYPE, "linkname": LONG}), ("last", {}),
               format=format)
    stream = TarStream(io.BytesIO(blob))
    first = stream.next()
    assert first is not None
    assert (first.name.decode(), first.size, first.typeflag) == (LONG, 700, b"0")
    assert stream.body().read() == b"x" * 700
    second = stream.next()
    assert second is not None
    assert (second.name, second.linkname.decode(), second.typeflag) == (b"link", LONG, b"2")
    assert names(blob) == [LONG, "link", "last"]


def test_the_ustar_prefix_belongs_to_the_name() -> None:
    long = "p" * 120 + "/" + "n" * 90
    assert names(tar((long, {}), format=tarfile.USTAR_FORMAT)) == [long]


def test_the_prefix_of_star_is_shorter() -> None:
    raw = bytearray(block(b"name"))
    raw[345:349] = b"pre\0"
    raw[476:480] = b"junk"
    raw[508:512] = b"tar\0"
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    assert names(bytes(raw) + END) == ["pre/name"]


def test_gnu_headers_have_no_prefix() -> None:
    raw = bytearray(block(b"name", magic=b"ustar  \0"))
    raw[345:357] = b"12345670123\0"  # GNU keeps the access time here
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    assert names(bytes(raw) + END) == ["name"]


@pytest.mark.parametrize(("size", "value"), [
    (b"00000000003\0", 3), (b"3          \0", 3), (b"          3 ", 3), (b"000000000003", 3), (b"\0" * 12, 0),
    (b"\x80" + bytes(10) + b"\3", 3)])
def test_numbers_come_in_octal_and_in_base_256(size: bytes, value: int) -> None:
    header = TarStream(io.BytesIO(block(size=size) + b"abc".ljust(512, b"\0") + END)).next()
    assert header is not None
    assert header.size == value


def test_times_before_1970_come_in_base_256() -> None:
    header = TarStream(io.BytesIO(block(mtime=b"\xff" * 12) + END)).next()
    assert header is not None
    assert header.mtime == -1


@pytest.mark.parametrize("size", [b"\xff" * 12, b"0000000000x\0", b"-0000000001\0", b"0x000000000\0", b"00000_00001\0",
                                  b"00000000008\0", b"\x80" + b"\xff" * 11])
def test_sizes_that_are_none_are_refused_where_they_stand(size: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        names(block(size=size) + END)
    assert caught.value.offset in (0, 124)


def test_old_tars_without_magic_and_with_signed_checksums_are_read() -> None:
    assert names(block(b"a/", b"\0", magic=b"") + block(b"b", b"\0", magic=b"") + END) == ["a/", "b"]
    signed = block(b"\xc3\xbc", signed=True)
    assert names(signed + END) == ["ü"]
    stream = TarStream(io.BytesIO(block(b"a/", b"\0", magic=b"") + block(b"b", b"\0", magic=b"") + END))
    kinds = [header.typeflag for header in iter(stream.next, None)]
    assert kinds == [b"5", b"0"]


@pytest.mark.parametrize("typeflag", [b"1", b"2", b"3", b"4", b"5", b"6"])
def test_what_has_no_content_has_none_although_it_claims_so(typeflag: bytes) -> None:
    assert names(block(b"a", typeflag, b"00000001000\0", link=b"t") + block(b"b") + END) == ["a", "b"]


@pytest.mark.parametrize("typeflag", [b"0", b"7", b"A", b"V"])
def test_what_has_content_is_passed_with_it(typeflag: bytes) -> None:
    assert names(block(b"a", typeflag, b"00000001000\0") + bytes([1]) * 512 + block(b"b") + END) == ["a", "b"]


def test_global_headers_apply_to_all_that_follow_until_taken_back() -> None:
    blob = (extended(b"17 comment=hello\n", b"g") + block(b"a") + extended(b"13 comment=x\n")
            + block(b"b") + extended(b"12 comment=\n", b"g") + block(b"c") + END)
    stream = TarStream(io.BytesIO(blob))
    assert [header.pax.get(b"comment") for header in iter(stream.next, None)] == [b"hello", b"x", None]
    assert stream.globals_at == [0, 3072]


def test_pax_values_win_and_empty_ones_do_not() -> None:
    body = b"10 path=b\n" + b"14 linkpath=t\n" + b"10 size=3\n"
    header = TarStream(io.BytesIO(extended(body) + block(b"a", link=b"l") + b"abc".ljust(512, b"\0") + END)).next()
    assert header is not None
    assert (header.name, header.linkname, header.size) == (b"b", b"t", 3)
    header = TarStream(io.BytesIO(extended(b"8 path=\n") + block(b"a") + END)).next()
    assert header is not None
    assert header.name == b"a"


@pytest.mark.parametrize(("body", "records"), [
    (b"", {}), (b"6 a=b\n", {b"a": b"b"}), (b"6 a=b\n6 a=c\n", {b"a": b"c"}), (b"7 a==b\n", {b"a": b"=b"}),
    (b"7 a=\n\n\n", {b"a": b"\n\n"}), (b"5 a=\n", {b"a": b""}), (b"7 a=\0\0\n", {b"a": b"\0\0"})])
def test_records_are_length_key_and_value(body: bytes, records: dict[bytes, bytes]) -> None:
    assert parse_records(body) == records


@pytest.mark.parametrize(("body", "at"), [
    (b"5 a=b\n", 0), (b"7 a=b\n", 0), (b"6 a=b", 0), (b"a=b\n", 0), (b"6 a=b\nx", 6), (b"5 =b\n", 0), (b"5 ab\n", 0),
    (b" 6 a=b\n", 0), (b"-6 a=b\n", 0), (b"0 a=b\n", 0), (b"6 a=b\n\0\0", 6), (b"99999999999999999999999 a=b\n", 0),
    (b"2 \n", 0), (b"6\ta=b\n", 0)])
def test_records_whose_length_lies_are_refused_where_they_stand(body: bytes, at: int) -> None:
    with pytest.raises(FormatError) as caught:
        parse_records(body, 1000)
    assert caught.value.offset == 1000 + at


@pytest.mark.parametrize(("blob", "offset"), [
    (block()[:300], 300), (block(size=b"00000001000\0") + bytes(100), 612), (extended(b"6 a=b\n")[:700], 700),
    (extended(b"6 a=b\n"), 0), (extended(b"6 a=b\n") + END, 0), (block(b"", b"0") + END, 0),
    (extended(b"10 size=x\n") + block() + END, 0), (extended(b"11 size=-1\n") + block() + END, 0),
    (extended(b"11 path=\0b\n") + block() + END, 0), (extended(b"29 size=%d\n" % (1 << 66)) + block() + END, 0),
    (bytes(512) + block() + END, 0), (b"\1" * 512, 0), (block()[:-1] + b"\1" + END, 0), (block(typeflag=b"S") + END, 0),
    (extended(b"22 GNU.sparse.major=1\n") + block() + END, 0)])
def test_tars_that_are_cut_off_or_lie_are_refused_with_the_offset(blob: bytes, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        names(blob, source="layer x")
    assert caught.value.offset == offset
    assert "layer x" in str(caught.value)


@pytest.mark.parametrize("end", [b"", bytes(512), END, END + b"anything", bytes(10240)])
def test_a_tar_may_end_with_or_without_zeros_and_is_read_to_its_end(end: bytes) -> None:
    source = io.BytesIO(block(b"a") + end)
    assert names_of_stream(source) == ["a"]
    assert source.read() == b""


def names_of_stream(source: io.BytesIO) -> list[str]:
    stream = TarStream(source)
    found = [header.name.decode() for header in iter(stream.next, None)]
    assert stream.next() is None
    return found


def test_offsets_say_where_header_and_content_stand() -> None:
    blob = tar(("a", {"data": b"x" * 600}), (LONG, {"data": b"found me"}), format=tarfile.PAX_FORMAT)
    stream = TarStream(io.BytesIO(blob))
    first, second = stream.next(), stream.next()
    assert first is not None
    assert second is not None
    assert (first.offset, first.data_offset, second.offset) == (0, 512, 512 + 1024)
    assert blob[second.data_offset:].startswith(b"found me")


def test_content_is_read_in_any_steps_and_ends_where_it_should() -> None:
    data = random.Random(1).randbytes(700_001)
    stream = TarStream(io.BytesIO(tar(("a", {"data": data}), ("b", {"data": b"next"}))))
    stream.next()
    body = stream.body()
    buffer = bytearray(11)
    assert body.readable()
    assert body.read(0) == b""
    assert body.read(7) == data[:7]
    assert body.readinto(buffer) == 11
    assert bytes(buffer) == data[7:18]
    assert body.read() == data[18:]
    assert body.read(5) == b""
    assert body.read1() == b""
    stream.next()
    assert stream.body().read(2) == b"ne"
    with pytest.raises(UsageError):
        body.read(1)
    assert stream.next() is None


@pytest.mark.parametrize(("limits", "blob"), [
    (Limits(extended=600), extended(b"%d a=%b\n" % (610, b"b" * 603))),
    (Limits(extended=600), extended(b"%d a=%b\n" % (610, b"b" * 603), b"g")),
    (Limits(extended=600), block(b"L", b"L", b"%011o\0" % 601) + bytes(1024)),
    (Limits(extended=600), block(b"K", b"K", b"%011o\0" % 601) + bytes(1024)),
    (Limits(entries=1), block() + block()),
    (Limits(headers=1500), block() * 3),
    (Limits(), block(typeflag=b"x", size=b"%011o\0" % ((1 << 20) + 1)) + bytes(1 << 21))])
def test_a_tar_beyond_the_limits_is_refused(limits: Limits, blob: bytes) -> None:
    with pytest.raises(FormatError):
        names(blob + block() + END, limits=limits)


def test_global_headers_cannot_pile_up() -> None:
    blob = b"".join(extended(b"%d k%d=%b\n" % (508 + len(str(n)), n, b"v" * 501), b"g") for n in range(10, 99))
    with pytest.raises(FormatError, match="global"):
        names(blob + block() + END, limits=Limits(extended=5000))


def test_memory_stays_small_whatever_the_tar_claims() -> None:
    huge = block(b"huge", size=b"77777777777\0")

    class Zeros(io.RawIOBase):
        def __init__(self) -> None:
            super().__init__()
            self.left = 200 << 20
            self.head = huge

        def read(self, size: int = -1) -> bytes:
            if self.head:
                head, self.head = self.head, b""
                return head
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    try:
        with pytest.raises(FormatError, match="cut off"):
            names_of_stream(Zeros())  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()



@settings(max_examples=300)
@given(st.data())
def test_nothing_but_a_format_error_escapes_from_a_mutated_tar(data: st.DataObject) -> None:
    pristine = data.draw(st.sampled_from(MUTANTS))
    blob = bytearray(pristine)
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(blob) - 1))
        blob[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del blob[data.draw(st.integers(0, len(blob))):]
    for at in range(0, len(blob) - 511, 512):  # a right checksum lets the damage through to what comes after
        if data.draw(st.booleans()) and blob[at + 257:at + 262] == b"ustar":
            blob[at + 148:at + 156] = b" " * 8
            blob[at + 148:at + 156] = b"%06o\0 " % sum(blob[at:at + 512])
    for linux in (False, True):
        with contextlib.suppress(FormatError):
            for _, content in read(io.BytesIO(bytes(blob)), linux=linux, limits=Limits(extended=5000)):
                if content is not None:
                    content.read()


MUTANTS = [
    write([folder("Files"), entry("Files/w", Kind.WHITEOUT), entry("Files/j", Kind.JUNCTION, target="C:\\x"),
           (entry("Files/a", size=700, eas=(("E", b"1"),)), bytes(700)), entry("Files/ü")]),
    tar((LONG, {"data": b"x"}), ("b", {"type": tarfile.LNKTYPE, "linkname": LONG}), format=tarfile.GNU_FORMAT),
    tar((LONG, {"data": b"x", "pax_headers": {"MSWINDOWS.fileattr": "32", "mtime": "1.5"}}),
        pax_headers={"comment": "hi"}),
]
