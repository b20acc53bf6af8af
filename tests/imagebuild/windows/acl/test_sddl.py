# SPDX-License-Identifier: Apache-2.0
"""SDDL both ways: every letter by its documented value, and Windows' own spelling of what it prints."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import FormatError, UnsupportedError
from imagebuild.windows import security as s
from imagebuild.windows.acl import tokens as letters
from imagebuild.windows.acl.sddl import format_ace, format_guid, format_sddl, parse_guid, parse_sddl
from imagebuild.windows.security import Ace, Acl, SecurityDescriptor
from imagebuild.windows.sid import ADMINISTRATORS, EVERYONE, USERS, WELL_KNOWN, Sid

GUID = "00299570-246d-11d0-a768-00aa006e0529"
TI = "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"


def _ace(text: str, section: str = "D") -> Ace:
    sd = parse_sddl(f"{section}:{text}")
    acl = sd.dacl if section == "D" else sd.sacl
    assert acl is not None
    return acl.aces[0]


@pytest.mark.parametrize(("letters", "mask"), [  # "ACE Strings", [MS-DTYP] 2.5.1.1, winnt.h, winreg.h
    ("GA", 0x10000000), ("GR", 0x80000000), ("GW", 0x40000000), ("GX", 0x20000000),
    ("RC", 0x20000), ("SD", 0x10000), ("WD", 0x40000), ("WO", 0x80000),
    ("RP", 0x10), ("WP", 0x20), ("CC", 0x1), ("DC", 0x2), ("LC", 0x4), ("SW", 0x8), ("LO", 0x80), ("DT", 0x40),
    ("CR", 0x100),
    ("FA", 0x1F01FF), ("FR", 0x120089), ("FW", 0x120116), ("FX", 0x1200A0),
    ("KA", 0xF003F), ("KR", 0x20019), ("KW", 0x20006), ("KX", 0x20019),
    ("NW", 0x1), ("NR", 0x2), ("NX", 0x4),
    ("", 0), ("FRFX", 0x1200A9), ("CCDCLC", 7), ("GRGX", 0xA0000000), ("frgw", 0x40120089), ("FASDFA", 0x1F01FF),
    ("0x1301bf", 0x1301BF), ("0X1F", 0x1F), ("17", 17), ("017", 15), ("07", 7), ("0", 0), ("0xffffffff", 0xFFFFFFFF),
])
def test_rights_have_their_documented_values(letters: str, mask: int) -> None:
    assert _ace(f"(A;;{letters};;;WD)").mask == mask


@pytest.mark.parametrize(("letters", "flags"), [
    ("OI", 0x1), ("CI", 0x2), ("NP", 0x4), ("IO", 0x8), ("ID", 0x10), ("CR", 0x20), ("SA", 0x40), ("TP", 0x40),
    ("FA", 0x80), ("", 0), ("OICI", 3), ("ciio", 10), ("OICINPIOIDCRSAFA", 0xFF),
])
def test_flags_have_their_documented_values(letters: str, flags: int) -> None:
    assert _ace(f"(A;{letters};;;;WD)").flags == flags


@pytest.mark.parametrize(("letters", "kind", "section"), [
    ("A", 0, "D"), ("D", 1, "D"), ("AU", 2, "S"), ("AL", 3, "S"), ("OA", 5, "D"), ("OD", 6, "D"), ("OU", 7, "S"),
    ("OL", 8, "S"), ("ML", 0x11, "S"), ("SP", 0x13, "S"), ("TL", 0x14, "S"), ("ou", 7, "S"),
])
def test_entry_types_have_their_documented_values(letters: str, kind: int, section: str) -> None:
    assert _ace(f"({letters};;;;;WD)", section).type == kind


@pytest.mark.parametrize(("text", "control"), [
    ("D:", 0x8004), ("D:P", 0x9004), ("D:AI", 0x8404), ("D:AR", 0x8104), ("D:PARAI", 0x9504), ("D:AIP", 0x9404),
    ("S:", 0x8010), ("S:P", 0xA010), ("S:AI", 0x8810), ("S:AR", 0x8210), ("D:paiS:pai", 0xBC14), ("", 0x8000),
    ("O:BA", 0x8000), ("D:NO_ACCESS_CONTROL", 0x8004), ("D:PAINO_ACCESS_CONTROL", 0x9404),
    ("s:no_access_control", 0x8010),
])
def test_list_flags_set_their_control_bits(text: str, control: int) -> None:
    assert parse_sddl(text).control == control


@pytest.mark.parametrize("text", [
    # As Windows printed them, from Get-Acl, icacls /save, sc sdshow and [MS-DTYP]:
    f"O:{TI}G:{TI}D:PAI(A;OICIIO;GA;;;CO)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;SY)(A;OICIIO;GA;;;BA)(A;;0x1301bf;;;BA)"
    f"(A;OICIIO;GXGR;;;BU)(A;;0x1200a9;;;BU)(A;CIIO;GA;;;{TI})(A;;FA;;;{TI})(A;;0x1200a9;;;AC)(A;OICIIO;GXGR;;;AC)",
    f"O:{TI}G:{TI}D:PAI(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;OICI;0x1200a9;;;BU)"
    "(A;OICIIO;SDGXGWGR;;;AU)(A;;LC;;;AU)S:(ML;OINPIO;NW;;;HI)",
    "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICIIO;GA;;;CO)(A;OICI;0x1200a9;;;BU)(A;CI;DCLCRPCR;;;BU)",
    "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;0x1200a9;;;BU)S:PAINO_ACCESS_CONTROL",
    "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;IU)S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)",
    "O:BAG:SYD:PAI(A;OICI;KR;;;RC)(A;OICI;KA;;;SY)(A;OICI;KA;;;BA)(A;CI;KA;;;BU)",
    "S:AI(AU;OICISAFA;FA;;;WD)(AU;OICISA;WD;;;SY)(AU;OICIIDSA;FA;;;WD)",
    "D:NO_ACCESS_CONTROL", "D:", "O:BAG:BA", "S:P", "D:ARAI", "D:PAR",
    "O:BAD:(A;;FR;;;WD)(A;;FW;;;WD)(A;;FX;;;WD)(A;;KW;;;WD)(A;;;;;WD)(A;;0x10000000f;;;WD)".replace("0x10000000f",
    "0x100000"),
    f"D:(OA;CIID;CR;{GUID};;PS)(OA;;CCDC;;bf967aa5-0de6-11d0-a285-00aa003049e2;AO)(OD;;WP;;;WD)",
    f"S:(OU;CIIDSA;WP;f30e3bc2-9ff0-11d1-b603-0000f80367c1;{GUID};WD)(OL;;CC;;;WD)(AL;;CC;;;WD)",
    "S:(ML;;NWNRNX;;;LW)(ML;OICI;NX;;;ME)(SP;;;;;S-1-17-1-2)(TL;;0x1fffff;;;S-1-19-512-8192)",
    'S:AI(RA;ID;;;;WD;("Impact_MS",TI,0x10020,3000))(RA;;;;;WD;("Project",TS,0x0,"Windows","SQL"))',
    'S:(RA;;;;;WD;("n",TB,0x0,0,1))(RA;;;;;WD;("n",TU,0x0,18446744073709551615))(RA;;;;;WD;("n",TX,0x0,00ff))'
    '(RA;;;;;WD;("n",TD,0x0,SID(BA),SID(S-1-5-21-1)))(RA;;;;;WD;("a%0022b%0025",TS,0x0,"100%0025"))'
    '(RA;;;;;WD;("",TI,0x0))(RA;;;;;WD;("q",TS,0x0,"(;),"))',
])
def test_what_windows_prints_comes_back_letter_for_letter(text: str) -> None:
    sd = parse_sddl(text)
    assert format_sddl(sd) == text
    assert format_sddl(SecurityDescriptor.from_bytes(sd.to_bytes())) == text


@pytest.mark.parametrize(("text", "same"), [
    ("d:(a;oici;fa;;;ba)o:ba", "O:BAD:(A;OICI;FA;;;BA)"),
    (" S:(ML;;NW;;;LW) D: P AI ( A ; OICI ; 0x1200A9 ; ; ; BU ) G: SY O: S-1-5-32-544 ",
     "O:BAG:SYD:PAI(A;OICI;0x1200a9;;;BU)S:(ML;;NW;;;LW)"),
    ("O:S-1-5-0x20-544D:", "O:BAD:"), ("D:(A;IOCI;GRGX;;;WD)", "D:(A;CIIO;GXGR;;;WD)"), ("D:(A;;KX;;;WD)",
    "D:(A;;KR;;;WD)"),
    ("D:(A;;FRFX;;;WD)", "D:(A;;0x1200a9;;;WD)"), ("D:(A;;0x20019;;;WD)", "D:(A;;KR;;;WD)"), ("D:AIP", "D:PAI"),
    (f"D:(OA;;CR;{GUID.upper()};;WD)", f"D:(OA;;CR;{GUID};;WD)"), ("D:(A;;LOFA;;;WD)", "D:(A;;FA;;;WD)"),
    ('S:(RA;;;;;WD; ( "A b" , ts , 16 , "x" ) )', 'S:(RA;;;;;WD;("A b",TS,0x10,"x"))'),
    ('S:(RA;;;;;WD;("n",TX,0,#00FF))', 'S:(RA;;;;;WD;("n",TX,0x0,00ff))'),
    ('S:(RA;;;;;WD;("n",TI,0,-0x10,017))', 'S:(RA;;;;;WD;("n",TI,0x0,-16,15))'),
])
def test_other_spellings_mean_the_same(text: str, same: str) -> None:
    assert format_sddl(parse_sddl(text)) == same


@pytest.mark.parametrize("name", ["XA", "XD", "XU", "ZA", "FL", "xa"])
def test_conditional_entries_are_refused_by_name(name: str) -> None:
    with pytest.raises(UnsupportedError, match=name.upper()) as caught:
        parse_sddl(f'D:({name};;FX;;;WD;(@User.Title=="PM" && (Member_of {{SID(BA)}})))')
    assert caught.value.facts["entry"] == name.upper()


CONDITION = bytes.fromhex("61727478f902000000610004010000000000000003028000")


@pytest.mark.parametrize(("ace", "text"), [
    (Ace(0x09, 3, 0x1200A0, EVERYONE, data=CONDITION), f"(XA;OICI;FX;;;WD;0x{CONDITION.hex()})"),
    (Ace(0x0A, 0, 0x1F01FF, EVERYONE, data=b"\1"), "(XD;;FA;;;WD;0x01)"),
    (Ace(0x0D, 0xC0, 1, EVERYONE), "(XU;SAFA;CC;;;WD;0x)"),
    (Ace(0x0B, 0, 0x100, EVERYONE, parse_guid(GUID), data=b"\xff"), f"(ZA;;CR;{GUID};;WD;0xff)"),
    (Ace(0x15, 0x42, 1, EVERYONE, data=b"ab"), "(FL;CITP;CC;;;WD;0x6162)"),
    (Ace(0x0C, 2, 1, EVERYONE), "(0xC;CI;0x0100000000000000010100000000000100000000)"),
    (Ace(0x04, 0x10, data=b"\1\2"), "(0x4;ID;0x0102)"), (Ace(0xFE, 0x83), "(0xFE;OICIFA;0x)"),
    (Ace(0x00, 0, 1, EVERYONE, data=b"\0\1"), "(A;;CC;;;WD;0x0001)"),
    (Ace(0x12, 0, 0, EVERYONE, data=b"\0\1"), "(RA;;;;;WD;0x0001)"),
    (Ace(0x11, 0, 8, EVERYONE), "(ML;;0x8;;;WD)"), (Ace(0, 0, 7, EVERYONE), "(A;;CCDCLC;;;WD)"),
])
def test_entries_that_text_cannot_hold_are_shown_with_their_bytes(ace: Ace, text: str) -> None:
    assert format_ace(ace) == text
    sd = SecurityDescriptor(dacl=Acl((ace,)))
    assert SecurityDescriptor.from_bytes(sd.to_bytes()) == sd
    assert format_sddl(sd) == "D:" + text
    if ace.type not in (0x11, 0) or ace.data:
        with pytest.raises((FormatError, UnsupportedError)):
            parse_sddl("D:" + text)


@pytest.mark.parametrize(("text", "why"), [
    ("X", "expected O:"), ("O", "expected O:"), ("BA", "expected O:"), ("O:", "expected a SID"), ("O:B",
    "expected a SID"),
    ("O:BAO:BA", "twice"), ("D:D:", "twice"), ("O:QQ", "no account"), ("O:S-1-5-99999999999", "too large"),
    ("O:DA", "Domain Admins.*write its SID"), ("G:LA", "Administrator account"), ("D:(A;;FA;;;DU)", "Domain Users"),
    ("D:(A;;FA;;;WD", "not closed"), ("D:(A;;FA;;WD)", "six fields"), ("D:()", "no type"), ("D:(Q;;;;;WD)", "no type"),
    ("D:(A;QQ;;;;WD)", "no flag"), ("D:(A;O;;;;WD)", "no flag"), ("D:(A;;QQ;;;WD)", "no right"), ("D:(A;;F;;;WD)",
    "no right"),
    ("D:(A;;0xfffffffff;;;WD)", "32 bits"), ("D:(A;;08;;;WD)", "no number"), ("D:(A;;1x;;;WD)", "no number"),
    ("D:(A;;1_0;;;WD)", "no number"), ("D:(A;;;;;)", "no account"), ("D:(A;;;;;W)", "no account"),
    (f"D:(A;;CR;{GUID};;WD)", "object types"), (f"D:(D;;CR;;{GUID};WD)", "object types"), ("D:(OA;;CR;x;;WD)", "GUID"),
    ("D:(A;;FA;;;WD;1)", "six fields, not seven"), ("S:(RA;;;;;WD)", "seventh field"),
    ("D:NO_ACCESS_CONTROL(A;;;;;WD)", "no list"),
    ("D:(A;;FA;;;WD)x", "expected O:"), ("D:(A;;FA;;;WD)P", "expected O:"), ("D:PP P x", "expected O:"),
    ("D:\u0660", "expected"),
    ('S:(RA;;;;;WD;("n",TS,0,x))', "in quotes"), ('S:(RA;;;;;WD;("n",QQ,0))', "no type of value"),
    ('S:(RA;;;;;WD;("n",TS,0,"x")', "not closed"), ('S:(RA;;;;;WD;("n"))', "is written like"),
    ('S:(RA;;;;;WD;("n",TB,0,2))', "boolean"),
    ('S:(RA;;;;;WD;("n",TX,0,0))', "hexadecimal"), ('S:(RA;;;;;WD;("n",TD,0,BA))', "SID"),
    ('S:(RA;;;;;WD;("n",TI,x))', "no number"),
    ('S:(RA;;;;;WD;("n",TU,0,-1))', "no number"), ('S:(RA;;;;;WD;("n",TI,0,9223372036854775808))', "64 bits"),
    ('S:(RA;;;;;WD;("n",TD,0,SID(QQ)))', "SID"), ('S:(RA;;;;;WD;("n",TI,0,))', "no number"),
    ('S:(RA;;;;;WD;("n",TI,0,0x))', "number"),
])
def test_bad_text_is_refused_with_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(FormatError, match=why):
        parse_sddl(text)


def test_the_error_says_where_and_for_what() -> None:
    with pytest.raises(FormatError, match=r"for a registry key.*byte 14 of SDDL") as caught:
        parse_sddl("D:(A;;FA;;;WD)(A;;FA;;;QQ)", kind="key")
    assert caught.value.offset == 14
    with pytest.raises(FormatError, match="for a file"):
        parse_sddl("?")
    with pytest.raises(ValueError, match="kind"):
        parse_sddl("", kind="window")  # type: ignore[arg-type]


TYPES, FLAGS, RIGHTS = (" ".join(names) for names in (letters.TYPES, letters.FLAGS, letters.RIGHTS))


@pytest.mark.parametrize(("text", "why", "offset"), [
    ("O:BAD:X", "expected O:, G:, D: or S:", 6), ("O:BAo:BA", "O: is there twice", 4),
    ("S:S:", "S: is there twice", 2),
    ("O:BA g:B", "expected a SID or two letters after G:", 7),
    ("D:NO_ACCESS_CONTROL(A;;;;;WD)", "NO_ACCESS_CONTROL means that there is no list, so no entry can follow it", 19),
    ("D:(A;;FA;;;WD", "this parenthesis is not closed", 2),
    ("D:(q;;;;;WD)", f"'q' is no type of entry; there are {TYPES}", 2),
    ("D:(A;;;;WD)", "an entry has six fields: (type;flags;rights;object;inherited object;account)", 2),
    (f"D:(A;;CR;{GUID};;WD)", "only OA, OD, OU and OL entries have object types, not A", 2),
    ("S:(RA;;;;;WD)", "an RA entry has a seventh field, the attribute", 2),
    ("D:(a;;;;;WD;x)", "an entry of type A has six fields, not seven", 2),
    ("D:(A;CIqqOI;;;;WD)", f"'qq' is no flag; there are {FLAGS}", 2),
    ("D:(A;CIO;;;;WD)", f"'O' is no flag; there are {FLAGS}", 2),
    ("D:(A;;FRqqFX;;;WD)", f"'qq' is no right; there are {RIGHTS}, or write 0x1200a9", 2),
    ("D:(A;;FRF;;;WD)", f"'F' is no right; there are {RIGHTS}, or write 0x1200a9", 2),
    ("D:(A;;;;;x)", "'x' is no account: a SID looks like S-1-5-32-544", 2),
    ("D:(A;;;;;" + "x" * 90 + ")", f"{'x' * 80!r} is no account: a SID looks like S-1-5-32-544", 2),
    ("D:(A;;;;;" + "x" * 91 + ")", f"{'x' * 80!r} is no account: a SID looks like S-1-5-32-544", 2),
    ("G: da", "DA (Domain Admins) is another account in every domain; write its SID", 3),
    ("D: (A;;;;;WD)(A;;;;;la)",
     "LA (the local Administrator account) is another account in every domain; write its SID", 13),
    ("O:  qq", "'qq' is no account that SDDL knows", 4), ("O: S-1-x", "expected a SID or two letters after O:", 3),
    ("O: S-1-5-4294967296", "'S-1-5-4294967296' is no account: a number in it is too large", 3),
])
def test_what_is_wrong_is_said_in_full_with_its_place(text: str, why: str, offset: int) -> None:
    with pytest.raises(FormatError) as caught:
        parse_sddl(text)
    shown = text if len(text) <= 100 else text[:97] + "..."
    assert caught.value.lines() == [f"cannot read the SDDL {shown!r} for a file", f"{why} (at byte {offset} of SDDL)"]


@pytest.mark.parametrize("kind", ["file", "key"])
def test_a_condition_is_refused_in_full_with_its_place(kind: str) -> None:
    entry = '(xa;;FX;;;WD;(@User.Project Any_of {"a", "b"} && Member_of{SID(BA)}))'
    with pytest.raises(UnsupportedError) as caught:
        parse_sddl("D:AI (A;;FA;;;WD)" + entry, kind=kind)  # type: ignore[arg-type]
    what = "a file" if kind == "file" else "a registry key"
    assert caught.value.lines() == [
        f"cannot use the XA entry {entry[:60]!r} for {what}",
        f"XA is {letters.WORDS['XA']}, and conditions are not compiled",
        "write it without a condition, or give the descriptor in binary"]
    assert (caught.value.offset, caught.value.entry) == (17, "XA")  # type: ignore[attr-defined]


def test_what_is_no_guid_is_said() -> None:
    with pytest.raises(FormatError) as caught:
        parse_guid("x" * 70)
    assert caught.value.lines() == [f"cannot read {'x' * 60!r} as a GUID",
                                    "a GUID looks like bf967aa5-0de6-11d0-a285-00aa003049e2"]


@pytest.mark.parametrize("kind", ["File", "", "Key"])
def test_there_are_two_kinds_of_objects(kind: str) -> None:
    with pytest.raises(ValueError, match=f"^kind is 'file' or 'key', not {kind!r}$"):
        parse_sddl("", kind=kind)  # type: ignore[arg-type]


def test_a_claim_in_any_other_entry_is_shown_as_bytes() -> None:
    claim = _ace('(RA;;;;;WD;("n",TS,0x0,"v"))', "S").data
    assert format_ace(Ace(0x00, 0, 1, EVERYONE, data=claim)) == f"(A;;CC;;;WD;0x{claim.hex()})"


def test_a_domain_counts_in_claims_too() -> None:
    sd = parse_sddl('S:(RA;;;;;WD;("n",TD,0x0,SID(DA)))', domain=Sid.parse("S-1-5-21-1-2-3"))
    assert format_sddl(sd) == 'S:(RA;;;;;WD;("n",TD,0x0,SID(S-1-5-21-1-2-3-512)))'


def test_aliases_of_a_domain_are_resolved_when_it_is_known() -> None:
    sd = parse_sddl("O:LAG:DUD:(A;;FA;;;da)", domain=Sid.parse("S-1-5-21-1-2-3"))
    assert format_sddl(sd) == "O:S-1-5-21-1-2-3-500G:S-1-5-21-1-2-3-513D:(A;;FA;;;S-1-5-21-1-2-3-512)"


def test_lists_with_object_types_have_revision_four_and_others_two() -> None:
    sd = parse_sddl(f"D:(A;;FA;;;WD)S:(AU;SA;FA;;;WD)(OU;SA;WP;{GUID};;WD)")
    assert sd.dacl is not None and sd.sacl is not None
    assert (sd.dacl.revision, sd.sacl.revision) == (2, 4)


def test_guids_have_their_first_three_fields_little_endian() -> None:
    data = bytes.fromhex("7095 2900 6d24 d011 a768 00aa006e0529")
    assert parse_guid(GUID) == data
    assert format_guid(data) == GUID
    assert format_guid(None) == ""
    for bad in ("", "{" + GUID + "}", GUID[:-1], GUID.replace("-", ""), "x" + GUID[1:]):
        with pytest.raises(FormatError, match="GUID"):
            parse_guid(bad)


ACCOUNTS = st.sampled_from([known.sid for known in WELL_KNOWN]) | st.builds(
    Sid, st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=15).map(tuple))
GUIDS = st.none() | st.binary(min_size=16, max_size=16)
MASKS = st.integers(0, 2**32 - 1) | st.sampled_from(list(letters.RIGHTS.values())) | st.builds(
    sum, st.sets(st.sampled_from(list(letters.BITS.values()))))
PLAIN = st.sampled_from([0, 1, 2, 3, 0x11, 0x13, 0x14])
ACES = st.builds(Ace, PLAIN, st.integers(0, 255), MASKS, ACCOUNTS) | st.builds(
    Ace, st.sampled_from([5, 6, 7, 8]), st.integers(0, 255), MASKS, ACCOUNTS, GUIDS, GUIDS)
ACLS = st.none() | st.lists(ACES, max_size=4).map(
    lambda aces: Acl(tuple(aces), 4 if any(ace.type in s.OBJECT_TYPES for ace in aces) else 2))
DACL_BITS = st.builds(sum, st.sets(st.sampled_from([s.DACL_PROTECTED, s.DACL_AUTO_INHERITED, s.DACL_AUTO_INHERIT_REQ])))
SACL_BITS = st.builds(sum, st.sets(st.sampled_from([s.SACL_PROTECTED, s.SACL_AUTO_INHERITED, s.SACL_AUTO_INHERIT_REQ])))
DESCRIPTORS = st.builds(
    lambda dacl_bits, sacl_bits, owner, group, dacl, sacl: SecurityDescriptor(
        dacl_bits | sacl_bits | s.DACL_PRESENT | s.SACL_PRESENT, owner, group, dacl, sacl),
    DACL_BITS, SACL_BITS, st.none() | ACCOUNTS, st.none() | ACCOUNTS, ACLS, ACLS)


@settings(max_examples=300)
@given(DESCRIPTORS)
def test_what_text_can_hold_round_trips_through_it(sd: SecurityDescriptor) -> None:
    text = format_sddl(sd)
    assert parse_sddl(text) == sd
    assert format_sddl(parse_sddl(text.lower())) == text


@settings(max_examples=500)
@given(st.text("OGDS:PARI(;)AXFC0x1\"-BU, \u00e9", max_size=60) | st.text(max_size=20))
def test_no_text_crashes_the_parser(text: str) -> None:
    try:
        sd = parse_sddl(text)
    except (FormatError, UnsupportedError):
        return
    assert parse_sddl(format_sddl(sd)) == sd


@pytest.mark.parametrize("text", [
    "D:" + "(" * 50_000, "D:(A;" + '"' * 50_001 + ")", "D:(((" + "()" * 30_000, "D:" + "P " * 50_000 + "x",
    'S:(RA;;;;;WD;("n",TI,0' + ", 1  " * 20_000 + "x))", 'S:(RA;;;;;WD;("n"' + " " * 50_000 + "))",
    "O:" + "S-1" * 30_000,
    'S:(RA;;;;;WD;("n",TS,0' + ',"a"  ' * 10_000 + ")))",
])
def test_a_long_hostile_text_is_refused_at_once(text: str) -> None:
    with pytest.raises(FormatError):
        parse_sddl(text)


def test_a_claim_whose_offsets_all_point_at_one_long_value_is_not_unfolded() -> None:
    count = 8000
    data = bytearray(16 + 4 * count) + ("x" * 15000 + "\0").encode("utf-16-le")
    data[0:16] = (16 + 4 * count).to_bytes(4, "little") + b"\3\0\0\0" + bytes(4) + count.to_bytes(4, "little")
    data[16:16 + 4 * count] = (16 + 4 * count).to_bytes(4, "little") * count
    assert format_ace(Ace(0x12, 0, 0, EVERYONE, data=bytes(data))).startswith("(RA;;;;;WD;0x")


@given(st.binary(max_size=80) | st.builds(lambda head, tail: b"\x14\0\0\0" + head + tail, st.sampled_from(
    [b"\1\0\0\0\0\0\0\0\1\0\0\0", b"\3\0\0\0\0\0\0\0\1\0\0\0", b"\5\0\0\0\0\0\0\0\1\0\0\0"]), st.binary(max_size=60)))
def test_no_claim_crashes_the_printer(data: bytes) -> None:
    text = format_ace(Ace(0x12, 0, 0, EVERYONE, data=data))
    if "0x" + data.hex() not in text:
        assert format_ace(_ace(text, "S")) == text


def test_accounts_print_by_alias_or_number() -> None:
    assert format_sddl(SecurityDescriptor(owner=ADMINISTRATORS, group=USERS)) == "O:BAG:BU"
    assert format_sddl(SecurityDescriptor(owner=Sid(5, (93, 2, 1)))) == "O:S-1-5-93-2-1"
