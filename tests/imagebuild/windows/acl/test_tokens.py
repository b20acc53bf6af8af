# SPDX-License-Identifier: Apache-2.0
"""The letters of SDDL, for whoever does not say what they stand in."""

from __future__ import annotations

from imagebuild.windows.acl.tokens import flags_text, rights_text


def test_rights_are_those_of_files_and_keys_unless_it_is_a_label() -> None:
    assert (rights_text(0x1F01FF), rights_text(0x3)) == ("FA", "CCDC")
    assert (rights_text(0x3, label=True), rights_text(0x8, label=True)) == ("NWNR", "0x8")


def test_bit_0x40_is_success_unless_it_is_an_access_filter() -> None:
    assert (flags_text(0x43), flags_text(0x43, access_filter=True)) == ("OICISA", "OICITP")
