# SPDX-License-Identifier: Apache-2.0
"""Accounts by number, by name and in bytes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.windows import sid
from imagebuild.windows.sid import Sid

SIDS = st.builds(Sid, st.integers(0, 2**48 - 1), st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple))


@pytest.mark.parametrize(("text", "data"), [
    ("S-1-1-0", "010100000000000100000000"),
    ("S-1-5-18", "010100000000000512000000"),
    ("S-1-5-32-544", "01020000000000052000000020020000"),
    ("S-1-5-21-1-2-3-4294967295", "0105000000000005150000000100000002000000" "03000000ffffffff"),
    ("S-1-0x123456789abc-1", "0101123456789abc01000000"),
    ("S-1-4294967295", "01000000ffffffff"), ("S-1-0x000100000000", "0100000100000000"),
])
def test_text_and_bytes_are_two_forms_of_one_sid(text: str, data: str) -> None:
    assert Sid.parse(text).to_bytes().hex() == data
    assert str(Sid.from_bytes(bytes.fromhex(data))) == text


@pytest.mark.parametrize(("text", "same"), [
    ("s-1-5-32-544", "S-1-5-32-544"), (" S-1-5-18 ", "S-1-5-18"), ("S-1-5-0x20-0x220", "S-1-5-32-544"),
    ("S-0x1-5-018", "S-1-5-18"), ("S-1-0X5-18", "S-1-5-18"),
    ("S-1-5-" + "0" * 18 + "18", "S-1-5-18"),
])
def test_other_spellings_are_understood(text: str, same: str) -> None:
    assert str(Sid.parse(text)) == same


@pytest.mark.parametrize("text", [
    "", "S", "S-1", "S-1-", "S-2-5-18", "X-1-5-18", "S-1-5-", "S-1-5--1", "S-1-5-x", "S-1-5-4294967296", "S-1-5- 18",
    "S-1-281474976710656-1", "S-1-5" + "-1" * 16, "S-1-5-18x", "S-1-5-0x", "S-1-5-0xg", "S-1-\u0665-18", "S-1-5-+1",
    "S-1-5-" + "1" * 5000, "S-1-5-" + "1" * 74 + "x", "S-1-5-" + "1" * 73 + "x", "S-1-5-" + "0" * 20 + "1", "S-1-5-0xX",
])
def test_anything_else_is_no_sid(text: str) -> None:
    with pytest.raises(FormatError) as caught:
        Sid.parse(text)
    shown = text if len(text) <= 80 else text[:77] + "..."
    assert caught.value.lines() == [
        f"cannot read {shown!r} as a SID", "a number in it is too large" if "4294967296" in text or "28147" in text
        else "a SID looks like S-1-5-32-544"]


@pytest.mark.parametrize("data", [
    "", "01", "0101000000000005", "02010000000000051200", "0201000000000005" "12000000", "0101000000000005" "120000",
    "0110000000000005" + "00000000" * 16,
])
def test_bytes_that_are_no_sid_are_refused_with_their_place(data: str) -> None:
    with pytest.raises(FormatError) as caught:
        Sid.from_bytes(bytes.fromhex(data), offset=36, source="x")
    assert caught.value.lines() == [
        "cannot read a SID", "it is cut off, not of revision 1, or has more than 15 sub-authorities (at byte 36 of x)"]


def test_bytes_without_a_place_are_refused_at_their_beginning() -> None:
    with pytest.raises(FormatError) as caught:
        Sid.from_bytes(b"")
    assert (caught.value.offset, caught.value.source) == (0, "")


@pytest.mark.parametrize(("authority", "subs"), [(-1, ()), (1 << 48, ()), (5, (-1,)), (5, (1 << 32,)), (5, (0,) * 16)])
def test_numbers_that_do_not_fit_make_no_sid(authority: int, subs: tuple[int, ...]) -> None:
    with pytest.raises(FormatError) as caught:
        Sid(authority, subs)
    assert caught.value.lines() == [
        "cannot make a SID of these numbers",
        "48 bits of authority and at most 15 sub-authorities of 32 bits are allowed"]


@given(SIDS, st.binary(max_size=8))
def test_sids_round_trip(value: Sid, tail: bytes) -> None:
    assert Sid.parse(str(value)) == value
    assert Sid.from_bytes(value.to_bytes() + tail) == value
    assert sid.find_account(str(value)) == value


@given(st.binary(max_size=80))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    try:
        value = Sid.from_bytes(data)
    except FormatError:
        return
    assert data.startswith(value.to_bytes())


def test_the_table_of_accounts_is_unambiguous() -> None:
    aliases = [known.alias for known in sid.WELL_KNOWN if known.alias]
    assert len(set(aliases)) == len(aliases)
    assert not set(aliases) & set(sid.RELATIVE_ALIASES)
    assert len({known.sid for known in sid.WELL_KNOWN}) == len(sid.WELL_KNOWN)
    assert len({known.name.upper() for known in sid.WELL_KNOWN}) == len(sid.WELL_KNOWN)


@pytest.mark.parametrize(("name", "text"), [
    ("CREATOR_OWNER", "S-1-3-0"), ("CREATOR_GROUP", "S-1-3-1"), ("OWNER_RIGHTS", "S-1-3-4"), ("EVERYONE", "S-1-1-0"),
    ("SYSTEM", "S-1-5-18"), ("AUTHENTICATED_USERS", "S-1-5-11"), ("ADMINISTRATORS", "S-1-5-32-544"),
    ("USERS", "S-1-5-32-545"), ("CONTAINER_ADMINISTRATOR", "S-1-5-93-2-1"), ("CONTAINER_USER", "S-1-5-93-2-2"),
    ("TRUSTED_INSTALLER", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
])
def test_accounts_used_by_name_in_code_are_the_right_ones(name: str, text: str) -> None:
    assert str(getattr(sid, name)) == text


DOCUMENTED = (  # from "SID Strings" and [MS-DTYP] 2.5.1.1: every alias there is
    "AA AC AN AO AP AS AU BA BG BO BU CA CD CG CN CO CY DA DC DD DG DU EA ED EK ER ES HA HI IS IU KA LA LG LS LU LW ME "
    "MP MS MU NO NS NU OW PA PO PS PU RA RC RD RE RM RO RS RU SA SI SO SS SU SY UD WD WR"
)


def test_every_documented_alias_is_known() -> None:
    known = {known.alias for known in sid.WELL_KNOWN if known.alias} | set(sid.RELATIVE_ALIASES)
    assert known == set(DOCUMENTED.split())


def test_aliases_of_a_domain_need_the_domain() -> None:
    machine = Sid.parse("S-1-5-21-1-2-3")
    assert sid.from_alias("DA") is None
    assert str(sid.from_alias("da", machine)) == "S-1-5-21-1-2-3-512"
    assert str(sid.from_alias("LA", machine)) == "S-1-5-21-1-2-3-500"
    assert sid.from_alias("BA", machine) == sid.ADMINISTRATORS
    assert sid.from_alias("ZZ", machine) is None


@pytest.mark.parametrize(("text", "expected"), [
    ("BUILTIN\\Administrators", "S-1-5-32-544"), ("administrators", "S-1-5-32-544"), ("builtin\\USERS", "S-1-5-32-545"),
    ("Everyone", "S-1-1-0"), ("NT AUTHORITY\\SYSTEM", "S-1-5-18"), ("system", "S-1-5-18"), ("BA", "S-1-5-32-544"),
    ("wd", "S-1-1-0"), ("S-1-5-32-545", "S-1-5-32-545"), ("*S-1-5-32-545", "S-1-5-32-545"), ("s-1-1-0", "S-1-1-0"),
    ("ContainerAdministrator", "S-1-5-93-2-1"), ("ContainerUser", "S-1-5-93-2-2"),
    ("User Manager\\ContainerUser", "S-1-5-93-2-2"), (" Users ", "S-1-5-32-545"), ("IIS_IUSRS", "S-1-5-32-568"),
    ("NT SERVICE\\TrustedInstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
    ("nt service\\trustedinstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
    ("TrustedInstaller", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"),
    ("NT SERVICE\\ALL SERVICES", "S-1-5-80-0"),
    ("nt service\\EventLog", "S-1-5-80-880578595-1860270145-482643319-2788375705-1540778122"),
    ("iis apppool\\defaultapppool", "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"),
    ("IIS APPPOOL\\DefaultAppPool", "S-1-5-82-3006700770-424185619-1745488364-794895919-4004696415"),
    ("ALL APPLICATION PACKAGES", "S-1-15-2-1"),
    ("", None), ("nobody", None), ("Other\\Users", None), ("DA", None), ("S-1-", None), ("*S-1-x", None), ("\\", None),
    ("NT SERVICE\\", None), ("X\\BA", None), ("NT AUTHORITY\\Users", None),
])
def test_accounts_are_found_by_what_people_call_them(text: str, expected: str | None) -> None:
    found = sid.find_account(text)
    assert (str(found) if found else None) == expected


def test_the_sid_of_a_service_is_made_from_its_name() -> None:
    """TrustedInstaller's and DefaultAppPool's SIDs are documented, and come out of the rule."""
    assert sid.service_sid("trustedinstaller") == sid.TRUSTED_INSTALLER
    assert str(sid.service_sid("\ud800")).startswith("S-1-5-80-")
    assert sid.service_sid("X") == sid.service_sid("x") != sid.app_pool_sid("x") == sid.app_pool_sid("X")


def test_accounts_are_shown_by_name_or_else_by_number() -> None:
    assert sid.account_name(sid.ADMINISTRATORS) == "BUILTIN\\Administrators"
    assert sid.account_name(sid.EVERYONE) == "Everyone"
    assert sid.account_name(sid.CONTAINER_USER) == "User Manager\\ContainerUser"
    assert sid.account_name(Sid.parse("S-1-5-21-1-2-3-1000")) == "S-1-5-21-1-2-3-1000"
    assert sid.alias(sid.USERS) == "BU"
    assert sid.alias(sid.TRUSTED_INSTALLER) == str(sid.TRUSTED_INSTALLER)


@pytest.mark.parametrize("known", sid.WELL_KNOWN, ids=lambda known: known.name)
def test_every_well_known_account_is_found_by_each_of_its_names(known: sid.Known) -> None:
    assert sid.find_account(known.name) == known.sid
    assert sid.find_account(known.full_name().lower()) == known.sid
    assert sid.account_name(known.sid) == known.full_name()
    if known.alias:
        assert sid.from_alias(known.alias) == known.sid
        assert sid.alias(known.sid) == known.alias
