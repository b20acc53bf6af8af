# SPDX-License-Identifier: Apache-2.0
"""What entries carry: records as facts, each fault told in full; and what goes with which kind."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.breaches import Breaches
from support.rawtar import SD, TIMES

from imagebuild.errors import FormatError
from imagebuild.layer import Kind
from imagebuild.lint.checks.item import Facts, Item
from imagebuild.lint.checks.values import Records, check_values, read_security
from imagebuild.windows.acl.sddl import parse_sddl

RAW = parse_sddl("O:BAG:SYD:AI(A;ID;FA;;;SY)(A;ID;FA;;;BA)").to_bytes()
NO_DACL = parse_sddl("O:BUG:BU").to_bytes()
ATTRIBUTES, RAWSD, OLDSD = b"MSWINDOWS.fileattr", b"MSWINDOWS.rawsd", b"MSWINDOWS.sd"
EA = b"MSWINDOWS.xattr."


def facts(records: dict[bytes, bytes] | None = None, **named: Any) -> Facts:
    return Records().facts({**TIMES, **(records or {})}, **named)


def problems(records: dict[bytes, bytes]) -> list[tuple[str, str]]:
    return list(facts(records).problems)


# --- records as facts -----------------------------------------------------------------------------------------------

def test_an_entry_without_records_lacks_its_times_unless_they_are_known_from_elsewhere() -> None:
    assert Records().facts({}) == Facts(untimed="atime and no ctime")
    assert Records().facts({}, timed=True) == Facts()


def test_all_that_windows_writes_becomes_facts() -> None:
    assert facts({ATTRIBUTES: b"32", RAWSD: SD}) == Facts(32, RAW, True)
    assert facts({b"MSWINDOWS.mountpoint": b"1"}) == Facts(junction=True)
    assert facts({b"GNU.sparse.major": b"1"}) == Facts(sparse=True)
    assert facts({OLDSD: b"D:(A;;FA;;;BA)"}) == Facts(None, parse_sddl("D:(A;;FA;;;BA)").to_bytes(), True)


def test_the_new_descriptor_counts_where_both_are() -> None:
    assert facts({RAWSD: SD, OLDSD: b"nonsense"}) == Facts(None, RAW, True)


@pytest.mark.parametrize(("missing", "untimed"), [
    ((), ""), ((b"mtime",), ""), ((b"atime",), "atime"), ((b"ctime",), "ctime"),
    ((b"atime", b"ctime"), "atime and no ctime")])
def test_times_that_are_not_there_are_named(missing: tuple[bytes, ...], untimed: str) -> None:
    records = {key: value for key, value in TIMES.items() if key not in missing}
    assert Records().facts(records).untimed == untimed
    assert Records().facts({**records, **dict.fromkeys(missing, b"")}).untimed == untimed
    assert Records().facts({**records, b"x": b""}, timed=True).untimed == ""


def test_records_that_headers_share_are_read_once_and_not_kept_for_ever() -> None:
    records = Records()
    shared = [{ATTRIBUTES: b"%d" % number} for number in range(17)]
    first = records.facts(shared[0])
    assert records.facts(dict(shared[0])) == first
    records = Records()
    kept = [records.facts(pax) for pax in shared[:16]]
    assert all(records.facts(pax) is fact for pax, fact in zip(shared, kept, strict=False))
    records.facts(shared[16])
    assert records.facts(shared[0]) is not kept[0]
    assert records.facts(shared[16]) is records.facts(shared[16])


def test_a_descriptor_that_headers_share_is_read_once_unless_it_is_long() -> None:
    records = Records()
    texts = [b64encode(RAW + bytes(number)) for number in range(1, 1025)]
    first = records.facts({RAWSD: SD}).security
    assert records.facts({RAWSD: SD}).security is first
    for text in texts[:1023]:
        records.facts({RAWSD: text})
    assert records.facts({RAWSD: SD}).security is first
    records.facts({RAWSD: b64encode(NO_DACL)})
    assert records.facts({RAWSD: SD}).security is not first
    for size, shared in ((1 << 13, True), ((1 << 13) + 4, False)):
        text = b64encode(RAW + bytes(size // 4 * 3 - len(RAW)))
        assert len(text) == size
        assert (records.facts({RAWSD: text}).security is records.facts({RAWSD: text}).security) is shared


@given(st.integers(0, 2**32 - 1))
def test_any_attributes_of_32_bits_are_read(number: int) -> None:
    assert facts({ATTRIBUTES: b"%d" % number}) == Facts(number)


@pytest.mark.parametrize("text", [b"4294967296", b"00000000032", b"0x20", b"-1", b"", b"x" * 40])
def test_attributes_that_are_no_number_of_32_bits_are_told(text: bytes) -> None:
    assert facts({ATTRIBUTES: text}) == Facts(problems=(
        ("attributes-malformed", f"MSWINDOWS.fileattr is {text[:30]!r}"),))


# --- security -------------------------------------------------------------------------------------------------------

def test_a_descriptor_that_is_none_is_told() -> None:
    assert read_security(SD) == (RAW, ())
    for text in (b"?" + SD, b"A", b"?" * 50, SD[:8] + b"\n" + SD[8:]):
        assert read_security(text) == (None, (
            ("security-malformed", f"MSWINDOWS.rawsd is not base64: {text[:40]!r}"),))
    assert read_security(b64encode(b"\2" + bytes(30))) == (None, ((
        "security-malformed", "MSWINDOWS.rawsd is no security descriptor: its revision is not 1 (at byte 0)"),))
    assert read_security(b64encode(NO_DACL)) == (NO_DACL, ((
        "security-without-dacl", "its security descriptor has no DACL: everyone may do everything"),))
    assert facts({RAWSD: b"?"}) == Facts(secured=True, problems=(
        ("security-malformed", "MSWINDOWS.rawsd is not base64: b'?'"),))


@pytest.mark.parametrize("text", ["O:nobody", "D:(A;;FA;;;" + "B" * 300 + ")"])
def test_an_old_descriptor_that_is_no_sddl_is_told(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_sddl(text)
    assert facts({OLDSD: text.encode()}) == Facts(secured=True, problems=(
        ("security-malformed", f"MSWINDOWS.sd is no SDDL: {caught.value}"[:200]),))


def test_an_old_descriptor_is_text_and_may_lack_a_dacl_too() -> None:
    ((rule, message),) = problems({OLDSD: b"\xff"})
    assert (rule, message[:35]) == ("security-malformed", "MSWINDOWS.sd is no SDDL: 'utf-8' co")
    assert facts({OLDSD: b"O:BUG:BU"}) == Facts(None, NO_DACL, True, problems=((
        "security-without-dacl", "its security descriptor has no DACL: everyone may do everything"),))


def test_more_than_one_thing_may_be_wrong_with_the_records_of_an_entry() -> None:
    records = {OLDSD: b"\xff", b"ctime": b"x", ATTRIBUTES: b"y"}
    assert [rule for rule, _ in Records().facts(records).problems] == [
        "security-malformed", "time-malformed", "attributes-malformed"]


# --- times ----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("key", list(TIMES))
def test_each_time_is_a_number_that_go_can_hold(key: bytes) -> None:
    name = key.decode()
    for text in (b"1e9", b"+1", b"x" * 60, b"1.5.5", b"1" * 20):
        assert problems({key: text}) == [("time-malformed", f"{name} is {text[:40]!r}")]
    for text in (b"9223372037", b"-9223372037.5", b"9" * 19 + b"." + b"5" * 30):
        assert problems({key: text}) == [("time-range", f"{name} is {text[:40].decode()}, seconds from 1970")]
    for text in (b"9223372036.9", b"-9223372036", b"0", b"", b"000000000000000001.", b"-1.25"):
        assert problems({key: text}) == []


@pytest.mark.parametrize(("modified", "created", "told"), [
    (b"5.001", b"5.1", None), (b"5.001", b"5.1000000", ("1000000", "001")),
    (b"5.05", b"5.50000000", ("50000000", "05")),
    (b"5.001", b"5.001", None), (b"5.001", b"6.1000000", None), (b"5.101", b"5.101000000", None),
    (b"5.101", b"5.01000000", None), (b"5.0", b"5.", None), (b"5", b"5", None),
    (b"5.000000001", b"5.1", ("1", "000000001")),
    (b"5.0" + b"1" * 30, b"5." + b"1" * 30, ("1" * 20, "0" + "1" * 19))])
def test_a_fraction_that_lost_its_zeros_is_told(modified: bytes, created: bytes, told: tuple[str, str] | None) -> None:
    found = problems({b"mtime": modified, b"LIBARCHIVE.creationtime": created})
    assert found == ([] if told is None else [(
        "creation-time-digits", f"the creation time's fraction is {told[0]}, that of mtime {told[1]}")])


def test_without_one_of_two_times_there_is_no_fraction_to_compare() -> None:
    for key in (b"mtime", b"LIBARCHIVE.creationtime"):
        records = {**TIMES, b"mtime": b"0.01", b"LIBARCHIVE.creationtime": b"0.10000000"}
        assert len(Records().facts(records).problems) == 1
        del records[key]
        assert Records().facts(records).problems == ()


# --- other records --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("key", "value", "told"), [
    (EA + b"X", b"AA==", None), (EA + b"X", b64encode(bytes(0xFFFF)), None), (EA + b"X" * 254, b"", None),
    (b"SCHILY.xattr.X", b"!", None),
    (b"MSWINDOWS.ea.X", b"AA==", ("record-ignored", "nobody reads the record MSWINDOWS.ea.X")),
    (b"MSWINDOWS.\xff" + b"x" * 150, b"",
     ("record-ignored", "nobody reads the record MSWINDOWS.\ufffd" + "x" * 89)),
    (EA + b"X", b"AA\n==", ("ea-malformed", "MSWINDOWS.xattr.X is not base64")),
    (EA + b"X", b"A", ("ea-malformed", "MSWINDOWS.xattr.X is not base64")),
    (EA, b"", ("ea-malformed", "MSWINDOWS.xattr. names an attribute that cannot be")),
    (EA + b"X" * 255, b"", ("ea-malformed", f"MSWINDOWS.xattr.{'X' * 84} names an attribute that cannot be")),
    (EA + b"\xc3\xbc", b"", ("ea-malformed", "MSWINDOWS.xattr.\xfc names an attribute that cannot be")),
    (EA + b"a\tb", b"", ("ea-malformed", "MSWINDOWS.xattr.a\tb names an attribute that cannot be")),
    (EA + b"X", b64encode(bytes(0x10000)), ("ea-malformed", "MSWINDOWS.xattr.X has 65536 bytes")),
])
def test_what_is_wrong_with_a_record_of_windows_is_told(key: bytes, value: bytes, told: tuple[str, str] | None) -> None:
    assert problems({key: value}) == ([] if told is None else [told])


def test_every_record_is_looked_at_as_long_as_they_are_not_more_than_a_hundred() -> None:
    records = {EA + b"a": b"!", b"MSWINDOWS.b": b"", EA + b"c": b64encode(bytes(0x10000)), EA: b"", EA + b"e": b"!"}
    assert [rule for rule, _ in problems(records)] == [
        "ea-malformed", "record-ignored", "ea-malformed", "ea-malformed", "ea-malformed"]
    assert len(problems({b"MSWINDOWS.%d" % number: b"" for number in range(101)})) == 100


# --- what goes with which kind --------------------------------------------------------------------------------------

PLAIN = Facts(0x20, RAW, True)


def told(kind: Kind, facts: Facts = PLAIN, path: str = "Files/a", **values: Any) -> list[tuple[str, str]]:
    report: Any = Breaches()
    check_values(Item(path, path, kind, facts, offset=77, **{"typeflag": b"0", "target": "x", **values}), report)
    assert all(where == (path, 77) for _, _, *where in report.told for where in [tuple(where)])
    return [(rule, message) for rule, message, *_ in report.told]


GOOD = {Kind.FILE: 0x20, Kind.DIRECTORY: 0x10, Kind.SYMLINK: 0x420, Kind.DIRECTORY_SYMLINK: 0x410,
        Kind.JUNCTION: 0x410}


@pytest.mark.parametrize("kind", GOOD)
def test_an_entry_as_windows_writes_it_has_nothing_wrong(kind: Kind) -> None:
    values = {"target": "C:\\x"}
    assert told(kind, Facts(GOOD[kind], RAW, True), **values) == []
    assert told(kind, Facts(GOOD[kind], None, True), **values) == []
    assert told(kind, Facts(GOOD[kind]), "Hives", **values) == []
    assert told(kind, Facts(GOOD[kind], None, False, "atime"), **values) == [
        ("times-missing", "no atime"), ("security-missing", "no MSWINDOWS.rawsd")]


@pytest.mark.parametrize("kind", [Kind.WHITEOUT, Kind.HARD_LINK])
def test_of_whiteouts_and_hard_links_only_the_records_count(kind: Kind) -> None:
    facts = Facts(0x410, None, False, "atime", problems=(("ea-malformed", "one"), ("record-ignored", "two")))
    assert told(kind, facts, target="") == [("ea-malformed", "one"), ("record-ignored", "two")]


@pytest.mark.parametrize(("kind", "attributes", "rules"), [
    (Kind.FILE, 0x10, ["attributes-kind"]), (Kind.DIRECTORY, 0x20, ["attributes-kind"]), (Kind.FILE, None, []),
    (Kind.DIRECTORY, None, []), (Kind.FILE, 0x420, ["reparse-without-link"]), (Kind.DIRECTORY, 0, ["attributes-kind"]),
    (Kind.DIRECTORY, 0x410, ["reparse-without-link"]), (Kind.FILE, 0x410, ["attributes-kind", "reparse-without-link"])])
def test_attributes_go_with_the_kind(kind: Kind, attributes: int | None, rules: list[str]) -> None:
    assert told(kind, Facts(attributes, RAW, True)) == [
        (rule, f"a {kind.value} with the attributes {attributes:#x}") for rule in rules]


@pytest.mark.parametrize(("typeflag", "told_"), [
    (b"0", None), (b"7", None), (b"S", ("sparse-file", "its holes are not in the tar")),
    (b"3", ("special-file", "a character device")), (b"4", ("special-file", "a block device")),
    (b"6", ("special-file", "a FIFO")), (b"V", ("unknown-typeflag", "the type is b'V'")),
    (b"X", ("unknown-typeflag", "the type is b'X'"))])
def test_a_file_is_a_plain_one(typeflag: bytes, told_: tuple[str, str] | None) -> None:
    assert told(Kind.FILE, typeflag=typeflag) == ([] if told_ is None else [told_])
    assert told(Kind.DIRECTORY, Facts(0x10, RAW, True), typeflag=typeflag) == []


def test_a_sparse_file_is_told_by_its_records_too() -> None:
    assert told(Kind.FILE, Facts(0x20, RAW, True, sparse=True)) == [("sparse-file", "its holes are not in the tar")]
    assert told(Kind.DIRECTORY, Facts(0x10, RAW, True, sparse=True)) == []


LINKS = [Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION]


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_has_its_attribute_and_a_target_of_some_length(kind: Kind) -> None:
    facts = Facts(0x410, RAW, True)
    assert told(kind, Facts(0x10, RAW, True), target="C:\\x") == [
        ("reparse-attributes", f"a {kind.value} with the attributes 0x10")]
    assert told(kind, facts, target="") == [("link-target", "the target is empty")]
    for target in ("C:\\" + "b" * 7997, "C:\\" + "\U0001f600" * 3998, "C:\\\ud800"):
        assert told(kind, facts, target=target) == []
    for target in ("C:\\" + "b" * 7998, "C:\\" + "\U0001f600" * 3999):
        assert told(kind, facts, target=target) == [("link-target", f"the target has {len(target)} characters")]


def test_a_junction_is_a_folder_and_leads_to_an_absolute_path() -> None:
    good = Facts(0x410, RAW, True)
    assert told(Kind.JUNCTION, Facts(None, RAW, True), target="C:\\x") == [("junction-not-folder", "no attributes")]
    assert told(Kind.JUNCTION, Facts(0x400, RAW, True), target="C:\\x") == [
        ("junction-not-folder", "attributes 0x400")]
    for target in ("c:\\", "\\\\?\\C:\\x", "\\??\\C:\\x"):
        assert told(Kind.JUNCTION, good, target=target) == []
    for target in ("x", "C:x", "\\x", "1:\\x", "..\\" + "b" * 150):
        assert told(Kind.JUNCTION, good, target=target) == [
            ("junction-relative", f"the target is {target[:100]}")]
    assert told(Kind.SYMLINK, Facts(0x400, RAW, True), target="x") == []
