# SPDX-License-Identifier: Apache-2.0
"""Claims in bytes and as SDDL writes them; whatever the bytes say, nothing but a format error comes out."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows.acl.claims import format_claim, number, parse_claim, read_claim
from imagebuild.windows.sid import Sid

SYSTEM = Sid.parse("S-1-5-18").to_bytes()


def claim(code: int, *places: int, rest: bytes = b"", name_at: int | None = None, count: int | None = None) -> bytes:
    """The bytes of a claim with these offsets; ``rest`` begins behind them, the name at its start."""
    start = 16 + 4 * len(places)
    return struct.pack("<IHHII", start if name_at is None else name_at, code, 0, 0x10, len(places) if count is None
                       else count) + struct.pack(f"<{len(places)}I", *places) + rest


# --- both ways ------------------------------------------------------------------------------------------------------

NAMES = st.text(st.characters(exclude_characters="\0"), max_size=6)
TEXTS = st.text(st.characters(exclude_characters='\0"'), max_size=6)


def written(kind: str, values: list[str], name: str = "n", flags: int = 0) -> str:
    escaped = name.replace("%", "%0025").replace('"', "%0022")
    return ",".join([f'("{escaped}"', kind, f"0x{flags:x}", *values]) + ")"


@given(NAMES, st.integers(0, 2**32 - 1), st.one_of(
    st.tuples(st.just("TI"), st.lists(st.integers(-2**63, 2**63 - 1).map(str), max_size=4)),
    st.tuples(st.just("TU"), st.lists(st.integers(0, 2**64 - 1).map(str), max_size=4)),
    st.tuples(st.just("TS"), st.lists(TEXTS.map(lambda text: f'"{text}"'), max_size=4)),
    st.tuples(st.just("TB"), st.lists(st.sampled_from("01"), max_size=4)),
    st.tuples(st.just("TX"), st.lists(st.binary(max_size=5).map(bytes.hex), max_size=4)),
    st.tuples(st.just("TD"), st.lists(st.sampled_from(["SID(BA)", "SID(S-1-5-21-1-2-3)"]), max_size=4))))
def test_what_text_can_hold_comes_back_letter_for_letter(name: str, flags: int, of: tuple[str, list[str]]) -> None:
    text = written(of[0], of[1], name, flags)
    if all(value.strip() == value for value in of[1]):
        data = parse_claim(text)
        assert (format_claim(data), len(data) % 4) == (text, 0)
        assert read_claim(data)[0] == name
        assert read_claim(data)[2:] == (flags, read_claim(data)[3]) and len(read_claim(data)[3]) == len(of[1])


@pytest.mark.parametrize(("text", "data"), [
    ('("n",TI,0x10,-2)', claim(1, 24, rest=b"n\0\0\0" + struct.pack("<q", -2))),
    ('("n",TU,0x10,2)', claim(2, 24, rest=b"n\0\0\0" + struct.pack("<q", 2))),
    ('("n",TS,0x10,"ab")', claim(3, 24, rest=b"n\0\0\0a\0b\0\0\0" + bytes(2))),
    ('("n",TD,0x10,SID(SY))', claim(5, 24, rest=b"n\0\0\0" + struct.pack("<I", 12) + SYSTEM)),
    ('("n",TB,0x10,1,0)', claim(6, 28, 36, rest=b"n\0\0\0" + struct.pack("<qq", 1, 0))),
    ('("n",TX,0x10,0a1b2c)', claim(16, 24, rest=b"n\0\0\0" + struct.pack("<I", 3) + b"\x0a\x1b\x2c" + bytes(1))),
    ('("\ud800",TS,0x10,"\ud800")', claim(3, 24, rest=b"\0\xd8\0\0\0\xd8\0\0")),
    ('("nn",TS,0x10)', claim(3, rest=b"n\0n\0\0\0" + bytes(2))),
    ('("n",TS,0x10,"")', claim(3, 24, rest=b"n\0\0\0" + bytes(4))),
    ('("n",TX,0x10,)', claim(16, 24, rest=b"n\0\0\0" + bytes(4))),
])
def test_a_claim_is_laid_out_as_samba_does_it(text: str, data: bytes) -> None:
    assert parse_claim(text) == data
    assert format_claim(data) == text


@pytest.mark.parametrize(("text", "same"), [
    (' ( "n" , tb , 16 , 1 , 0 ) ', '("n",TB,0x10,1,0)'), ('("%006e",TI,020,0x1F)', '("n",TI,0x10,31)'),
    ('("n",TX,16,#0A)', '("n",TX,0x10,0a)'), ('("n",TD,16,sid(ba))', '("n",TD,0x10,SID(BA))'),
    ('("n",TD,16,SID(S-1-5-32-544))', '("n",TD,0x10,SID(BA))')])
def test_other_spellings_mean_the_same(text: str, same: str) -> None:
    assert format_claim(parse_claim(text)) == same


def test_an_account_of_a_domain_needs_the_domain() -> None:
    domain = Sid.parse("S-1-5-21-1-2-3")
    assert format_claim(parse_claim('("n",TD,0,SID(DA))', domain=domain)) == '("n",TD,0x0,SID(S-1-5-21-1-2-3-512))'
    with pytest.raises(FormatError):
        parse_claim('("n",TD,0,SID(DA))')


# --- bytes ----------------------------------------------------------------------------------------------------------

NAME = b"n\0\0\0"


@pytest.mark.parametrize(("data", "value"), [
    (claim(1, 24, rest=NAME + b"12345678"), (b"12345678",)),
    (claim(2, 0, rest=NAME), (struct.pack("<IHH", 20, 2, 0),)),
    (claim(3, 24, rest=NAME + b"a\0\0\1\0\0"), (b"a\0\0\1",)), (claim(3, 25, rest=NAME + b"ba\0\0\0"), (b"a\0",)),
    (claim(5, 24, rest=NAME + b"\2\0\0\0ab"), (b"ab",)), (claim(16, 24, rest=NAME + bytes(4)), (b"",)),
    (claim(16, 28, 28, rest=NAME + b"\1\0\0\0a"), (b"a", b"a")), (claim(99, rest=NAME), ()),
])
def test_values_are_read_from_wherever_they_stand(data: bytes, value: tuple[bytes, ...]) -> None:
    assert read_claim(data) == ("n", struct.unpack_from("<H", data, 4)[0], 0x10, value)


def test_a_name_may_stand_before_and_behind_everything() -> None:
    assert read_claim(claim(1, name_at=0, rest=b"")[:0] + struct.pack("<IHHII", 0, 1, 0, 0, 0))[0] == ""
    assert read_claim(claim(1, 20, rest=b"12345678n\0\0\0", name_at=28))[0] == "n"


@pytest.mark.parametrize("data", [
    b"", claim(1)[:15], claim(1, rest=b"n\0"), claim(1, rest=b""), claim(1, rest=b"n\0\0"), claim(1, rest=b"nn\0"),
    claim(1, rest=b"n\0\0n"), claim(1, rest=NAME, name_at=99), claim(1, rest=NAME, count=1 << 31),
    claim(1, rest=b"", count=1), claim(1, 24, rest=NAME + b"1234567"), claim(2, 24, rest=NAME + b"1234567"),
    claim(6, 25, rest=NAME + b"12345678"), claim(1, 99, rest=NAME), claim(3, 24, rest=NAME + b"a\0"),
    claim(3, 99, rest=NAME), claim(5, 24, rest=NAME + b"\1\0\0"), claim(5, 24, rest=NAME + b"\1\0\0\0"),
    claim(16, 24, rest=NAME + b"\xff\xff\xff\xff" + bytes(9)), claim(16, 24, rest=NAME + b"\5\0\0\0abcd"),
    claim(16, 99, rest=NAME),
])
def test_an_offset_or_length_that_points_outside_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError) as caught:
        read_claim(data)
    assert caught.value.lines() == ["cannot read a resource attribute", "an offset in it points outside"]
    assert format_claim(data) is None


def test_values_together_have_at_most_four_mebibytes() -> None:
    """So that many offsets cannot point at one long value."""
    for size, fits in ((1 << 21, True), ((1 << 21) + 1, False)):
        data = claim(16, 28, 28, rest=NAME[:2] + b"\0\0" + struct.pack("<I", size) + bytes(size))
        if fits:
            assert [len(value) for value in read_claim(data)[3]] == [size, size]
        else:
            with pytest.raises(FormatError):
                read_claim(data)


@given(st.binary(max_size=60) | st.builds(lambda code, rest: claim(code, 24, rest=NAME + rest),
                                          st.sampled_from([1, 2, 3, 5, 6, 16, 4]), st.binary(max_size=30)))
def test_any_bytes_are_a_claim_or_a_format_error_and_text_says_the_same(data: bytes) -> None:
    try:
        found = read_claim(data)
    except FormatError:
        assert format_claim(data) is None
        return
    text = format_claim(data)
    assert text is None or read_claim(parse_claim(text)) == found


@pytest.mark.parametrize("data", [
    claim(3, 24, rest=NAME + '","'.encode("utf-16-le") + bytes(2)),  # would come back as two values
    claim(3, 24, rest=NAME + '"'.encode("utf-16-le") + bytes(2)), claim(6, 24, rest=NAME + struct.pack("<Q", 2)),
    claim(5, 24, rest=NAME + struct.pack("<I", 16) + SYSTEM + bytes(4)),  # bytes behind the SID would be lost
    claim(5, 24, rest=NAME + struct.pack("<I", 3) + b"abc"), claim(4, rest=NAME), claim(0, rest=NAME)])
def test_a_claim_that_text_cannot_hold_has_no_text(data: bytes) -> None:
    read_claim(data)
    assert format_claim(data) is None


# --- what is wrong with a text --------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "why"), [
    ("x", 'a resource attribute is written like ("Name",TS,0,"value")'),
    ('("n",TS)', 'a resource attribute is written like ("Name",TS,0,"value")'),
    ('("n",QQ,0)', "QQ is no type of value; there are TI TU TS TD TB TX"),
    ('("n",TI,x)', "'x' is no number"), ('("n",TI,4294967296)', "4294967296 does not fit 32 bits"),
    ('("n",TI,-1)', 'a resource attribute is written like ("Name",TS,0,"value")'),
    ('("n",TI,0,9223372036854775808)', "9223372036854775808 does not fit 64 bits"),
    ('("n",TI,0,-9223372036854775809)', "-9223372036854775809 does not fit 64 bits"),
    ('("n",TU,0,-1)', "'-1' is no number"), ('("n",TB,0,2)', "'2' is no boolean; write 0 or 1"),
    ('("n",TB,0,01)', "'01' is no boolean; write 0 or 1"),
    ('("n",TS,0,x)', "a string stands in quotes"), ('("n",TS,0,)', "a string stands in quotes"),
    ('("n",TD,0,BA)', "'BA' is no account; write SID(BA) or SID(S-1-5-32-544)"),
    ('("n",TD,0,SID(QQ))', "'SID(QQ)' is no account; write SID(BA) or SID(S-1-5-32-544)"),
    ('("n",TD,0,SID())', "'SID()' is no account; write SID(BA) or SID(S-1-5-32-544)"),
    ('("n",TD,0,SIX(BA))', "'SIX(BA)' is no account; write SID(BA) or SID(S-1-5-32-544)"),
    ('("n",TX,0,abc)', "'abc' is no hexadecimal string"), ('("n",TX,0,##)', "'##' is no hexadecimal string"),
])
def test_what_is_wrong_with_a_text_is_said(text: str, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_claim(text)
    assert caught.value.lines() == [f"cannot read {text!r} in an SDDL text", why]


@pytest.mark.parametrize(("length", "shown"), [(80, "x" * 80), (81, "x" * 77 + "...")])
def test_a_long_text_is_cut_in_the_error(length: int, shown: str) -> None:
    with pytest.raises(FormatError) as caught:
        parse_claim("x" * length)
    assert caught.value.lines()[0] == f"cannot read {shown!r} in an SDDL text"


# --- numbers --------------------------------------------------------------------------------------------------------

@given(st.integers(0, 2**32 - 1))
def test_a_number_is_read_in_each_of_its_three_bases(value: int) -> None:
    for text in (str(value), hex(value), f"0{value:o}"):
        assert number(text, 32, "whole") == value


@pytest.mark.parametrize(("text", "bits", "signed", "value"), [
    ("-0x10", 8, True, -16), ("-010", 8, True, -8), ("127", 8, True, 127), ("-128", 8, True, -128),
    ("255", 8, False, 255), ("0", 8, False, 0), ("0" * 23 + "1", 8, False, 1), ("00", 8, False, 0),
    ("0b1", 8, False, 1)])
def test_a_number_has_a_sign_where_one_is_allowed(text: str, bits: int, signed: bool, value: int) -> None:
    assert number(text, bits, "whole", signed=signed) == value


@pytest.mark.parametrize(("text", "bits", "signed", "why"), [
    ("128", 8, True, "128 does not fit 8 bits"), ("-129", 8, True, "-129 does not fit 8 bits"),
    ("256", 8, False, "256 does not fit 8 bits"), ("-1", 8, False, "'-1' is no number"),
    ("1_0", 8, False, "'1_0' is no number"), ("", 8, False, "'' is no number"),
    ("+1", 8, False, "'+1' is no number"), ("0x", 8, False, "'0x' is no number"), ("08", 8, False, "'08' is no number"),
    ("--1", 8, True, "'--1' is no number"),
    ("\u0661", 8, False, "'\u0661' is no number"), ("1\u0661", 8, False, "'1\u0661' is no number"),
    ("0" * 25, 8, False, f"{'0' * 25!r} is no number"), ("1" * 50, 8, False, f"{'1' * 30!r} is no number"),
])
def test_what_is_no_number_or_too_large_is_said(text: str, bits: int, signed: bool, why: str) -> None:
    with pytest.raises(FormatError) as caught:
        number(text, bits, "whole", signed=signed)
    assert caught.value.lines() == ["cannot read 'whole' in an SDDL text", why]
