# SPDX-License-Identifier: Apache-2.0
"""Who may open a pipe."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.machines import PIPE_SDDL

from imagebuild.doctor import pipes
from imagebuild.windows.sid import Sid

ME = Sid.parse("S-1-5-21-1-2-3-1001")
USERS = Sid.parse("S-1-5-21-1-2-3-1005")


@given(st.text(max_size=40) | st.text(alphabet="DOGS:()AP;FWRX-1235B", max_size=40))
def test_any_text_is_read_or_is_none(sddl: str) -> None:
    found = pipes.read(sddl)
    assert found is None or isinstance(found.admits({ME}), bool)


@given(st.lists(st.text(max_size=12) | st.just("S-1-5-18")))
def test_texts_that_are_no_sids_are_left_out(texts: list[str]) -> None:
    assert len(pipes.sids_of(texts)) <= len(set(texts))


@pytest.mark.parametrize(("sddl", "may", "everybody", "mine"), [
    (PIPE_SDDL, ("BUILTIN\\Administrators", "NT AUTHORITY\\SYSTEM"), False, False),
    (f"{PIPE_SDDL}(A;;GRGW;;;{USERS})", ("BUILTIN\\Administrators", "NT AUTHORITY\\SYSTEM", str(USERS)), False, True),
    (f"{PIPE_SDDL}(A;;GR;;;{USERS})", ("BUILTIN\\Administrators", "NT AUTHORITY\\SYSTEM"), False, False),
    (f"D:(D;;GA;;;{USERS})(A;;GA;;;{USERS})", (), False, False), ("D:(A;;GA;;;WD)", ("Everyone",), True, False),
    ("D:(A;;0x12019f;;;AU)", ("NT AUTHORITY\\Authenticated Users",), True, False), ("D:NO_ACCESS_CONTROL", ("everybody",
                                                                                                            ),
                                                                                    True, True),
    ("O:SY", ("everybody",), True, True), ("D:", (), False, False),
])
def test_a_descriptor_admits_some_and_not_others(sddl: str, may: tuple[str, ...], everybody: bool, mine: bool) -> None:
    found = pipes.read(sddl)
    assert found is not None
    assert (found.may, found.everybody, found.admits({ME, USERS})) == (may, everybody, mine)
