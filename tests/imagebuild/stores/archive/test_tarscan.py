# SPDX-License-Identifier: Apache-2.0
"""The table of contents of a tar, whoever wrote it."""

from __future__ import annotations

import contextlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.stores.archive import tarscan

names = st.lists(st.text(alphabet="abä.-", min_size=1, max_size=90).filter(lambda part: part.strip(".")), min_size=1,
                 max_size=4).map("/".join)


def pack(files: dict[str, bytes], form: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return out.getvalue()


def contents(data: bytes) -> dict[str, bytes]:
    return {member.name: data[member.offset:member.offset + member.size]
            for member in tarscan.scan(io.BytesIO(data), source="x")}


@settings(max_examples=60)
@given(st.dictionaries(names, st.binary(max_size=700), max_size=4), st.sampled_from([tarfile.GNU_FORMAT,
                                                                                    tarfile.PAX_FORMAT]))
def test_what_tarfile_writes_is_found(files: dict[str, bytes], form: int) -> None:
    assert contents(pack(files, form)) == {tarscan.clean(name): data for name, data in files.items()}


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513])
def test_our_headers_are_read_by_tarfile_and_by_us(size: int) -> None:
    data = bytes(range(256)) * 3
    packed = tarscan.header("blobs/", 0, folder=True) + tarscan.header("blobs/x", size) + data[:size] + \
        tarscan.padding(size) + bytes(1024)
    assert contents(packed) == {"blobs/x": data[:size]}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        assert [(member.name, member.isdir(), member.mode) for member in tar] == [
            ("blobs", True, 0o755), ("blobs/x", False, 0o644)]


def test_a_size_past_8_gib_is_written_and_read_in_binary() -> None:
    with tarfile.open(fileobj=io.BytesIO(tarscan.header("x", 9 << 30) + bytes(512))) as tar:
        member = tar.next()
        assert member is not None
        assert member.size == 9 << 30


@pytest.mark.parametrize(("name", "clean"), [("./a/b", "a/b"), ("/a", "a"), ("../../a", "a"), ("a/../../b", "b"),
                                             ("a//b/", "a/b"), ("..", ""), ("", "")])
def test_names_are_brought_to_one_form_inside_the_archive(name: str, clean: str) -> None:
    assert tarscan.clean(name) == clean


def test_a_damaged_header_is_refused_where_it_stands() -> None:
    packed = bytearray(pack({"a": b"x", "b": b"y"}, tarfile.USTAR_FORMAT))
    packed[1024] ^= 1
    with pytest.raises(FormatError) as caught:
        contents(bytes(packed))
    assert caught.value.offset == 1024


def test_a_member_that_claims_more_than_there_is_is_refused() -> None:
    for size in (1, 1 << 40):
        with pytest.raises(FormatError, match="cut short"):
            contents(tarscan.header("x", size))


def test_an_extended_header_that_claims_gigabytes_is_not_read() -> None:
    big = bytearray(tarscan.header("x", 2 << 20))
    big[156:157] = b"x"
    big[148:156] = b" " * 8
    big[148:156] = b"%06o\0 " % sum(big)
    with pytest.raises(FormatError, match="too large"):
        contents(bytes(big) + bytes(2 << 20))


@pytest.mark.parametrize("record", [b"5 a=b\n", b"x path=y\n", b"99 path=y\n", b"10 path=y", b"11 size=-1\n",
                                    b"0 path=y\n", b"9 nothing\n"])
def test_a_broken_pax_record_is_refused(record: bytes) -> None:
    header = bytearray(tarscan.header("x", len(record)))
    header[156:157] = b"x"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(FormatError):
        contents(bytes(header) + record + tarscan.padding(len(record)) + tarscan.header("y", 0))


@settings(max_examples=150)
@given(st.data())
def test_no_damage_escapes_as_another_error(data: st.DataObject) -> None:
    packed = bytearray(pack({"a" * 150: b"x" * 600, "b": b"y"}, tarfile.PAX_FORMAT))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(FormatError):
        contents(bytes(packed[:data.draw(st.integers(0, len(packed)))]))
