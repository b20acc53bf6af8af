# SPDX-License-Identifier: Apache-2.0
"""Security descriptors in bytes: read in any layout, written back the same, never trusted."""

from __future__ import annotations

import base64
import os
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows import security as s
from imagebuild.windows.security import Ace, Acl, SecurityDescriptor
from imagebuild.windows.sid import ADMINISTRATORS, EVERYONE, SYSTEM, USERS, Sid

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[4] / "shared"))

SIDS = st.builds(Sid, st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple))
MASKS, BYTES = st.integers(0, 2**32 - 1), st.integers(0, 255)
GUIDS = st.none() | st.binary(min_size=16, max_size=16)
PLAIN = st.builds(Ace, st.sampled_from(sorted(s.KNOWN_TYPES - s.OBJECT_TYPES)), BYTES, MASKS, SIDS,
                  data=st.binary(max_size=12))
OBJECT = st.builds(Ace, st.sampled_from(sorted(s.OBJECT_TYPES)), BYTES, MASKS, SIDS, GUIDS, GUIDS,
                   MASKS.map(lambda bits: bits & ~3), st.binary(max_size=12))
UNKNOWN = st.builds(Ace, st.sampled_from(sorted(set(range(256)) - s.KNOWN_TYPES)), BYTES, data=st.binary(max_size=40))
ACLS = st.builds(Acl, st.lists(PLAIN | OBJECT | UNKNOWN, max_size=4).map(tuple), BYTES, st.binary(max_size=5))
DESCRIPTORS = st.builds(SecurityDescriptor, st.integers(0, 0xFFFF), st.none() | SIDS, st.none() | SIDS,
                        st.none() | ACLS, st.none() | ACLS, BYTES, st.permutations("ogsd").map("".join))


@given(DESCRIPTORS)
def test_descriptors_round_trip_with_entries_known_and_unknown(sd: SecurityDescriptor) -> None:
    data = sd.to_bytes()
    again = SecurityDescriptor.from_bytes(data + b"rest")
    assert again == sd
    assert again.to_bytes() == data


@settings(max_examples=300)
@given(DESCRIPTORS.map(lambda sd: sd.to_bytes()), st.data())
def test_damaged_bytes_raise_only_format_errors(good: bytes, data: st.DataObject) -> None:
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(BYTES)
    damaged = damaged[:data.draw(st.integers(0, len(damaged)))]
    try:
        sd = SecurityDescriptor.from_bytes(bytes(damaged))
    except FormatError as error:
        assert error.offset is not None
        return
    sd.to_bytes()


@given(st.binary(max_size=120))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    try:
        SecurityDescriptor.from_bytes(b"\x01\x00\x14\x80" + data)
    except FormatError as error:
        assert error.offset is not None


VECTORS = {  # (self-relative bytes in base64, what they say) as BuildKit's winlayers and the pause image carry them
    "folder": (
        "AQAEgBQAAAAkAAAAAAAAADAAAAABAgAAAAAABSAAAAAgAgAAAQEAAAAAAAUSAAAAAgCoAAcAAAAAAxgA/wEfAAECAAAAAAAFIAAAACACAAAAAxQA"
        "/wEfAAEBAAAAAAAFEgAAAAAAGAD/AR8AAQIAAAAAAAUgAAAAIAIAAAALFAAAAAAQAQEAAAAAAAMAAAAAAAMYAKkAEgABAgAAAAAABSAAAAAhAgAA"
        "AAIYAAQAAAABAgAAAAAABSAAAAAhAgAAAAIYAAIAAAABAgAAAAAABSAAAAAhAgAA", [
            (0, 3, 0x1F01FF, ADMINISTRATORS), (0, 3, 0x1F01FF, SYSTEM), (0, 0, 0x1F01FF, ADMINISTRATORS),
            (0, 11, 0x10000000, Sid(3, (0,))), (0, 3, 0x1200A9, USERS), (0, 2, 4, USERS), (0, 2, 2, USERS)]),
}


def test_a_descriptor_made_by_windows_is_read_and_written_byte_for_byte() -> None:
    data, aces = base64.b64decode(VECTORS["folder"][0]), VECTORS["folder"][1]
    sd = SecurityDescriptor.from_bytes(data)
    assert (sd.owner, sd.group, sd.sacl) == (ADMINISTRATORS, SYSTEM, None)
    assert sd.dacl is not None
    assert [(ace.type, ace.flags, ace.mask, ace.sid) for ace in sd.dacl.aces] == aces
    assert sd.to_bytes() == data
    assert SecurityDescriptor(0x8004, sd.owner, sd.group, sd.dacl).to_bytes() == data


def test_the_kernels_own_layout_in_registry_hives_is_kept() -> None:
    """Every security cell of the real hives, read and written back: SACL, DACL, owner, group."""
    hives = SHARED / "hives" / "real"
    if not hives.is_dir():
        pytest.skip(f"no real hives in {hives}")
    seen = 0
    for path in sorted(p for p in hives.rglob("*") if p.is_file()):
        data = path.read_bytes()
        at = data.find(b"sk\0\0", 0x1000)
        while at >= 0 and seen < 400:
            (length,) = struct.unpack_from("<I", data, at + 16) if at % 8 == 4 else (0,)
            cell = data[at + 20:at + 20 + length]
            if 20 <= length == len(cell) and cell[0] == 1 and cell[3] & 0x80:
                seen += 1
                assert SecurityDescriptor.from_bytes(cell).to_bytes() == cell
            at = data.find(b"sk\0\0", at + 1)
    assert seen > 20


def _sd(control: int = 0x8004, owner: int = 0, group: int = 0, sacl: int = 0, dacl: int = 0, rest: bytes = b"",
        revision: int = 1) -> bytes:
    return struct.pack("<BBHIIII", revision, 0, control, owner, group, sacl, dacl) + rest


def _acl(*aces: bytes, size: int | None = None, count: int | None = None) -> bytes:
    body = b"".join(aces)
    return struct.pack("<BBHHH", 2, 0, 8 + len(body) if size is None else size, 0 if count is None else count, 0) + body


GOOD_ACE = Ace(0, 0, 1, EVERYONE).to_bytes()


@pytest.mark.parametrize(("data", "offset", "why"), [
    (b"", 0, "needs 20"), (b"\x01" * 19, 19, "needs 20"),
    (_sd(revision=2), 0, "revision"), (_sd(control=4), 2, "self-relative"),
    (_sd(owner=19), 4, "points outside"), (_sd(owner=21), 4, "points outside"), (_sd(group=99), 8, "points outside"),
    (_sd(control=0x8010, sacl=4), 12, "points outside"), (_sd(dacl=2**32 - 1), 16, "points outside"),
    (_sd(owner=20), 20, "cut off"), (_sd(owner=20, rest=EVERYONE.to_bytes()[:-1]), 20, "cut off"),
    (_sd(dacl=20, rest=_acl()[:7]), 20, "cut off"), (_sd(dacl=20, rest=_acl(size=9)), 22, "says 9 bytes, 8"),
    (_sd(dacl=20, rest=_acl(size=7)), 22, "says 7 bytes"), (_sd(dacl=20, rest=_acl(count=1)), 28, "ends before"),
    (_sd(dacl=20, rest=_acl(b"\0\0\3\0", count=1)), 30, "says 3 bytes"),
    (_sd(dacl=20, rest=_acl(b"\0\0\x09\0aaaa", count=1)), 30, "says 9 bytes, 8"),
    (_sd(dacl=20, rest=_acl(b"\0\0\7\0aaaa", count=1)), 28, "cut off"),
    (_sd(dacl=20, rest=_acl(b"\5\0\x0b\0aaaaaaaa", count=1)), 28, "cut off"),
    (_sd(dacl=20, rest=_acl(b"\5\0\x1c\0aaaa\3\0\0\0" + bytes(16), count=1)), 28, "cut off"),
    (_sd(dacl=20, rest=_acl(b"\0\0\x08\0aaaa", count=1)), 36, "SID"),
    (_sd(dacl=20, rest=_acl(GOOD_ACE, count=2)), 48, "ends before"),
])
def test_a_length_or_offset_that_lies_is_found(data: bytes, offset: int, why: str) -> None:
    with pytest.raises(FormatError, match=why) as caught:
        SecurityDescriptor.from_bytes(data, source="rawsd")
    assert caught.value.offset == offset
    assert "of rawsd" in str(caught.value)


def test_a_list_that_the_control_flags_do_not_announce_is_ignored() -> None:
    data = _sd(control=0x8000, dacl=20, sacl=99, rest=_acl(GOOD_ACE, count=1))
    assert SecurityDescriptor.from_bytes(data) == SecurityDescriptor()


def test_no_list_a_null_list_and_an_empty_list_are_three_things() -> None:
    none, null, empty = SecurityDescriptor(), SecurityDescriptor(s.DACL_PRESENT), SecurityDescriptor(dacl=Acl())
    assert [sd.has_dacl() for sd in (none, null, empty)] == [False, True, True]
    assert len({none, null, empty}) == 3
    assert null.to_bytes().hex() == "01000480" + "00" * 16, "the NULL descriptor CimFS substitutes"
    for sd in (none, null, empty):
        assert SecurityDescriptor.from_bytes(sd.to_bytes()) == sd


def test_sacls_are_told_apart_in_the_same_way() -> None:
    assert not SecurityDescriptor().has_sacl()
    assert SecurityDescriptor(s.SACL_PRESENT).has_sacl()
    assert SecurityDescriptor(sacl=Acl()).control == s.SACL_PRESENT | s.SELF_RELATIVE
    assert not SecurityDescriptor(dacl=Acl()).has_sacl()


def test_with_dacl_and_with_owner_leave_the_rest_alone() -> None:
    sd = SecurityDescriptor(s.DACL_PROTECTED | s.DACL_DEFAULTED | s.OWNER_DEFAULTED, SYSTEM, SYSTEM, Acl(), Acl())
    assert sd.is_protected()
    assert sd.with_owner(USERS) == replace(sd, owner=USERS, control=sd.control & ~s.OWNER_DEFAULTED)
    other = Acl((Ace(0, 0, 1, EVERYONE),))
    assert sd.with_dacl(other) == replace(sd, dacl=other, control=sd.control & ~s.DACL_DEFAULTED)
    assert sd.with_dacl(other, present=False).dacl == other
    assert sd.with_dacl(None).has_dacl()
    assert sd.with_dacl(None).control == sd.control & ~s.DACL_DEFAULTED
    assert not sd.with_dacl(None, present=False).has_dacl()
    assert not SecurityDescriptor().is_protected()


def test_layout_is_no_part_of_what_a_descriptor_says() -> None:
    one, other = (SecurityDescriptor(0, SYSTEM, USERS, Acl(), None, 0, layout) for layout in ("ogsd", "sdog"))
    assert one == other and hash(one) == hash(other) != hash(SecurityDescriptor(0, SYSTEM, SYSTEM, Acl()))
    assert one.to_bytes() != other.to_bytes()
    assert other.to_bytes()[16:20] == b"\x14\0\0\0"
    assert SecurityDescriptor.from_bytes(other.to_bytes()).layout == "dogs"
    assert one != "O:SY"


def test_what_does_not_fit_sixteen_bits_of_size_is_refused() -> None:
    with pytest.raises(FormatError) as caught:
        Ace(0xFE, data=bytes(65532)).to_bytes()
    assert caught.value.lines() == ["cannot write an access control entry", "it has 65536 bytes, 65535 are allowed"]
    assert len(Ace(0xFE, data=bytes(65531)).to_bytes()) == 65535
    with pytest.raises(FormatError) as caught:
        Acl(tail=bytes(65528)).to_bytes()
    assert caught.value.lines() == ["cannot write an access control list", "it has 65536 bytes, 65535 are allowed"]
    assert len(Acl(tail=bytes(65527)).to_bytes()) == 65535


DOCUMENTED = {  # [MS-DTYP] 2.4.3, 2.4.4.1, 2.4.6; winnt.h; winreg.h
    "ALLOW": 0, "DENY": 1, "AUDIT": 2, "ALARM": 3, "ALLOW_OBJECT": 5, "DENY_OBJECT": 6, "AUDIT_OBJECT": 7,
    "ALARM_OBJECT": 8, "ALLOW_CALLBACK": 9, "DENY_CALLBACK": 10, "ALLOW_CALLBACK_OBJECT": 11,
    "DENY_CALLBACK_OBJECT": 12, "AUDIT_CALLBACK": 13, "ALARM_CALLBACK": 14, "AUDIT_CALLBACK_OBJECT": 15,
    "ALARM_CALLBACK_OBJECT": 16, "MANDATORY_LABEL": 17, "RESOURCE_ATTRIBUTE": 18, "SCOPED_POLICY_ID": 19,
    "PROCESS_TRUST_LABEL": 20, "ACCESS_FILTER": 21,
    "OBJECT_INHERIT": 1, "CONTAINER_INHERIT": 2, "NO_PROPAGATE_INHERIT": 4, "INHERIT_ONLY": 8, "INHERITED": 16,
    "CRITICAL": 32, "SUCCESSFUL_ACCESS": 64, "FAILED_ACCESS": 128,
    "OWNER_DEFAULTED": 1, "GROUP_DEFAULTED": 2, "DACL_PRESENT": 4, "DACL_DEFAULTED": 8, "SACL_PRESENT": 16,
    "SACL_DEFAULTED": 32, "DACL_TRUSTED": 64, "SERVER_SECURITY": 128, "DACL_AUTO_INHERIT_REQ": 256,
    "SACL_AUTO_INHERIT_REQ": 512, "DACL_AUTO_INHERITED": 1024, "SACL_AUTO_INHERITED": 2048, "DACL_PROTECTED": 4096,
    "SACL_PROTECTED": 8192, "RM_CONTROL_VALID": 16384, "SELF_RELATIVE": 32768,
    "GENERIC_READ": 0x80000000, "GENERIC_WRITE": 0x40000000, "GENERIC_EXECUTE": 0x20000000, "GENERIC_ALL": 0x10000000,
    "MAXIMUM_ALLOWED": 0x2000000, "ACCESS_SYSTEM_SECURITY": 0x1000000, "DELETE": 0x10000, "READ_CONTROL": 0x20000,
    "WRITE_DAC": 0x40000, "WRITE_OWNER": 0x80000, "SYNCHRONIZE": 0x100000,
    "FILE_ALL": 0x1F01FF, "FILE_READ": 0x120089, "FILE_WRITE": 0x120116, "FILE_EXECUTE": 0x1200A0,
    "FILE_MODIFY": 0x1301BF, "FILE_READ_EXECUTE": 0x1200A9,
    "KEY_ALL": 0xF003F, "KEY_READ": 0x20019, "KEY_WRITE": 0x20006, "KEY_EXECUTE": 0x20019,
}


def test_the_numbers_are_the_documented_ones() -> None:
    assert {name: getattr(s, name) for name in DOCUMENTED} == DOCUMENTED


DESCRIPTOR, LIST, ENTRY = (f"cannot read {what}" for what in (
    "a security descriptor", "an access control list", "an access control entry"))


@pytest.mark.parametrize(("data", "offset", "what", "why"), [
    (b"\x01" * 19, 19, DESCRIPTOR, "it has 19 bytes, its header alone needs 20"),
    (_sd(revision=2), 0, DESCRIPTOR, "its revision is not 1"),
    (_sd(control=4), 2, DESCRIPTOR, "it is not in self-relative form"),
    (_sd(owner=19), 4, DESCRIPTOR, "an offset of 19 points outside its 20 bytes"),
    (_sd(group=21), 8, DESCRIPTOR, "an offset of 21 points outside its 20 bytes"),
    (_sd(control=0x8010, sacl=4), 12, DESCRIPTOR, "an offset of 4 points outside its 20 bytes"),
    (_sd(dacl=2**32 - 1), 16, DESCRIPTOR, f"an offset of {2**32 - 1} points outside its 20 bytes"),
    (_sd(group=20), 20, "cannot read a SID", "it is cut off, not of revision 1, or has more than 15 sub-authorities"),
    (_sd(dacl=20, rest=_acl()[:7]), 20, LIST, "it is cut off"),
    (_sd(dacl=20, rest=_acl(size=9)), 22, LIST, "it says 9 bytes, 8 are there"),
    (_sd(dacl=20, rest=_acl(size=7)), 22, LIST, "it says 7 bytes, 8 are there"),
    (_sd(control=0x8010, sacl=20, rest=_acl(count=1)), 28, ENTRY,
     "the list ends before the number of entries it announces"),
    (_sd(dacl=20, rest=_acl(b"\0\0\4", count=1)), 28, ENTRY, "the list ends before the number of entries it announces"),
    (_sd(dacl=20, rest=_acl(b"\0\0\3\0", count=1)), 30, ENTRY, "it says 3 bytes, 4 are left in the list"),
    (_sd(dacl=20, rest=_acl(b"\0\0\x09\0aaaa", count=1)), 30, ENTRY, "it says 9 bytes, 8 are left in the list"),
    (_sd(dacl=20, rest=_acl(b"\0\0\7\0aaaa", count=1)), 28, ENTRY, "it is cut off"),
    (_sd(dacl=20, rest=_acl(b"\5\0\x08\0aaaa", count=1)), 28, ENTRY, "it is cut off"),
    (_sd(dacl=20, rest=_acl(b"\5\0\x1c\0aaaa\3\0\0\0" + bytes(16), count=1)), 28, ENTRY, "it is cut off"),
    (_sd(dacl=20, rest=_acl(b"\5\0\x1c\0aaaa\1\0\0\0" + bytes(16), count=1)), 56, "cannot read a SID",
     "it is cut off, not of revision 1, or has more than 15 sub-authorities"),
])
def test_what_is_wrong_with_a_descriptor_is_said_in_full(data: bytes, offset: int, what: str, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        SecurityDescriptor.from_bytes(data, source="rawsd")
    assert caught.value.lines() == [what, f"{why} (at byte {offset} of rawsd)"]
    assert (caught.value.offset, caught.value.source) == (offset, "rawsd")
    with pytest.raises(FormatError) as nameless:
        SecurityDescriptor.from_bytes(data)
    assert nameless.value.source == ""


def test_a_list_alone_is_read_from_its_beginning() -> None:
    acl = Acl((Ace(5, 3, 7, EVERYONE, None, bytes(range(16)), 0x8000_0004, b"x"), Ace(0x7E, data=b"y")), 4, b"tail")
    assert Acl.from_bytes(acl.to_bytes() + b"rest") == acl
    assert Acl.from_bytes(b"before" + acl.to_bytes(), 6) == acl
    with pytest.raises(FormatError) as caught:
        Acl.from_bytes(b"")
    assert (caught.value.offset, caught.value.source) == (0, "")
