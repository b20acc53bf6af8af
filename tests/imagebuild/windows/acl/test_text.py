# SPDX-License-Identifier: Apache-2.0
"""ACLs as people say them."""

from __future__ import annotations

import pytest

from imagebuild.windows import security as s
from imagebuild.windows.acl.sddl import Kind, parse_sddl
from imagebuild.windows.acl.text import describe, describe_ace, describe_rights
from imagebuild.windows.folders import ROOT_SDDL
from imagebuild.windows.security import Ace
from imagebuild.windows.sid import EVERYONE


def _line(entry: str, kind: Kind = "file") -> str:
    return describe(parse_sddl(f"{'S' if entry[1:3] in ('AU', 'ML', 'SP') else 'D'}:{entry}"), kind=kind)[-1]


@pytest.mark.parametrize(("entry", "words"), [
    ("(A;OICI;0x1200a9;;;BU)", "allow BUILTIN\\Users: read & execute, this folder, subfolders and files"),
    ("(D;;FA;;;WD)", "deny Everyone: full control"),
    ("(A;CI;FR;;;SY)", "allow NT AUTHORITY\\SYSTEM: read, this folder and subfolders"),
    ("(A;OI;FW;;;SY)", "allow NT AUTHORITY\\SYSTEM: write, this folder and files"),
    ("(A;OICIIO;GA;;;CO)", "allow CREATOR OWNER: full control, subfolders and files only"),
    ("(A;CIIO;DC;;;BU)", "allow BUILTIN\\Users: create files/write data, subfolders only"),
    ("(A;OIIO;FR;;;BU)", "allow BUILTIN\\Users: read, files only"), ("(A;IO;FR;;;BU)",
    "allow BUILTIN\\Users: read, nothing"),
    ("(A;OICI;;;;BU)", "allow BUILTIN\\Users: nothing, this folder, subfolders and files"),
    ("(ML;;;;;HI)", "integrity Mandatory Label\\High Mandatory Level: nothing"),
    ("(A;OICINP;FR;;;BU)", "allow BUILTIN\\Users: read, this folder, subfolders and files, one level"),
    ("(A;ID;0x1301bf;;;AU)", "allow NT AUTHORITY\\Authenticated Users: modify (inherited)"),
    ("(AU;SAFA;FA;;;WD)", "audit success and failure Everyone: full control"),
    ("(AU;FA;SD;;;WD)", "audit failure Everyone: delete"), ("(AU;;SD;;;WD)", "audit nothing Everyone: delete"),
    ("(AU;SA;SD;;;WD)", "audit success Everyone: delete"),
    ("(ML;;NWNX;;;HI)", "integrity Mandatory Label\\High Mandatory Level: no write up, no execute up"),
    ("(ML;;NWNR;;;LW)", "integrity Mandatory Label\\Low Mandatory Level: no write up, no read up"),
    ("(ML;;0x8;;;HI)", "integrity Mandatory Label\\High Mandatory Level: 0x8"),
    ("(SP;;;;;S-1-17-1)", "(SP;;;;;S-1-17-1)"),
])
def test_an_entry_reads_as_a_sentence(entry: str, words: str) -> None:
    assert _line(entry) == words


@pytest.mark.parametrize(("mask", "words"), [
    (0x1F01FF, "full control"), (0x1301BF, "modify"), (0xE0010000, "modify"), (0x1201BF, "read, write & execute"),
    (0x1200A9, "read & execute"), (0xA0000000, "read & execute"), (0x12019F, "read & write"), (0x120089, "read"),
    (0x80000000, "read"), (0x120116, "write"), (0x40000000, "write"), (0x1200A0, "execute"), (0x20000000, "execute"),
    (0x10000000, "full control"), (0, "nothing"), (0x40, "delete subfolders and files"),
    (0x100026, "create files/write data, create folders/append data, traverse/execute, synchronize"),
    (0x200, "0x200"), (0x400001, "list folder/read data, 0x400000"),
    (0x3000000, "access auditing, maximum allowed"),
    (0xF0000, "delete, read permissions, change permissions, take ownership"),
    (0x118, "read extended attributes, write extended attributes, write attributes"), (0x80, "read attributes"),
])
def test_file_rights_have_the_names_explorer_gives_them(mask: int, words: str) -> None:
    assert describe_rights(mask) == words


@pytest.mark.parametrize(("mask", "words"), [
    (0xF003F, "full control"), (0x10000000, "full control"), (0x20019, "read"), (0xA0000000, "read"),
    (0x20006, "write"),
    (0x2001F, "read & write"), (0x80000000, "read"), (0x40000000, "write"),
    (0x3F, "query value, set value, create subkey, enumerate subkeys, notify, create link"), (0x120089, "query value, "
     "enumerate subkeys, read permissions, synchronize, 0x80"),
])
def test_key_rights_have_the_names_regedit_gives_them(mask: int, words: str) -> None:
    assert describe_rights(mask, kind="key") == words


def test_keys_have_subkeys_and_no_files() -> None:
    assert _line("(A;CI;KA;;;BA)", "key") == "allow BUILTIN\\Administrators: full control, this key and subkeys"
    assert _line("(A;OICIIO;KA;;;BA)", "key") == "allow BUILTIN\\Administrators: full control, subkeys only"
    assert _line("(A;OI;KA;;;BA)", "key") == "allow BUILTIN\\Administrators: full control"


def test_entries_without_words_are_shown_as_sddl() -> None:
    assert describe_ace(Ace(0x7E, 0, data=b"\1")) == "(0x7E;;0x01)"
    assert describe_ace(Ace(s.ALLOW_CALLBACK, 0, s.FILE_ALL, EVERYONE, data=b"x")) == "allow if Everyone: full control"


def test_a_whole_descriptor_reads_from_top_to_bottom() -> None:
    assert describe(parse_sddl(ROOT_SDDL)) == [
        "owner BUILTIN\\Administrators", "group NT AUTHORITY\\SYSTEM",
        "allow BUILTIN\\Administrators: full control, this folder, subfolders and files",
        "allow NT AUTHORITY\\SYSTEM: full control, this folder, subfolders and files",
        "allow CREATOR OWNER: full control, subfolders and files only",
        "allow BUILTIN\\Users: read & execute, this folder, subfolders and files",
        "allow BUILTIN\\Users: create folders/append data, this folder and subfolders",
        "allow BUILTIN\\Users: create files/write data, subfolders only",
        "allow Everyone: read & execute",
    ]


def test_lists_that_say_everything_or_nothing_are_named() -> None:
    assert describe(parse_sddl("D:P")) == ["inherits nothing", "empty: nobody may do anything"]
    assert describe(parse_sddl("D:NO_ACCESS_CONTROL")) == ["no access control: everyone may do everything"]
    assert describe(parse_sddl("O:BU")) == ["owner BUILTIN\\Users", "no access control: everyone may do everything"]
