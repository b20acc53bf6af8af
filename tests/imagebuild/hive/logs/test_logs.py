# SPDX-License-Identifier: Apache-2.0
"""Transaction logs put back: our own of both formats, Windows' own with what Windows made of them, and broken ones."""

from __future__ import annotations

import os
from pathlib import Path
from struct import pack_into, unpack_from

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hivelogs import dirty, entry, new_log, old_log, raw_entry

from imagebuild.errors import FormatError
from imagebuild.hive import REG_BINARY, Key, Value, read, write
from imagebuild.hive.base_block import parse_base_block
from imagebuild.hive.layout import PAGE, checksum
from imagebuild.hive.logs.entries import marvin32
from imagebuild.hive.logs.logs import Applied, Recovered, recover

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared")) / "hives"


def state(*texts: str, filler: int = 0) -> bytes:
    """A hive with one value for each text, and so much more data that it has further bins."""
    values = [Value.sz(str(number), text) for number, text in enumerate(texts)]
    return write(Key("ROOT", (*values, Value("filler", REG_BINARY, bytes(range(256)) * filler))), name="SYSTEM")


ONE, TWO, THREE, LONG = state("a"), state("b"), state("c"), state("d", filler=100)


def numbers(hive: bytes) -> tuple[int, int]:
    return parse_base_block(hive).sequences


def content(recovered: Recovered) -> bytes:
    """The bins of what was recovered, which is clean and of which the base block knows the size."""
    block = parse_base_block(recovered.data)
    assert not block.dirty() and block.kind == 0
    return recovered.data[PAGE : PAGE + block.size]


# -- both formats, our own ---------------------------------------------------------------------------------------------

def test_a_clean_hive_is_returned_as_it_is() -> None:
    assert recover(ONE, []) == Recovered(ONE)
    recovered = recover(ONE, [new_log(ONE, 1, entry(ONE, TWO, 1))])
    assert recovered.data is ONE and recovered.applied == ()
    assert recovered.notes == ("the hive is clean, its logs are not needed",)


def test_entries_of_the_new_format_are_put_back_in_their_order() -> None:
    log = new_log(ONE, 5, entry(ONE, TWO, 5), entry(TWO, THREE, 6))
    recovered = recover(dirty(ONE, 6, 5), [log])
    assert content(recovered) == THREE[PAGE:] and numbers(recovered.data) == (7, 7)
    assert recovered.applied == (Applied(0, 6, (5, 6), 2, 8192),) and recovered.notes == ()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_logs_the_one_with_earlier_entries_comes_first_whichever_it_is(order: tuple[int, int]) -> None:
    logs = [new_log(ONE, 5, entry(ONE, TWO, 5)), new_log(ONE, 6, entry(TWO, THREE, 6))]
    recovered = recover(dirty(ONE, 6, 5), [logs[index] for index in order])
    assert content(recovered) == THREE[PAGE:]
    assert [(order[applied.log], applied.sequences) for applied in recovered.applied] == [(0, (5,)), (1, (6,))]


def test_sequence_numbers_begin_anew_after_the_last_one() -> None:
    logs = [new_log(ONE, 0, entry(TWO, THREE, 0)), new_log(ONE, 0xFFFFFFFF, entry(ONE, TWO, 0xFFFFFFFF))]
    recovered = recover(dirty(ONE, 0, 0xFFFFFFFF), logs)
    assert content(recovered) == THREE[PAGE:] and numbers(recovered.data) == (1, 1)
    one = new_log(ONE, 0xFFFFFFFF, entry(ONE, TWO, 0xFFFFFFFF), entry(TWO, THREE, 0))
    assert content(recover(dirty(ONE, 0, 0xFFFFFFFF), [one])) == THREE[PAGE:]


def test_a_log_of_before_the_last_write_is_not_put_back() -> None:
    recovered = recover(dirty(TWO, 7, 6), [new_log(ONE, 5, entry(ONE, TWO, 5)), new_log(ONE, 6, entry(TWO, THREE, 6))])
    assert content(recovered) == THREE[PAGE:] and [applied.log for applied in recovered.applied] == [1]
    assert recovered.notes == ("log 1 begins at 5, and the hive has everything before 6",)


def test_a_second_log_that_does_not_follow_is_left_out() -> None:
    recovered = recover(dirty(ONE, 6, 5), [new_log(ONE, 5, entry(ONE, TWO, 5)), new_log(ONE, 7, entry(TWO, THREE, 7))])
    assert content(recovered) == TWO[PAGE:]
    assert recovered.notes == ("log 2 begins at 7, 6 was expected",)


def test_a_log_that_begins_too_late_is_put_back_with_a_note() -> None:
    recovered = recover(dirty(ONE, 9, 5), [new_log(ONE, 7, entry(ONE, TWO, 7))])
    assert content(recovered) == TWO[PAGE:] and numbers(recovered.data) == (8, 8)
    assert recovered.notes == ("log 1 begins at 7, the hive ends before 5: what is between is lost",)


def test_reading_ends_at_a_gap_and_at_a_wrong_hash() -> None:
    gap = new_log(ONE, 5, entry(ONE, TWO, 5), entry(TWO, THREE, 7))
    assert content(recover(dirty(ONE, 6, 5), [gap])) == TWO[PAGE:]
    second = bytearray(entry(TWO, THREE, 6))
    for at in (24, 32, 40, 60, len(second) - 1, 8, 16):  # both hashes, a reference, the page, padding, flags, size
        broken = bytearray(second)
        broken[at] ^= 1
        recovered = recover(dirty(ONE, 6, 5), [new_log(ONE, 5, entry(ONE, TWO, 5), bytes(broken))])
        assert content(recovered) == TWO[PAGE:] and recovered.applied[0].sequences == (5,), at


def test_reading_ends_at_an_entry_that_windows_would_not_have_written() -> None:
    odd = bytearray(entry(TWO, THREE, 6) + bytes(8))
    pack_into("<I", odd, 4, len(odd))
    pack_into("<Q", odd, 24, marvin32(bytes(odd[40:])))
    pack_into("<Q", odd, 32, marvin32(bytes(odd[:32])))
    page = [(0, THREE[PAGE:])]
    for last in (bytes(odd), raw_entry([], 6, 4096), raw_entry(page, 6, 4608), raw_entry([(0, b"")], 6, 0)):
        recovered = recover(dirty(ONE, 6, 5), [new_log(ONE, 5, entry(ONE, TWO, 5), last)])
        assert content(recovered) == TWO[PAGE:] and recovered.applied[0].sequences == (5,)


def test_nothing_is_put_back_over_a_first_log_without_a_whole_entry() -> None:
    logs = [new_log(ONE, 5, bytes(512)), new_log(ONE, 6, entry(TWO, THREE, 6))]
    with pytest.raises(FormatError, match="log 1 has no whole entry, nothing after it can be used"):
        recover(dirty(ONE, 6, 5), logs)


def test_a_file_grows_with_its_entries() -> None:
    recovered = recover(dirty(ONE, 6, 5), [new_log(ONE, 5, entry(ONE, LONG, 5))])
    assert content(recovered) == LONG[PAGE:] and len(recovered.data) == len(LONG) > len(ONE)


def test_a_hive_that_shrinks_keeps_its_file_and_says_its_size() -> None:
    recovered = recover(dirty(LONG, 6, 5), [new_log(ONE, 5, raw_entry([(0, ONE[PAGE:])], 5, len(ONE) - PAGE))])
    assert content(recovered) == ONE[PAGE:] and len(recovered.data) == len(LONG)


def test_of_the_flags_only_the_lock_comes_from_an_entry() -> None:
    hive = bytearray(ONE)
    for before, flags, expected in ((2, 1, 3), (3, 0, 2), (2, 2, 2), (3, 1, 3)):
        pack_into("<I", hive, 144, before)
        log = new_log(ONE, 5, entry(ONE, TWO, 5, flags=1 - flags % 2), entry(TWO, THREE, 6, flags=flags))
        recovered = recover(dirty(bytes(hive), 6, 5), [log])
        assert parse_base_block(recovered.data).flags == expected


def test_pages_of_the_old_format_are_put_back() -> None:
    recovered = recover(dirty(ONE, 6, 5, time=9), [old_log(ONE, LONG, sequence=6, time=9)])
    assert content(recovered) == LONG[PAGE:] and numbers(recovered.data) == (7, 7)
    pages = (len(LONG) - PAGE) // 512
    assert recovered.applied == (Applied(0, 1, (6,), pages, 512 * pages),)
    ancient = recover(dirty(ONE, 6, 5, time=9), [old_log(ONE, TWO, sequence=6, time=9, kind=2)])
    assert content(ancient) == TWO[PAGE:] and ancient.applied[0].kind == 2


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_old_logs_the_more_recent_one_counts(order: tuple[int, int]) -> None:
    logs = [old_log(ONE, TWO, time=9), old_log(ONE, THREE, time=10)]
    recovered = recover(dirty(ONE, 6, 5, time=9), [logs[index] for index in order])
    assert content(recovered) == THREE[PAGE:] and parse_base_block(recovered.data).last_written == 10
    assert recovered.notes == (f"log {order.index(0) + 1} is not needed: log {order.index(1) + 1} has all of it",)


def test_an_old_log_from_before_the_hive_is_not_put_back() -> None:
    with pytest.raises(FormatError, match="no log that belongs to it was found; log 1 is older than the hive"):
        recover(dirty(ONE, 6, 5, time=9), [old_log(ONE, TWO, time=8)])


def test_logs_of_the_new_format_go_before_one_of_the_old() -> None:
    logs = [old_log(ONE, THREE, time=9), new_log(ONE, 5, entry(ONE, TWO, 5))]
    recovered = recover(dirty(ONE, 6, 5, time=9), logs)
    assert content(recovered) == TWO[PAGE:]
    assert recovered.notes == ("log 1 has the old format, the others have the new one",)


# -- a broken base block -----------------------------------------------------------------------------------------------

def broken(hive: bytes) -> bytes:
    """The hive as a torn write of its base block leaves it."""
    head = bytearray(hive)
    pack_into("<I", head, 24, 77)
    return bytes(head)


def test_without_a_base_block_only_the_latest_log_counts() -> None:
    logs = [new_log(ONE, 5, entry(ONE, LONG, 5)), new_log(TWO, 6, entry(ONE, THREE, 6), time=7)]
    recovered = recover(broken(ONE), logs)
    assert content(recovered) == THREE[PAGE:] and numbers(recovered.data) == (7, 7)
    block = parse_base_block(recovered.data)
    assert (block.version, block.last_written, block.name) == ((1, 5), 7, "SYSTEM")
    assert recovered.notes == ("log 1 is not needed: of a hive without a base block only the latest log counts",)


def test_an_old_log_gives_a_base_block_where_it_is_not_older_than_the_first_bin() -> None:
    stamped = bytearray(ONE)
    pack_into("<Q", stamped, PAGE + 20, 8)
    assert content(recover(broken(bytes(stamped)), [old_log(ONE, TWO, time=8)])) == TWO[PAGE:]
    with pytest.raises(FormatError, match="older than the hive"):
        recover(broken(bytes(stamped)), [old_log(ONE, TWO, time=7)])


# -- what is refused, and what is forgiven -----------------------------------------------------------------------------

def test_a_dirty_hive_without_logs_is_refused_or_declared_clean() -> None:
    with pytest.raises(FormatError, match="not closed cleanly") as caught:
        recover(dirty(ONE, 6, 5), [], source="SAM")
    assert (caught.value.offset, caught.value.source) == (4, "SAM")
    recovered = recover(dirty(ONE, 6, 5), [b""], forgiving=True)
    assert content(recovered) == ONE[PAGE:] and recovered.applied == () and numbers(recovered.data) == (7, 7)
    assert recovered.notes == ("log 1 is empty", "it was not closed cleanly, and no log that belongs to it was found")


def test_a_broken_base_block_without_logs_is_made_from_the_bins() -> None:
    recovered = recover(broken(LONG) + b"more than bins", [], forgiving=True)
    assert content(recovered) == LONG[PAGE:] and numbers(recovered.data) == (1, 1)


@pytest.mark.parametrize(("change", "why"), [
    (lambda log: bytes(600), "is empty"),
    (lambda log: log[:512], "is no transaction log: it has no base block"),
    (lambda log: b"MZ" + log[2:], "is no transaction log: it has no base block"),
    (lambda log: ONE, "is no transaction log: its type is 0"),
    (lambda log: dirty(log, 5, 5)[:28] + b"\x06" + log[29:508] + b"1234" + log[512:], "has a base block with a wrong"),
    (lambda log: sealed(log, 8, 4), "was not written to its end"),
    (lambda log: sealed(log, 44, 8), "is of a disk with sectors of another size than 512 bytes"),
    (lambda log: sealed(log, 48, 0x58), "belongs to another hive, 'X'"),
])
def test_what_is_no_log_of_the_hive_is_named(change: object, why: str) -> None:
    log = change(new_log(ONE, 5, entry(ONE, TWO, 5)))  # type: ignore[operator]
    with pytest.raises(FormatError, match="no log that belongs to it was found; log 1 " + why):
        recover(dirty(ONE, 6, 5), [log])


def sealed(head: bytes, at: int, number: int) -> bytes:
    """A base block with one field changed and its checksum right."""
    changed = bytearray(head)
    pack_into("<I", changed, at, number)
    pack_into("<I", changed, 508, checksum(changed))
    return bytes(changed)


def test_logs_of_one_resource_manager_belong_under_another_name() -> None:
    hive, log = sealed(dirty(ONE, 6, 5), 112, 77), sealed(new_log(ONE, 5, entry(ONE, TWO, 5)), 112, 77)
    assert content(recover(hive, [sealed(log, 48, 0x41)])) == TWO[PAGE:]
    with pytest.raises(FormatError, match="another hive"):
        recover(hive, [sealed(sealed(log, 48, 0x41), 112, 78)])


@pytest.mark.parametrize("log", [
    new_log(ONE, 5, entry(ONE, TWO, 5), raw_entry([(8192, bytes(4096))], 6, 4096)),
    new_log(ONE, 5, entry(ONE, TWO, 5), raw_entry([(0, b"x" * 4096)], 6, 0x7FFFF000)),
    new_log(ONE, 5, entry(ONE, TWO, 5), raw_entry([(0, bytes(4096))], 6, 0x80000000)),
], ids=["outside", "gigabytes", "limit"])
def test_an_entry_for_places_outside_the_hive_is_refused_or_ends_the_reading(log: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        recover(dirty(ONE, 6, 5), [log], source="SAM")
    assert (caught.value.offset, caught.value.source) == (512 + 4608, "SAM, log 1")
    recovered = recover(dirty(ONE, 6, 5), [log], forgiving=True)
    assert content(recovered) == TWO[PAGE:] and recovered.notes[0].startswith("log 1 is broken: ")


def test_counts_and_sizes_that_an_entry_has_no_room_for_are_refused() -> None:
    for count, size in ((1000, 4096), (1, 8192)):
        raw = bytearray(raw_entry([(0, bytes(4096))], 5, 8192))
        pack_into("<I", raw, 20, count)
        pack_into("<I", raw, 44, size)
        pack_into("<Q", raw, 24, marvin32(bytes(raw[40:])))
        pack_into("<Q", raw, 32, marvin32(bytes(raw[:32])))
        with pytest.raises(FormatError) as caught:
            recover(dirty(ONE, 6, 5), [new_log(ONE, 5, bytes(raw))])
        assert caught.value.offset == 512


@pytest.mark.parametrize("change", [
    lambda log: log[:-1], lambda log: log[:514], lambda log: log[:512] + b"DIRX" + log[516:],
    lambda log: sealed(log, 40, 0x1001), lambda log: sealed(log, 40, 0), lambda log: sealed(log, 40, 0x7FFFF000),
    lambda log: sealed(log, 40, 0x4000000)[:516] + bytes(1 << 16),
], ids=["cut", "only head", "no vector", "odd size", "no size", "giant size", "more than there is"])
def test_an_old_log_that_is_not_whole_is_not_put_back(change: object) -> None:
    log = change(old_log(ONE, LONG, time=9))  # type: ignore[operator]
    with pytest.raises(FormatError, match="has no list of dirty pages, or not all the pages that it lists"):
        recover(dirty(ONE, 6, 5, time=9), [log])


def test_bins_that_do_not_follow_each_other_afterwards_are_refused_or_noted() -> None:
    wrong = bytearray(TWO)
    wrong[PAGE + 8 : PAGE + 12] = b"\0\1\0\0"
    log = new_log(ONE, 5, entry(ONE, bytes(wrong), 5))
    with pytest.raises(FormatError, match="should have 4096 bytes, and at 0 is no bin of a right size") as caught:
        recover(dirty(ONE, 6, 5), [log])
    assert caught.value.offset == PAGE
    assert "at 0 is no bin" in recover(dirty(ONE, 6, 5), [log], forgiving=True).notes[0]


def test_a_log_is_no_hive() -> None:
    log = new_log(ONE, 5, entry(ONE, TWO, 5)).ljust(PAGE, b"\0")
    with pytest.raises(FormatError, match="it is of type 6: a transaction log, not a hive") as caught:
        recover(log, [])
    assert caught.value.offset == 28
    with pytest.raises(FormatError, match="regf"):
        recover(b"MZ" + ONE[2:], [])


def test_marvin32_is_the_one_of_dotnet() -> None:
    # dotnet/runtime, MarvinTests.cs (MIT): seeds and texts with their hashes.
    assert marvin32(b"", 0x004FB61A001BDBCC) == 0x30ED35C100CD3C7D
    assert marvin32(b"\xaf", 0x004FB61A001BDBCC) == 0x48E73FC77D75DDC1
    assert marvin32(b"\xe7\x0f", 0x004FB61A001BDBCC) == 0xB5F6E1FC485DBFF8
    assert marvin32(b"\x37\xf4\x95", 0x004FB61A001BDBCC) == 0xF0B07C789B8CF7E8
    assert marvin32(b"\x86\x42\xdc\x59", 0x004FB61A001BDBCC) == 0x7008F2E87E9CF556


PIECES = st.tuples(st.integers(0, 2), st.integers(0, 1 << 16), st.sampled_from([0, 1, 4, 0x7F, 0x80, 0xFF]))


@settings(max_examples=300)
@given(st.booleans(), st.booleans(), st.lists(PIECES, max_size=6), st.booleans())
def test_mutated_logs_give_a_hive_or_an_error_with_its_offset(new: bool, forgiving: bool,
                                                            pieces: list[tuple[int, int, int]], seal: bool) -> None:
    hive = dirty(ONE, 6, 5)
    logs = [new_log(ONE, 5, entry(ONE, TWO, 5)), new_log(ONE, 6, entry(TWO, LONG, 6))] if new else [
        old_log(ONE, TWO), old_log(ONE, LONG, time=1)]
    parts = [bytearray(part) for part in (hive, *logs)]
    for which, at, byte in pieces:
        parts[which][at % (600 if at & 1 else len(parts[which]))] ^= byte
    if seal:
        for part in parts:
            pack_into("<I", part, 508, checksum(part))
    try:
        recovered = recover(bytes(parts[0]), [bytes(part) for part in parts[1:]], forgiving=forgiving)
    except FormatError as error:
        assert error.offset is not None
    else:
        assert not parse_base_block(recovered.data).dirty()
        assert len(recovered.data) <= sum(map(len, parts))


# -- Windows' own ------------------------------------------------------------------------------------------------------

def windows(name: str, *logs: str, folder: str = "logs", forgiving: bool = False) -> Recovered:
    """A hive of the corpus with its logs put back."""
    path = SHARED / folder / name
    if not path.exists():
        pytest.skip(f"{path} is not there (set WCOW_SHARED)")
    return recover(path.read_bytes(), [Path(f"{path}.{log}").read_bytes() for log in logs], forgiving=forgiving)


def difference(name: str, ours: bytes) -> list[tuple[int, int, int]]:
    """Where a hive differs from another one behind the base block: offset, there, here."""
    theirs = (SHARED / "logs" / name).read_bytes()
    assert len(theirs) == len(ours)
    return [(at, theirs[at], ours[at]) for at in range(PAGE, len(ours)) if theirs[at] != ours[at]]


@pytest.mark.parametrize("logs", [("LOG1", "LOG2"), ("LOG2", "LOG1")])
def test_what_windows_10_made_of_its_logs_is_made_to_the_byte(logs: tuple[str, str]) -> None:
    recovered = windows("NewDirtyHive1/NewDirtyHive", *logs)
    assert recovered.data == (SHARED / "logs/NewDirtyHive1/RecoveredHive_Windows10").read_bytes()
    assert [(logs[applied.log], applied.sequences, applied.pages, applied.size) for applied in recovered.applied] == [
        ("LOG1", (2,), 1, 20480), ("LOG2", (3, 4, 5), 3, 28672)]
    assert recovered.notes == ()


def test_a_log_that_windows_has_already_written_is_left_out() -> None:
    recovered = windows("NewDirtyHive2/NewDirtyHive", "LOG1", "LOG2")
    assert recovered.applied == (Applied(1, 6, (3, 4, 5), 3, 28672),) and numbers(recovered.data) == (6, 6)
    assert recovered.notes == ("log 1 begins at 2, and the hive has everything before 3",)
    assert difference("NewDirtyHive1/RecoveredHive_Windows10", recovered.data) == []


def test_what_windows_7_made_of_its_log_differs_in_what_it_did_next() -> None:
    recovered = windows("OldDirtyHive/OldDirtyHive", "LOG1")
    assert recovered.applied == (Applied(0, 1, (5,), 64, 32768),) and recovered.notes == ()
    theirs = (SHARED / "logs/OldDirtyHive/RecoveredHive_Windows7").read_bytes()
    found = difference("OldDirtyHive/RecoveredHive_Windows7", recovered.data)
    # The copy of the time in the first bin, set when Windows wrote the hive; and the length of the longest value name
    # of the key "4500", which it made right when it loaded it: its only value is named "v".
    bin_time, longest_name = PAGE + 20, 0x6BD8C + 60
    assert {at for at, _, _ in found} == {*range(bin_time, bin_time + 5), longest_name}
    assert unpack_from("<Q", theirs, bin_time)[0] == 0x1D2962812C636E0 == unpack_from("<Q", theirs, 12)[0]
    assert unpack_from("<Q", recovered.data, bin_time)[0] == 0x1D29627F1C8A860
    assert recovered.data[0x6BD8C : 0x6BD8C + 2] == b"nk" and recovered.data[0x6BD8C + 76 :][:4] == b"4500"
    assert [unpack_from("<I", hive, longest_name)[0] for hive in (theirs, recovered.data)] == [2, 24]


def test_a_broken_base_block_of_windows_comes_back_from_its_log() -> None:
    recovered = windows("BadBaseBlockHive/BadBaseBlockHive", "LOG1")
    assert recovered.applied == (Applied(0, 1, (5,), 64, 32768),) and recovered.notes == ()
    assert parse_base_block(recovered.data).version == (1, 3)
    assert recovered.data[PAGE:] == windows("OldDirtyHive/OldDirtyHive", "LOG1").data[PAGE:]


@pytest.mark.parametrize(("name", "logs"), [("BadLogHive1/BadLogHive", ("LOG1",)),
                                           ("BadLogHive3/BadLogHive", ("LOG1", "LOG2"))])
def test_logs_with_broken_base_blocks_are_of_no_use(name: str, logs: tuple[str, ...]) -> None:
    with pytest.raises(FormatError, match="log 1 has a base block with a wrong checksum") as caught:
        windows(name, *logs)
    assert caught.value.offset == 4
    recovered = windows(name, *logs, forgiving=True)
    assert recovered.applied == () and len(recovered.notes) == len(logs) + 1
    assert recovered.data[PAGE:] == (SHARED / "logs" / name).read_bytes()[PAGE:]


def test_a_user_hive_of_windows_gets_twenty_three_entries_and_grows() -> None:
    recovered = windows("transactions_NTUSER.DAT", "LOG1", "LOG2", folder="real")
    assert recovered.applied == (Applied(0, 6, tuple(range(566, 589)), 132, 1032192),)
    assert recovered.notes == ("log 2 begins at 562, and the hive has everything before 566",)
    assert parse_base_block(recovered.data).size == 0xE2000 and numbers(recovered.data) == (589, 589)
    before = parse_base_block((SHARED / "real/transactions_NTUSER.DAT").read_bytes())
    assert before.size == 0xBE000 and read(recovered.data).root.name == "ROOT"
