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
from imagebuild.layer.tarstream import Header, TarStream, is_sparse, parse_records

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
    raw[476:480] = b"junk"
    raw[508:512] = b"tar\0"
    for prefix in (b"pre", b"p" * 131):
        raw[345:476] = prefix.ljust(131, b"\0")
        assert names(repaired(raw) + END) == [prefix.decode() + "/name"]


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


def test_a_size_may_fill_its_field() -> None:
    header = TarStream(io.BytesIO(block(size=b"000000000003", mtime=bytes(12)) + bytes(512) + END)).next()
    assert header is not None
    assert header.size == 3


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
    header = TarStream(io.BytesIO(extended(b"10 size=0\n") + block(size=b"00000001000\0") + END)).next()
    assert header is not None and header.size == 0
    header = TarStream(io.BytesIO(extended(b"8 path=\n") + block(b"a") + END)).next()
    assert header is not None
    assert header.name == b"a"


@pytest.mark.parametrize(("body", "records"), [
    (b"", {}), (b"6 a=b\n", {b"a": b"b"}), (b"6 a=b\n6 a=c\n", {b"a": b"c"}), (b"7 a==b\n", {b"a": b"=b"}),
    (b"0" * 17 + b"24 a=b\n", {b"a": b"b"}),
    (b"7 a=\n\n\n", {b"a": b"\n\n"}), (b"5 a=\n", {b"a": b""}), (b"7 a=\0\0\n", {b"a": b"\0\0"})])
def test_records_are_length_key_and_value(body: bytes, records: dict[bytes, bytes]) -> None:
    assert parse_records(body) == records


@pytest.mark.parametrize(("body", "at"), [
    (b"5 a=b\n", 0), (b"7 a=b\n", 0), (b"6 a=b", 0), (b"a=b\n", 0), (b"6 a=b\nx", 6), (b"5 =b\n", 0), (b"5 ab\n", 0),
    (b" 6 a=b\n", 0), (b"-6 a=b\n", 0), (b"0 a=b\n", 0), (b"6 a=b\n\0\0", 6), (b"99999999999999999999999 a=b\n", 0),
    (b"2 \n", 0), (b"6\ta=b\n", 0), (b"x a=b\n", 0), (b"0" * 18 + b"25 a=b\n", 0)])
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


# --- what is wrong, in full -----------------------------------------------------------------------------------------

DAMAGED = "not a tar header, or a damaged one (its checksum is wrong)"
NAMELESS = "an entry without a name, or with a zero byte in it"
SPARSE = "a GNU sparse file, which layers do not have (write it with its zeros)"
MAX_SIZE = b"9223372036854775807"


def repaired(raw: bytes | bytearray) -> bytes:
    """A header block with its checksum mended."""
    raw = bytearray(raw)
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def with_field(at: int, value: bytes) -> bytes:
    raw = bytearray(block())
    raw[at:at + len(value)] = value
    return repaired(raw)


def pax_of(key: bytes, value: bytes) -> bytes:
    rest = len(key) + len(value) + 3
    length = rest + len(str(rest))
    return b"%d %b=%b\n" % (length + (len(str(length)) + rest != length), key, value)


@pytest.mark.parametrize(("blob", "why", "offset"), [
    (block()[:300], "the tar is cut off in a header", 300),
    (block() + block()[:1], "the tar is cut off in a header", 513),
    (block(size=b"00000001000\0") + bytes(100), "the tar is cut off in the content of an entry", 612),
    (block(size=b"00000000002\0") + b"x", "the tar is cut off in the content of an entry", 513),
    (extended(b"6 a=b\n")[:700], "the tar is cut off in an extended header", 700),
    (block() + extended(b"6 a=b\n"), "an extended header is not followed by an entry", 512),
    (block() + extended(b"6 a=b\n") + END, "an extended header is not followed by an entry", 512),
    (block() + block(b"") + END, NAMELESS, 512), (extended(pax_of(b"path", b"a\0b")) + block() + END, NAMELESS, 0),
    (extended(pax_of(b"linkpath", b"a\0b")) + block() + END, NAMELESS, 0),
    (extended(pax_of(b"size", b"x" * 40)) + block() + END, f"a PAX size of {b'x' * 30!r}", 0),
    (extended(pax_of(b"size", b"-1")) + block() + END, "a PAX size of b'-1'", 0),
    (extended(pax_of(b"size", b"")) + block() + END, "a PAX size of b''", 0),
    (extended(pax_of(b"size", b"0" * 19 + b"1")) + block() + END, f"a PAX size of {b'0' * 19 + b'1'!r}", 0),
    (extended(pax_of(b"size", b"9223372036854775808")) + block() + END, "a PAX size of b'9223372036854775808'", 0),
    (extended(pax_of(b"size", MAX_SIZE)) + block(), "the tar is cut off in the content of an entry", 1536),
    (bytes(512) + block() + END, "a lone block of zeros between entries", 0),
    (block() + bytes(512) + block() + END, "a lone block of zeros between entries", 512),
    (bytes(512) + b"X" * 512, "a lone block of zeros between entries", 0),
    (b"X" * 512, DAMAGED, 0), (block()[:154] + b"\0X" + block()[156:] + END, DAMAGED, 0),
    (block() + b"\1" * 512, DAMAGED, 512), (block()[:-1] + b"\1" + END, DAMAGED, 0),
    (block()[:148] + b"8" * 6 + b"\0 " + block()[156:] + END, DAMAGED, 0),
    (block()[:148] + b"9" * 6 + b"\0 " + block()[156:] + END, DAMAGED, 0),
    (block()[:148] + b"-00001\0 " + block()[156:] + END, DAMAGED, 0),
    (block() + block(typeflag=b"S") + END, SPARSE, 512),
    *((extended(pax_of(key, b"1")) + block() + END, SPARSE, 0)
      for key in (b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.size")),
    (block(size=b"\xff" * 12) + END, "a size of -1", 124),
    (block() + block(size=b"\x80\0\0\0\x80" + bytes(7)) + END, "a size of 9223372036854775808", 636),
    (block(size=b"0000000000x\0") + END, "b'0000000000x\\x00' is not a number", 124),
    (extended(b"") + block(size=b"00000000008\0") + END, "b'00000000008\\x00' is not a number", 636),
    (block(size=b"00000000009\0") + END, "b'00000000009\\x00' is not a number", 124),
    (block(size=b"00000000003X") + END, "b'00000000003X' is not a number", 124),
    (block(size=b"\x80\0\0\0\x7f" + b"\xff" * 7), "the tar is cut off in the content of an entry", 512),
    (block(size=b"000000000092") + END, "b'000000000092' is not a number", 124),
    (extended(b"") + with_field(100, b"9") + END, "b'9000644\\x00' is not a number", 612),
    (extended(b"") + with_field(136, b"x") + END, "b'x0000000000\\x00' is not a number", 648),
    (block(typeflag=b"x", size=b"0000000000x\0") + END, "b'0000000000x\\x00' is not a number", 124),
    (extended(b"6 a=b\nx") + block() + END, "a PAX record whose length is wrong", 518),
    (extended(b"5 =b\n") + block() + END, "a PAX record without a key", 512),
    (block() + extended(b"6 a=b\n5 ab\n", b"g") + block() + END, "a PAX record without a key", 1030),
])
@pytest.mark.parametrize("source", [None, "layer 3"])
def test_what_is_wrong_with_a_tar_is_said_in_full(blob: bytes, why: str, offset: int, source: str | None) -> None:
    with pytest.raises(FormatError) as caught:
        names(blob, **({} if source is None else {"source": source}))
    assert (caught.value.offset, caught.value.source) == (offset, source or "layer")
    assert caught.value.lines() == [f"cannot read the {source or 'layer'}",
                                    f"{why} (at byte {offset} of {source or 'layer'})"]


@pytest.mark.parametrize(("limits", "blob", "why", "offset"), [
    (Limits(extended=600), block() + extended(bytes(601)), "an extended header of 601 bytes, at most 600 are accepted",
     512),
    (Limits(entries=1), block() + block(), "more than 1 entries", 512),
    (Limits(headers=1535), block() * 3, "more than 1535 bytes of headers", 1024),
    (Limits(headers=1029), block() + extended(b"6 a=b\n"), "more than 1029 bytes of headers", 512),
    (Limits(headers=1541), block() + extended(b"6 a=b\n") + block(), "more than 1541 bytes of headers", 512),
    (Limits(extended=25), extended(b"13 comment=x\n", b"g") + extended(pax_of(b"b", b"y" * 17), b"g"),
     "more than 25 bytes of global headers", 1024),
])
def test_what_a_tar_has_too_much_of_is_said_in_full(limits: Limits, blob: bytes, why: str, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        names(blob + block() + END, limits=limits)
    assert caught.value.lines() == ["cannot read the layer", f"{why} (at byte {offset} of layer)"]


@pytest.mark.parametrize(("limits", "blob", "count"), [
    (Limits(extended=600), extended(pax_of(b"k", b"x" * 593)) + block(), 1), (Limits(entries=2), block() * 2, 2),
    (Limits(headers=1536), block() * 3, 3), (Limits(headers=1030), extended(b"6 a=b\n") + block(), 1),
    (Limits(extended=26), extended(b"13 comment=x\n", b"g") + extended(pax_of(b"b", b"y" * 17), b"g") + block(), 1)])
def test_a_tar_at_the_limit_is_read(limits: Limits, blob: bytes, count: int) -> None:
    assert len(names(blob + END, limits=limits)) == count


# --- headers --------------------------------------------------------------------------------------------------------

def headers(blob: bytes, **options: Any) -> list[Header]:
    stream = TarStream(io.BytesIO(blob), **options)
    return list(iter(stream.next, None))


def test_every_field_of_a_header_is_where_it_should_be() -> None:
    raw = bytearray(block(b"n", b"2", mtime=b"00000000017\0", link=b"target"))
    raw[100:108] = b"0100755\0"
    blob = block() + extended(pax_of(b"k", b"v")) + repaired(raw) + END
    header = headers(blob)[1]
    assert (header.name, header.typeflag, header.size, header.mode, header.mtime, header.linkname, header.pax,
            header.offset, header.data_offset) == (b"n", b"2", 0, 0o100755, 15, b"target", {b"k": b"v"}, 512, 2048)


def test_names_of_gnu_count_up_to_their_zero_and_less_than_records() -> None:
    long = extended(b"long\0ju\0nk", b"L") + extended(b"link\0ju\0nk", b"K")
    (header,) = headers(long + block(b"a", link=b"b") + END)
    assert (header.name, header.linkname, header.offset) == (b"long", b"link", 0)
    (header,) = headers(long + extended(pax_of(b"path", b"p") + pax_of(b"linkpath", b"q")) + block(b"a") + END)
    assert (header.name, header.linkname) == (b"p", b"q")
    first, second = headers(long + block(b"a") + block(b"b", link=b"c") + END)
    assert (first.name, second.name, second.linkname) == (b"long", b"b", b"c")


def test_every_byte_of_a_header_counts_in_its_checksum() -> None:
    (header,) = headers(block(b"a", b"2", link=b"\xff" * 100) + END)
    assert header.linkname == b"\xff" * 100


def test_the_extended_header_of_solaris_is_one_too() -> None:
    assert headers(extended(b"6 a=b\n", b"X") + block() + END)[0].pax == {b"a": b"b"}


def test_a_name_may_fill_its_field_and_so_may_its_prefix() -> None:
    raw = bytearray(block(b"n" * 100, link=b"l" * 100))
    raw[345:508] = b"p" * 155 + b"junkjunk"
    (header,) = headers(repaired(raw) + END)
    assert (header.name, header.linkname) == (b"p" * 155 + b"/" + b"n" * 100, b"l" * 100)


@pytest.mark.parametrize(("field", "value"), [
    (b"\x80" + bytes(6) + b"\5", 5), (b"\x80" + b"\1" + bytes(6), 1 << 48), (b"\xc0" + bytes(7), -(1 << 62)),
    (b"\x81" + bytes(7), 1 << 56), (b"\t 17 \0\0\0", None), (b"X17\0\0\0\0\0", None),
    (b"\xff" * 8, -1), (b"  0 17 \0"[:8], None), (b"    17 \0", 15), (b"17\0junk\0", 15), (b"\0" * 8, 0),
    (b"       \0", 0), (b"00000017", 15)])
def test_a_number_is_octal_or_in_base_256_of_either_sign(field: bytes, value: int | None) -> None:
    blob = with_field(100, field) + END
    if value is None:
        with pytest.raises(FormatError):
            headers(blob)
    else:
        assert headers(blob)[0].mode == value


def test_records_that_are_alike_are_read_once_and_long_ones_are_not_kept() -> None:
    def dicts(*bodies: bytes) -> list[dict[bytes, bytes]]:
        return [header.pax for header in headers(b"".join(extended(body) + block() for body in bodies) + END)]

    first, second = dicts(b"6 a=b\n", b"6 a=b\n")
    assert first is second
    for size, shared in ((1 << 13, True), ((1 << 13) + 1, False)):
        body = pax_of(b"k", b"v" * (size - 8))
        assert len(body) == size
        first, second = dicts(body, body)
        assert (first is second) is shared
    bodies = [pax_of(b"k", b"%d" % number) for number in range(65)]
    kept = dicts(*bodies[:64], bodies[0])
    assert kept[0] is kept[64]
    cleared = dicts(*bodies, bodies[0])
    assert cleared[0] is not cleared[65]


def test_own_records_are_laid_over_global_ones() -> None:
    blob = extended(b"6 a=1\n6 b=2\n", b"g") + extended(b"6 a=3\n") + block() + block() + END
    assert [header.pax for header in headers(blob)] == [{b"a": b"3", b"b": b"2"}, {b"a": b"1", b"b": b"2"}]


def test_sixteen_global_headers_are_told_and_no_more() -> None:
    stream = TarStream(io.BytesIO(extended(b"6 a=1\n", b"g") * 20 + block() + END))
    assert stream.next() is not None
    assert stream.globals_at == [1024 * number for number in range(16)]


def test_with_sparse_a_sparse_file_is_passed_with_its_maps() -> None:
    old = bytearray(block(b"s", b"S", b"00000001000\0"))
    old[482] = 1
    more = bytearray(512)
    more[504] = 1
    blob = repaired(old) + bytes(more) + bytes(512) + b"c" * 512 + block(b"b") + END
    stream = TarStream(io.BytesIO(blob), sparse=True)
    header = stream.next()
    assert header is not None
    assert (header.name, header.size, header.data_offset, stream.body().read()) == (b"s", 512, 1536, b"c" * 512)
    assert [one.name for one in headers(blob, sparse=True)] == [b"s", b"b"]
    with pytest.raises(FormatError, match="the tar is cut off in the map of a sparse file"):
        headers(repaired(old) + bytes(more), sparse=True)
    with pytest.raises(FormatError, match="more than 1535 bytes of headers") as caught:
        headers(block(b"a") + blob, sparse=True, limits=Limits(headers=1535))
    assert caught.value.offset == 512
    old[156] = 0x30
    assert [one.name for one in headers(repaired(old) + bytes(512) + block(b"b") + END)] == [b"s", b"b"]


@pytest.mark.parametrize("key", [b"GNU.sparse.major", b"GNU.sparse.map", b"GNU.sparse.size"])
def test_a_sparse_file_is_known_by_one_record(key: bytes) -> None:
    assert is_sparse(b"0", {key: b""})
    assert is_sparse(b"S", {})
    assert not is_sparse(b"0", {b"GNU.sparse.name": b"x"})


# --- the stream underneath ------------------------------------------------------------------------------------------

class Pieces:
    """A stream that gives a few bytes at a time, whatever is asked; with ``read1`` it has no other way."""

    def __init__(self, data: bytes, size: int, way: str = "read") -> None:
        self.rest = io.BytesIO(data)
        self.size = size
        setattr(self, way, self.take)
        if way == "read1":
            self.read = None

    def take(self, size: int, /) -> bytes:
        assert size > 0
        return self.rest.read(self.size)


@pytest.mark.parametrize("way", ["read", "read1"])
@pytest.mark.parametrize("size", [1, 100, 511, 512, 513, 4096])
def test_it_does_not_matter_in_what_pieces_a_tar_comes(size: int, way: str) -> None:
    blob = (tar(("a", {"data": b"x" * 700}), (LONG, {"data": b"y" * 512}), ("c", {}), ("d", {"data": b"z"}))
            + b"rest" * 300)
    for read_content in (False, True):
        source: Any = Pieces(blob, size, way)
        stream = TarStream(source)
        seen = []
        while (header := stream.next()) is not None:
            assert stream.tell() == header.data_offset
            seen.append((header.name.decode(), header.offset, stream.body().read() if read_content else b""))
        sizes = [700, 512, 0, 1] if read_content else [0] * 4
        assert [(name, len(data)) for name, _, data in seen] == list(zip(["a", LONG, "c", "d"], sizes, strict=True))
        assert [offset for _, offset, _ in seen] == [0, 1536, 4096 - 512, 4096]
        assert source.rest.read() == b""
        assert stream.tell() == len(blob)
        assert stream.next() is None


def test_content_comes_in_the_pieces_at_hand() -> None:
    stream = TarStream(io.BytesIO(block(size=b"%011o\0" % 600) + b"x" * 600 + bytes(424) + block(b"b") + END))
    stream.next()
    body = stream.body()
    assert (body.read1(0), body.read1(100), body.read(100), body.read1()) == (b"", b"x" * 100, b"x" * 100, b"x" * 400)
    assert (body.read1(), body.read(), body.read(None)) == (b"", b"", b"")
    header = stream.next()
    assert header is not None and header.name == b"b"


def test_content_is_the_chunk_itself_where_that_is_possible() -> None:
    """A big file goes through without a copy."""
    source: Any = Pieces(block(size=b"%011o\0" % 2048) + b"x" * 2048 + END, 512)
    stream = TarStream(source)
    stream.next()
    body = stream.body()
    assert [len(body.read1()) for _ in range(5)] == [512, 512, 512, 512, 0]
    half = Pieces(block(size=b"%011o\0" % 700) + b"x" * 700 + bytes(324) + block(b"b") + END, 512)
    stream = TarStream(half)  # type: ignore[arg-type]
    stream.next()
    body = stream.body()
    assert body.read1(500) == b"x" * 500
    assert body.read1(500) == b"x" * 12
    assert body.read1(500) == b"x" * 188
    header = stream.next()
    assert header is not None and (header.name, header.offset) == (b"b", 1536)


def test_the_content_of_an_entry_that_was_passed_is_gone() -> None:
    stream = TarStream(io.BytesIO(block(b"a") + block(b"b") + END))
    stream.next()
    body = stream.body()
    stream.next()
    for read_it in (body.read, body.read1):
        with pytest.raises(UsageError) as caught:
            read_it()
        assert caught.value.lines() == ["cannot read the content of an entry that was passed",
                                        "a layer is read front to back"]


def test_content_that_is_cut_off_is_told_when_it_is_read() -> None:
    stream = TarStream(io.BytesIO(block(size=b"00000001000\0") + bytes(100)))
    stream.next()
    body = stream.body()
    assert body.read1() == bytes(100)
    with pytest.raises(FormatError) as caught:
        body.read1()
    assert caught.value.lines() == ["cannot read the layer",
                                    "the tar is cut off in the content of an entry (at byte 612 of layer)"]


@pytest.mark.parametrize("padding", [0, 1, 510, 511])
def test_a_tar_may_end_in_the_padding_of_its_last_entry(padding: int) -> None:
    """As Go's reader has it: ``docker build -f -`` sends such a tar."""
    data = block() + block(size=b"00000000001\0") + b"x" + bytes(padding)
    stream = TarStream(io.BytesIO(data))
    assert [header.size for header in iter(stream.next, None)] == [0, 1] and stream.tell() == len(data)
    assert stream.next() is None


def test_records_alone_name_their_source_and_place() -> None:
    for named, words in (({}, "layer"), ({"offset": 7, "source": "x"}, "x")):
        for body, why in ((b"7 a=b\n", "a PAX record whose length is wrong"),
                          (b"5 =b\n", "a PAX record without a key")):
            with pytest.raises(FormatError) as caught:
                parse_records(body, **named)  # type: ignore[arg-type]
            assert caught.value.lines() == [f"cannot read the {words}",
                                            f"{why} (at byte {named.get('offset', 0)} of {words})"]


@pytest.mark.parametrize("name", [b"\x7f\xff", b"\x80", b"a\xc3\xbc\x7f"])
def test_a_checksum_over_signed_bytes_is_one_too(name: bytes) -> None:
    assert [header.name for header in headers(block(name, signed=True) + END)] == [name]


def test_content_that_ends_with_the_stream_is_whole() -> None:
    stream = TarStream(io.BytesIO(block(size=b"00000001000\0") + b"x" * 512))
    stream.next()
    body = stream.body()
    assert (body.read(), body.read(), body.read1(5), body.read1(0)) == (b"x" * 512, b"", b"", b"")
    assert stream.next() is None


def test_an_extended_header_that_comes_again_counts_again() -> None:
    blob = tar(*((f"f{number}", {"pax_headers": {"MSWINDOWS.fileattr": "32"}}) for number in range(10)))
    with pytest.raises(FormatError, match="bytes of headers"):
        list(read(io.BytesIO(blob), limits=Limits(headers=8000)))
    assert [entry.attributes for entry, _ in read(io.BytesIO(blob))] == [32] * 10
