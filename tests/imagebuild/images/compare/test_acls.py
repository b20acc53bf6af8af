# SPDX-License-Identifier: Apache-2.0
"""Entries of ACLs that came and went."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.images.compare.acls import NOT_SAID, AclChange, acl_lines, same_acl
from imagebuild.windows.acl.sddl import parse_sddl
from imagebuild.windows.security import SecurityDescriptor

ACES = ("(A;;FA;;;SY)", "(A;;FR;;;BU)", "(D;;FW;;;WD)", "(A;OICI;FA;;;BA)")


def sd(text: str) -> bytes:
    return parse_sddl(text).to_bytes()


def test_the_order_of_parts_in_the_bytes_is_no_difference() -> None:
    one = parse_sddl("O:BAG:SYD:(A;;FA;;;SY)")
    other = replace(one, layout="sdog")
    assert one.to_bytes() != other.to_bytes() and same_acl(one.to_bytes(), other.to_bytes())
    assert not same_acl(one.to_bytes(), sd("O:BAG:SYD:(A;;FA;;;BA)"))


def test_an_owner_is_a_line_of_its_own() -> None:
    change = AclChange.between(sd("O:BAD:"), sd("O:SYD:"))
    assert (change.gone, change.came) == (("owner BUILTIN\\Administrators",), ("owner NT AUTHORITY\\SYSTEM",))
    change = AclChange.between(sd("O:BAG:SYD:P"), sd("O:SYG:SYD:AI"), sddl=True)
    assert (change.gone, change.came) == (("O:BA", "D:P"), ("O:SY", "D:AI"))


def test_rights_of_a_key_have_their_own_names() -> None:
    change = AclChange.between(sd("D:(A;CI;KR;;;BU)"), sd("D:AI(A;CI;KA;;;BU)"), kind="key")
    assert change.gone == ("allow BUILTIN\\Users: read, this key and subkeys",)
    assert change.came == ("allow BUILTIN\\Users: full control, this key and subkeys",
                           "marked as inherited from its key above")
    assert acl_lines(None, kind="key") == ["no security descriptor"] and acl_lines(None) == [NOT_SAID]


def test_another_order_of_the_same_entries_is_told() -> None:
    change = AclChange.between(sd("D:" + ACES[0] + ACES[2]), sd("D:" + ACES[2] + ACES[0]))
    assert change == AclChange((), (), reordered=True)
    assert AclChange.between(sd("D:"), sd("D:")) == AclChange((), ())


def test_an_entry_that_stands_twice_on_one_side_counts_twice() -> None:
    assert AclChange.between(sd("D:" + ACES[0] * 2), sd("D:" + ACES[0])).gone == ("allow NT AUTHORITY\\SYSTEM: full "
                                                                                  "control",)


def test_none_and_damage_are_told() -> None:
    assert acl_lines(None) == [NOT_SAID]
    assert acl_lines(b"abc") == ["damaged: 3 bytes that are no security descriptor"]
    assert same_acl(None, None) and same_acl(b"abc", b"abc")
    assert not same_acl(None, sd("D:")) and not same_acl(b"abc", b"abd")


@pytest.mark.parametrize(("one", "other"), [("D:AI", "D:"), ("D:AR", "D:"), ("D:NO_ACCESS_CONTROL", "D:"),
                                            ("D:P", "D:"), ("D:S:", "D:S:(AU;SA;FA;;;WD)")])
def test_two_descriptors_that_differ_never_look_alike(one: str, other: str) -> None:
    for sddl in (False, True):
        change = AclChange.between(sd(one), sd(other), sddl=sddl)
        assert change.gone or change.came, (one, other, sddl)


@settings(max_examples=50)
@given(st.lists(st.sampled_from(ACES), max_size=5), st.lists(st.sampled_from(ACES), max_size=5), st.booleans())
def test_what_went_and_came_turns_one_side_into_the_other(one: list[str], other: list[str], sddl: bool) -> None:
    left, right = sd("D:" + "".join(one)), sd("D:" + "".join(other))
    change = AclChange.between(left, right, sddl=sddl)
    kept = acl_lines(left, sddl=sddl)
    for line in change.gone:
        kept.remove(line)
    assert sorted([*kept, *change.came]) == sorted(acl_lines(right, sddl=sddl))
    assert change.reordered == (one != other and sorted(one) == sorted(other))
    assert SecurityDescriptor.from_bytes(left)
