# SPDX-License-Identifier: Apache-2.0
"""Who may do what: the access check decides as Windows does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows import security as s
from imagebuild.windows.acl.access import FILE, KEY, Access, access_check
from imagebuild.windows.acl.sddl import parse_sddl
from imagebuild.windows.folders import ROOT_SDDL, SYSTEM_SDDL
from imagebuild.windows.security import Ace, Acl, SecurityDescriptor
from imagebuild.windows.sid import ADMINISTRATORS, CONTAINER_USER, EVERYONE, SYSTEM, USERS, Sid

ME = Sid.parse("S-1-5-21-1-2-3-1000")
TOKEN = (ME, USERS, EVERYONE)
READ, WRITE = s.FILE_READ, 0x2


def _granted(sddl: str, desired: int = s.MAXIMUM_ALLOWED, sids: tuple[Sid, ...] = TOKEN) -> int:
    return access_check(parse_sddl(sddl), sids, desired).granted


@pytest.mark.parametrize(("sddl", "desired", "allowed"), [
    ("D:(A;;FR;;;BU)", READ, True), ("D:(A;;FR;;;BU)", READ | WRITE, False), ("D:(A;;FR;;;BA)", READ, False),
    ("D:(A;;FR;;;BU)(A;;0x2;;;WD)", READ | WRITE, True), ("D:(A;;GA;;;BU)", s.FILE_ALL, True),
    ("D:(A;;FR;;;BU)", s.GENERIC_READ, True), ("D:(A;;FR;;;BU)", s.GENERIC_WRITE, False),
    ("D:(D;;FR;;;WD)(A;;FA;;;BU)", READ, False), ("D:(A;;FA;;;BU)(D;;FR;;;WD)", READ, True),
    ("D:(D;;0x2;;;WD)(A;;FA;;;BU)", READ, True), ("D:(D;;FR;;;BA)(A;;FA;;;BU)", READ, True),
    ("D:(D;IO;FR;;;WD)(A;;FA;;;BU)", READ, True), ("D:(A;IO;FR;;;BU)", READ, False),
    ("D:(A;OICIIO;GA;;;WD)", READ, False),
    ("D:(A;OICI;FR;;;BU)", READ, True), ("D:(A;ID;FR;;;BU)", READ, True), ("D:(AU;;FR;;;BU)", READ, False),
    ("D:", READ, False), ("D:NO_ACCESS_CONTROL", s.FILE_ALL, True), ("", s.FILE_ALL, True), ("D:", 0, True),
    ("D:(D;;GR;;;BU)(A;;FA;;;BU)", 0x1, False),
    ("D:(OA;;FR;00299570-246d-11d0-a768-00aa006e0529;;BU)", READ, False), ("D:(OA;;FR;;;BU)", READ, True),
    ("D:(OD;;FR;;;BU)(A;;FA;;;BU)", READ, False), ("D:(A;;0x1120089;;;BU)", s.ACCESS_SYSTEM_SECURITY, False),
    ("D:NO_ACCESS_CONTROL", s.ACCESS_SYSTEM_SECURITY, False),
])
def test_entries_count_in_their_order(sddl: str, desired: int, allowed: bool) -> None:
    assert access_check(parse_sddl(sddl), TOKEN, desired).allowed() is allowed


def test_the_answer_names_what_is_missing_and_the_entry_that_denied() -> None:
    sd = parse_sddl("D:(A;;0x1;;;BU)(D;;0x6;;;WD)(A;;0x6;;;BU)")
    assert access_check(sd, TOKEN, 0x3) == Access(0x1, 0x2, Ace(s.DENY, 0, 0x6, EVERYONE))
    assert access_check(sd, TOKEN, 0x1) == Access(0x1, 0)
    assert access_check(sd, TOKEN, 0x8) == Access(0, 0x8)
    assert access_check(sd, TOKEN, 0x2) == Access(0, 0x2, Ace(s.DENY, 0, 0x6, EVERYONE))
    assert access_check(parse_sddl("D:(A;;0x2;;;BU)(D;;0x2;;;WD)"), TOKEN, 0x3) == Access(0x2, 0x1)


def test_the_owner_reads_and_changes_the_descriptor() -> None:
    own = s.READ_CONTROL | s.WRITE_DAC
    assert _granted(f"O:{ME}D:") == own
    assert _granted("O:BUD:") == own
    assert _granted("O:BAD:") == 0
    assert _granted(f"O:{ME}D:(D;;FA;;;WD)") == own
    assert _granted(f"O:{ME}D:", s.READ_CONTROL) == s.READ_CONTROL
    assert access_check(parse_sddl(f"O:{ME}D:"), TOKEN, own | s.DELETE) == Access(own, s.DELETE)


def test_an_owner_rights_entry_replaces_what_the_owner_may() -> None:
    assert _granted(f"O:{ME}D:(A;;RC;;;OW)") == s.READ_CONTROL
    assert _granted(f"O:{ME}D:(A;;FR;;;OW)") == s.FILE_READ
    assert _granted(f"O:{ME}D:(D;;WD;;;OW)(A;;FA;;;WD)") == s.FILE_ALL & ~s.WRITE_DAC
    assert _granted(f"O:{ME}D:(A;IO;RC;;;OW)") == s.READ_CONTROL | s.WRITE_DAC
    assert _granted("O:BAD:(A;;FA;;;OW)") == 0


def test_maximum_allowed_gives_all_that_could_be_asked_for() -> None:
    assert _granted("D:(D;;0x2;;;WD)(A;;FA;;;BU)") == s.FILE_ALL & ~0x2
    assert _granted("D:(A;;0x2;;;BU)(D;;0x2;;;WD)") == 0x2
    assert _granted("D:NO_ACCESS_CONTROL") == s.FILE_ALL
    assert _granted("D:") == 0
    assert _granted("D:(A;;GX;;;BU)") == s.FILE_EXECUTE
    both = access_check(parse_sddl("D:(A;;FR;;;BU)"), TOKEN, s.MAXIMUM_ALLOWED | WRITE)
    assert (both.granted, both.missing, both.allowed()) == (s.FILE_READ, WRITE, False)


def test_conditions_deny_when_in_doubt() -> None:
    def check(*aces: Ace) -> bool:
        return access_check(SecurityDescriptor(dacl=Acl(aces)), TOKEN, 0x1).allowed()

    allow = Ace(s.ALLOW, 0, 1, USERS)
    assert check(allow)
    assert not check(Ace(s.ALLOW_CALLBACK, 0, 1, USERS))
    assert not check(Ace(s.DENY_CALLBACK, 0, 1, USERS), allow)
    assert check(Ace(0x7E, data=b"1234"), allow)


def test_privileges_add_their_one_right() -> None:
    sd = parse_sddl("O:BAD:")
    take = access_check(sd, TOKEN, s.WRITE_OWNER, privileges=["SeTakeOwnershipPrivilege"])
    assert take == Access(s.WRITE_OWNER, 0)
    assert not access_check(sd, TOKEN, s.WRITE_OWNER, privileges=["SeSecurityPrivilege"]).allowed()
    assert access_check(sd, TOKEN, s.ACCESS_SYSTEM_SECURITY, privileges=["SeSecurityPrivilege"]).allowed()
    assert access_check(sd, TOKEN, s.MAXIMUM_ALLOWED, privileges=["SeTakeOwnershipPrivilege"]).granted == s.WRITE_OWNER
    assert not access_check(sd, TOKEN, READ, privileges=["SeTakeOwnershipPrivilege", "SeOther"]).allowed()


def test_generic_rights_mean_what_the_kind_of_object_says() -> None:
    assert [FILE.map(bit) for bit in (s.GENERIC_READ, s.GENERIC_WRITE, s.GENERIC_EXECUTE, s.GENERIC_ALL)] == [
        0x120089, 0x120116, 0x1200A0, 0x1F01FF]
    assert [KEY.map(bit) for bit in (s.GENERIC_READ, s.GENERIC_WRITE, s.GENERIC_EXECUTE, s.GENERIC_ALL)] == [
        0x20019, 0x20006, 0x20039, 0xF003F]
    assert FILE.map(0x2 | s.GENERIC_READ) == 0x12008B
    assert access_check(parse_sddl("D:(A;;KR;;;BU)"), TOKEN, s.GENERIC_READ, mapping=KEY).allowed()


def test_container_user_may_add_folders_to_the_root_but_no_files() -> None:
    """As moby/buildkit#4731 saw it: "Access is denied" for a file in C:\\, while a folder can be made."""
    token = (CONTAINER_USER, USERS, EVERYONE)
    assert not access_check(parse_sddl(ROOT_SDDL), token, 0x2).allowed()
    assert access_check(parse_sddl(ROOT_SDDL), token, 0x4).allowed()
    assert access_check(parse_sddl(ROOT_SDDL), (ADMINISTRATORS,), s.FILE_ALL).allowed()


def test_nobody_but_trustedinstaller_may_delete_windows() -> None:
    for sids in ((ADMINISTRATORS, EVERYONE), (SYSTEM,)):
        assert access_check(parse_sddl(SYSTEM_SDDL), sids, s.FILE_MODIFY).allowed()
        assert not access_check(parse_sddl(SYSTEM_SDDL), sids, s.WRITE_DAC).allowed()


ACES = st.builds(Ace, st.sampled_from([0, 1]), st.sampled_from([0, 8]), st.integers(0, 0x1FF), st.sampled_from(TOKEN))


@given(st.lists(ACES, max_size=5), st.integers(0, 0x1FF))
def test_what_is_asked_for_is_granted_exactly_when_maximum_allowed_would_include_it(aces: list[Ace], want: int) -> None:
    sd = SecurityDescriptor(dacl=Acl(tuple(aces)))
    everything = access_check(sd, TOKEN, s.MAXIMUM_ALLOWED)
    some = access_check(sd, TOKEN, want)
    assert some.granted == everything.granted & want
    assert some.missing == want & ~everything.granted
    assert (some.denied is None) or some.missing


def test_privileges_add_up_and_unknown_ones_add_nothing() -> None:
    both, unknown = ["SeTakeOwnershipPrivilege", "SeSecurityPrivilege"], ["SeOther"]
    want = s.WRITE_OWNER | s.ACCESS_SYSTEM_SECURITY
    for names in (both, both[::-1], [*both, *unknown]):
        assert access_check(parse_sddl("O:BAD:"), TOKEN, want, privileges=names) == Access(want, 0)
    assert access_check(parse_sddl("O:BAD:"), TOKEN, 0x1, privileges=unknown) == Access(0, 0x1)


def test_a_privilege_gives_nothing_that_was_not_asked_for() -> None:
    take = ["SeTakeOwnershipPrivilege"]
    assert access_check(parse_sddl("D:(A;;FR;;;BU)"), TOKEN, 0x1, privileges=take) == Access(0x1, 0)
    assert access_check(parse_sddl("D:NO_ACCESS_CONTROL"), TOKEN, 0x2) == Access(0x2, 0)
    security = ["SeSecurityPrivilege"]
    for sddl, want in (("D:NO_ACCESS_CONTROL", 0x1), (f"O:{ME}D:(A;;0x1;;;BU)", 0x1)):
        want |= s.ACCESS_SYSTEM_SECURITY
        assert access_check(parse_sddl(sddl), TOKEN, want, privileges=security) == Access(want, 0)
    owner = access_check(parse_sddl(f"O:{ME}D:"), TOKEN, s.MAXIMUM_ALLOWED, privileges=take)
    assert owner == Access(s.WRITE_OWNER | s.READ_CONTROL | s.WRITE_DAC, 0)


def test_every_deny_counts_and_names_itself_only_where_it_matters() -> None:
    sd = parse_sddl("D:(D;;0x1;;;WD)(D;;0x2;;;WD)(A;;0x7;;;BU)")
    assert access_check(sd, TOKEN, 0x7) == Access(0x4, 0x3, Ace(s.DENY, 0, 0x1, EVERYONE))
    assert access_check(sd, TOKEN, 0x4) == Access(0x4, 0)
    assert access_check(sd, TOKEN, s.MAXIMUM_ALLOWED) == Access(0x4, 0)
