# SPDX-License-Identifier: Apache-2.0
"""What is new below a folder or key gets the entries that Windows would give it."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagebuild.windows import security as s
from imagebuild.windows.acl.access import FILE, KEY
from imagebuild.windows.acl.inherit import inherited
from imagebuild.windows.acl.sddl import format_sddl, parse_sddl
from imagebuild.windows.folders import ROOT_SDDL, SYSTEM_SDDL
from imagebuild.windows.security import Ace, Acl, SecurityDescriptor
from imagebuild.windows.sid import (
    ADMINISTRATORS,
    CREATOR_GROUP,
    CREATOR_OWNER,
    SYSTEM,
    TRUSTED_INSTALLER,
    USERS,
    Sid,
)

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[5] / "shared"))
TI = str(TRUSTED_INSTALLER)


def _below(parent: str, *, directory: bool, owner: Sid = ADMINISTRATORS, explicit: str | None = None,
           key: bool = False) -> str:
    sd = inherited(parse_sddl(parent), directory=directory, owner=owner, mapping=KEY if key else FILE,
                   explicit=None if explicit is None else parse_sddl(explicit))
    text = format_sddl(sd)
    assert format_sddl(SecurityDescriptor.from_bytes(sd.to_bytes())) == text
    return text[text.index("D:"):]


# What Windows stored, as public projects recorded it (folders) and real hives hold it (keys).
MADE_BY_WINDOWS = [
    # a folder below a freshly formatted drive, made by an administrator
    ("O:SYG:SYD:(A;;FA;;;BA)(A;OICIIO;GA;;;BA)(A;;FA;;;SY)(A;OICIIO;GA;;;SY)(A;;0x1301bf;;;AU)(A;OICIIO;SDGXGWGR;;;AU)"
     "(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)", ADMINISTRATORS, FILE,
     "D:AI(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)(A;ID;FA;;;SY)(A;OICIIOID;GA;;;SY)(A;ID;0x1301bf;;;AU)"
     "(A;OICIIOID;SDGXGWGR;;;AU)(A;ID;0x1200a9;;;BU)(A;OICIIOID;GXGR;;;BU)"),
    # C:\Windows\Temp of a machine that had it inherit from C:\Windows, owned by SYSTEM: CREATOR OWNER adds no entry
    (SYSTEM_SDDL, SYSTEM, FILE,
     f"D:AI(A;ID;FA;;;{TI})(A;CIIOID;GA;;;{TI})(A;ID;FA;;;SY)(A;OICIIOID;GA;;;SY)(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)"
     "(A;ID;0x1200a9;;;BU)(A;OICIIOID;GXGR;;;BU)(A;OICIIOID;GA;;;CO)(A;ID;0x1200a9;;;AC)(A;OICIIOID;GXGR;;;AC)"
     "(A;ID;0x1200a9;;;S-1-15-2-2)(A;OICIIOID;GXGR;;;S-1-15-2-2)"),
    # keys: what CREATOR OWNER would add is there already
    ("D:AI(A;CIID;KR;;;BU)(A;CIID;KA;;;BA)(A;CIID;KA;;;SY)(A;CIIOID;KA;;;CO)(A;CIID;KR;;;AC)", SYSTEM, KEY,
     "D:AI(A;CIID;KR;;;BU)(A;CIID;KA;;;BA)(A;CIID;KA;;;SY)(A;CIIOID;KA;;;CO)(A;CIID;KR;;;AC)"),
    ("D:PAI(A;;KR;;;BU)(A;CIIO;GR;;;BU)(A;;KR;;;BA)(A;CIIO;GR;;;BA)(A;;KA;;;SY)(A;CIIO;GA;;;SY)(A;CIIO;GR;;;CO)",
     SYSTEM, KEY,
     "D:AI(A;ID;KR;;;BU)(A;CIIOID;GR;;;BU)(A;ID;KR;;;BA)(A;CIIOID;GR;;;BA)(A;ID;KA;;;SY)(A;CIIOID;GA;;;SY)"
     "(A;CIIOID;GR;;;CO)"),
    # keys: an entry whose effect is there already goes on as inherit-only
    ("D:AI(A;;KA;;;SY)(A;CIIO;GA;;;SY)(A;;KA;;;BA)(A;CIIO;GA;;;BA)(A;OICIIO;GXGR;;;AU)(A;CIID;KR;;;BU)(A;CIID;KA;;;BA)"
     "(A;CIID;KA;;;SY)(A;CIIOID;KA;;;CO)", SYSTEM, KEY,
     "D:AI(A;ID;KA;;;SY)(A;CIIOID;GA;;;SY)(A;ID;KA;;;BA)(A;CIIOID;GA;;;BA)(A;ID;CCSWRPWPRC;;;AU)(A;OICIIOID;GXGR;;;AU)"
     "(A;CIID;KR;;;BU)(A;CIIOID;KA;;;BA)(A;CIIOID;KA;;;SY)(A;CIIOID;KA;;;CO)"),
    # keys: rights that keys do not have are masked from the effective entry, and split it
    ("D:PAI(A;;KA;;;SY)(A;OICIIO;FA;;;SY)", ADMINISTRATORS, KEY, "D:AI(A;ID;KA;;;SY)(A;OICIIOID;FA;;;SY)"),
    ("D:AI(A;CIIO;0x111fffff;;;BA)(A;CIIO;GA;;;BA)", SYSTEM, KEY, "D:AI(A;ID;KA;;;BA)(A;CIIOID;0x111fffff;;;BA)"),
    ("D:PAI(A;OICI;CCDCLCSWRPWPSDRC;;;CY)(A;OICIIO;SDGXGWGR;;;CY)(A;OICIIO;RC;;;OW)", SYSTEM, KEY,
     "D:AI(A;OICIID;CCDCLCSWRPWPSDRC;;;CY)(A;OICIIOID;SDGXGWGR;;;CY)(A;OICIID;RC;;;OW)"),
]


@pytest.mark.parametrize(("parent", "owner", "mapping", "child"), MADE_BY_WINDOWS)
def test_folders_and_keys_inherit_as_windows_was_seen_to_do_it(parent: str, owner: Sid, mapping: object,
                                                               child: str) -> None:
    assert _below(parent, directory=True, owner=owner, key=mapping is KEY) == child


def test_below_the_root_of_a_container_folders_and_files_get_what_its_acl_hands_on() -> None:
    assert _below(ROOT_SDDL, directory=True, owner=SYSTEM) == (
        "D:AI(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICIIOID;GA;;;CO)(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)"
        "(A;CIID;DC;;;BU)")
    assert _below(ROOT_SDDL, directory=False, owner=SYSTEM) == "D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)"
    container_user = Sid(5, (93, 2, 2))
    assert _below(ROOT_SDDL, directory=False, owner=container_user) == (
        "D:AI(A;ID;FA;;;BA)(A;ID;FA;;;SY)(A;ID;FA;;;S-1-5-93-2-2)(A;ID;0x1200a9;;;BU)")
    assert "(A;ID;FA;;;S-1-5-93-2-2)(A;OICIIOID;GA;;;CO)" in _below(ROOT_SDDL, directory=True, owner=container_user)


FLAGS = [  # flags on the parent; flags on a folder below, on a file below (None: no entry)
    ("", None, None), ("OI", "OIIOID", "ID"), ("CI", "CIID", None), ("OICI", "OICIID", "ID"),
    ("IO", None, None), ("OIIO", "OIIOID", "ID"), ("CIIO", "CIID", None), ("OICIIO", "OICIID", "ID"),
    ("NP", None, None), ("OINP", None, "ID"), ("CINP", "ID", None), ("OICINP", "ID", "ID"),
    ("OINPIO", None, "ID"), ("CINPIO", "ID", None), ("OICINPIO", "ID", "ID"), ("ID", None, None),
    ("OICIID", "OICIID", "ID"), ("NPIOID", None, None),
]


@pytest.mark.parametrize(("parent", "folder", "file"), FLAGS)
def test_every_combination_of_flags_hands_on_what_it_should(parent: str, folder: str | None, file: str | None) -> None:
    for directory, flags in ((True, folder), (False, file)):
        expected = f"D:AI(A;{flags};FR;;;BU)" if flags is not None else "D:(A;;FA;;;BA)(A;;FA;;;SY)"
        assert _below(f"D:(A;{parent};FR;;;BU)", directory=directory) == expected


@pytest.mark.parametrize("kind", ["A", "D"])
def test_generic_rights_take_effect_mapped_and_go_on_unmapped(kind: str) -> None:
    for generic, mapped in (("GA", "FA"), ("GR", "FR"), ("GW", "FW"), ("GX", "FX"), ("SDGXGWGR", "0x1301bf")):
        parent = f"D:({kind};OICI;{generic};;;BU)"
        assert _below(parent, directory=True) == f"D:AI({kind};ID;{mapped};;;BU)({kind};OICIIOID;{generic};;;BU)"
        assert _below(parent, directory=False) == f"D:AI({kind};ID;{mapped};;;BU)"
        assert _below(parent.replace("OICI", "OICINP"), directory=True) == f"D:AI({kind};ID;{mapped};;;BU)"


def test_creators_are_replaced_by_owner_and_group_and_go_on_as_themselves() -> None:
    parent = parse_sddl("D:(A;OICI;FR;;;CO)(A;OICIIO;GW;;;CG)(A;OICI;FR;;;OW)")
    sd = inherited(parent, directory=True, owner=USERS, group=TRUSTED_INSTALLER)
    assert format_sddl(sd) == (
        f"O:BUG:{TI}D:AI(A;ID;FR;;;BU)(A;OICIIOID;FR;;;CO)(A;ID;FW;;;{TI})(A;OICIIOID;GW;;;CG)(A;OICIID;FR;;;OW)")
    file = inherited(parent, directory=False, owner=USERS, group=TRUSTED_INSTALLER)
    assert format_sddl(file) == f"O:BUG:{TI}D:AI(A;ID;FR;;;BU)(A;ID;FW;;;{TI})(A;ID;FR;;;OW)"


def test_what_is_already_said_is_not_repeated_but_more_is_kept() -> None:
    assert _below("D:(A;OICI;FA;;;BU)(A;OICI;FR;;;BU)", directory=True) == "D:AI(A;OICIID;FA;;;BU)"
    assert _below("D:(A;OICI;FR;;;BU)(A;OICI;FA;;;BU)", directory=True) == "D:AI(A;OICIID;FR;;;BU)(A;OICIID;FA;;;BU)"
    assert _below("D:(A;CI;FR;;;BU)(A;OICI;FR;;;BU)", directory=True) == "D:AI(A;CIID;FR;;;BU)(A;OIIOID;FR;;;BU)"
    assert _below("D:(A;OICI;FR;;;BU)(D;OICI;FR;;;BU)", directory=True) == "D:AI(A;OICIID;FR;;;BU)(D;OICIID;FR;;;BU)"
    assert _below("D:(A;OICI;FR;;;BU)(A;OICI;FR;;;BA)", directory=True) == "D:AI(A;OICIID;FR;;;BU)(A;OICIID;FR;;;BA)"
    labels = inherited(parse_sddl("S:(ML;OI;NWNR;;;ME)(ML;OI;NW;;;ME)(ML;OI;NW;;;ME)"), directory=False, owner=SYSTEM)
    assert format_sddl(labels).endswith("S:AI(ML;ID;NWNR;;;ME)(ML;ID;NW;;;ME)")
    audit = inherited(parse_sddl("S:(AU;OISA;FR;;;WD)(AU;OIFA;FR;;;WD)"), directory=False, owner=SYSTEM)
    assert format_sddl(audit).endswith("S:AI(AU;IDSA;FR;;;WD)(AU;IDFA;FR;;;WD)")


@pytest.mark.parametrize("parent", ["", "D:", "D:NO_ACCESS_CONTROL", "D:(A;;FA;;;WD)", "O:BAS:(AU;OICISA;FA;;;WD)"])
def test_a_parent_that_hands_on_nothing_leaves_owner_and_system_in_control(parent: str) -> None:
    assert _below(parent, directory=False).startswith("D:(A;;FA;;;BA)(A;;FA;;;SY)")
    assert _below(parent, directory=False, owner=SYSTEM).startswith("D:(A;;FA;;;SY)")
    assert _below(parent, directory=True, key=True).startswith("D:(A;;KA;;;BA)(A;;KA;;;SY)")


def test_only_a_list_that_came_from_the_parent_is_marked_so() -> None:
    none = inherited(parse_sddl("D:AI"), directory=True, owner=SYSTEM)
    assert none.control == s.SELF_RELATIVE | s.DACL_PRESENT
    some = inherited(parse_sddl("D:(A;OI;FR;;;BU)"), directory=True, owner=SYSTEM)
    assert some.control == s.SELF_RELATIVE | s.DACL_PRESENT | s.DACL_AUTO_INHERITED
    own = inherited(parse_sddl("D:"), directory=True, owner=SYSTEM, explicit=parse_sddl("D:PAR"))
    assert own.control == s.SELF_RELATIVE | s.DACL_PRESENT | s.DACL_AUTO_INHERITED | s.DACL_PROTECTED


def test_an_entry_that_grants_nothing_here_is_only_handed_on() -> None:
    parent = "D:(A;OICI;0x2000000;;;BU)"
    assert _below(parent, directory=True) == "D:AI(A;OICIIOID;0x2000000;;;BU)"
    assert _below("D:", directory=True, explicit="D:P(A;OICI;0x2000000;;;BU)(A;;0x2000000;;;BA)") == \
        "D:PAI(A;OICIIO;0x2000000;;;BU)"


@pytest.mark.parametrize("kind", [s.MANDATORY_LABEL, s.RESOURCE_ATTRIBUTE, s.SCOPED_POLICY_ID, s.PROCESS_TRUST_LABEL])
def test_what_is_no_right_is_not_mapped(kind: int) -> None:
    entry = Ace(kind, s.OBJECT_INHERIT | s.CONTAINER_INHERIT, s.GENERIC_READ | 0x400, USERS)
    child = inherited(SecurityDescriptor(sacl=Acl((entry,))), directory=True, owner=SYSTEM)
    assert child.sacl == Acl((Ace(kind, entry.flags | s.INHERITED, entry.mask, USERS),))


def test_explicit_entries_come_before_inherited_ones_unless_they_are_protected() -> None:
    parent = "D:(A;OICI;FA;;;SY)"
    assert _below(parent, directory=False, explicit="D:(A;;FR;;;BU)") == "D:AI(A;;FR;;;BU)(A;ID;FA;;;SY)"
    assert _below(parent, directory=False, explicit="D:P(A;;FR;;;BU)") == "D:PAI(A;;FR;;;BU)"
    assert _below(parent, directory=False, explicit="D:") == "D:AI(A;ID;FA;;;SY)"
    assert _below(parent, directory=False, explicit="D:P") == "D:PAI"
    assert _below(parent, directory=False, explicit="D:NO_ACCESS_CONTROL") == "D:AINO_ACCESS_CONTROL"
    assert _below(parent, directory=False, explicit="O:BU") == "D:AI(A;ID;FA;;;SY)"


def test_explicit_generic_rights_are_stored_as_windows_was_seen_to_store_them() -> None:
    """O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;GRGX;;;BU), given to CreateDirectory, came back like this."""
    stored = _below("", directory=True, explicit="D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;GRGX;;;BU)")
    assert stored == "D:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;;0x1200a9;;;BU)(A;OICIIO;GXGR;;;BU)"


def test_on_a_file_explicit_entries_lose_what_is_for_folders() -> None:
    assert _below("", directory=False, explicit="D:P(A;OICINP;GR;;;BU)(A;OICIIO;GA;;;CO)") == "D:PAI(A;;FR;;;BU)"


def test_a_changed_parent_is_propagated_by_passing_the_old_descriptor() -> None:
    old = "O:BUD:AI(A;;FR;;;WD)(A;OICIID;FA;;;BA)"
    sd = inherited(parse_sddl("D:(A;OICI;FA;;;SY)"), directory=True, owner=SYSTEM, explicit=parse_sddl(old))
    assert format_sddl(sd) == "O:BUG:SYD:AI(A;;FR;;;WD)(A;OICIID;FA;;;SY)"


def test_owner_and_group_come_from_explicit_then_the_caller_then_system() -> None:
    parent = parse_sddl("O:BAG:BAD:")
    assert inherited(parent, directory=True, owner=USERS).group == SYSTEM
    given_group = inherited(parent, directory=True, owner=USERS, group=USERS, explicit=parse_sddl("D:"))
    assert (given_group.owner, given_group.group) == (USERS, USERS)
    both = inherited(parent, directory=True, owner=USERS, group=USERS, explicit=parse_sddl("O:BAG:BAD:"))
    assert (both.owner, both.group) == (ADMINISTRATORS, ADMINISTRATORS)


def test_audit_lists_and_labels_inherit_by_their_flags_too() -> None:
    parent = parse_sddl("D:S:(AU;OICISAFA;GA;;;WD)(ML;OINPIO;NW;;;HI)(ML;CI;NWNRNX;;;ME)(SP;OI;;;;S-1-17-1)")
    file = inherited(parent, directory=False, owner=SYSTEM)
    assert format_sddl(file).endswith("S:AI(AU;IDSAFA;FA;;;WD)(ML;ID;NW;;;HI)(SP;ID;;;;S-1-17-1)")
    folder = inherited(parent, directory=True, owner=SYSTEM)
    assert format_sddl(folder).endswith(
        "S:AI(AU;IDSAFA;FA;;;WD)(AU;OICIIOIDSAFA;GA;;;WD)(ML;CIID;NWNRNX;;;ME)(SP;OIIOID;;;;S-1-17-1)")
    without = inherited(parse_sddl("D:(A;OI;FR;;;BU)"), directory=False, owner=SYSTEM)
    assert without.control == s.SELF_RELATIVE | s.DACL_PRESENT | s.DACL_AUTO_INHERITED
    explicit = inherited(parent, directory=False, owner=SYSTEM, explicit=parse_sddl("S:P(AU;SA;GR;;;BU)"))
    assert format_sddl(explicit).endswith("S:PAI(AU;SA;FR;;;BU)")
    merged = inherited(parent, directory=False, owner=SYSTEM, explicit=parse_sddl("S:(AU;SA;GR;;;BU)"))
    assert format_sddl(merged).endswith("S:AI(AU;SA;FR;;;BU)(AU;IDSAFA;FA;;;WD)(ML;ID;NW;;;HI)(SP;ID;;;;S-1-17-1)")


def test_entries_of_unknown_and_conditional_types_inherit_by_their_flags() -> None:
    unknown = Ace(0x7E, s.OBJECT_INHERIT | s.CONTAINER_INHERIT, data=b"\xff" * 8)
    conditional = Ace(s.ALLOW_CALLBACK, s.OBJECT_INHERIT, s.GENERIC_READ, USERS, data=b"artx\0\0\0\0")
    parent = SecurityDescriptor(dacl=Acl((unknown, conditional)))
    file = inherited(parent, directory=False, owner=SYSTEM).dacl
    assert file == Acl((Ace(0x7E, s.INHERITED, data=b"\xff" * 8),
                        Ace(s.ALLOW_CALLBACK, s.INHERITED, s.FILE_READ, USERS, data=b"artx\0\0\0\0")))
    folder = inherited(parent, directory=True, owner=SYSTEM).dacl
    assert folder == Acl((Ace(0x7E, 0x13, data=b"\xff" * 8),
                          Ace(s.ALLOW_CALLBACK, 0x19, s.GENERIC_READ, USERS, data=b"artx\0\0\0\0")))


def test_entries_for_a_class_of_objects_pass_files_by_and_are_handed_on() -> None:
    guid = bytes(range(16))
    parent = SecurityDescriptor(dacl=Acl((Ace(s.ALLOW_OBJECT, 3, 1, USERS, None, guid), Ace(5, 3, 1, USERS, guid)), 4))
    folder = inherited(parent, directory=True, owner=SYSTEM).dacl
    assert folder == Acl((Ace(5, 0x1B, 1, USERS, None, guid), Ace(5, 0x13, 1, USERS, guid)), 4)
    assert inherited(parent, directory=False, owner=SYSTEM).dacl == Acl((Ace(5, 0x10, 1, USERS, guid),), 4)


ACES = st.builds(Ace, st.sampled_from([0, 1, 2, 9, 0x11, 0x7E]), st.integers(0, 255), st.integers(0, 2**32 - 1),
                 st.sampled_from([SYSTEM, USERS, CREATOR_OWNER, CREATOR_GROUP])).map(
    lambda ace: ace if ace.type != 0x7E else Ace(0x7E, ace.flags, data=b"1234"))


@given(st.lists(ACES, max_size=6), st.booleans())
def test_whatever_the_parent_the_child_is_sound(aces: list[Ace], directory: bool) -> None:
    parent = SecurityDescriptor(dacl=Acl(tuple(aces)))
    child = inherited(parent, directory=directory, owner=ADMINISTRATORS)
    assert child.dacl is not None
    for ace in child.dacl.aces:
        assert directory or not ace.flags & 0xF
        assert not ace.flags & s.INHERIT_ONLY or ace.flags & 3
        if ace.sid is not None and ace.type not in (0x11,) and not ace.flags & s.INHERIT_ONLY:
            assert not ace.mask & ~s.FILE_ALL
            assert ace.sid not in (CREATOR_OWNER, CREATOR_GROUP)
    if directory:  # settled: another folder below inherits the same, but for what only went one level
        lower = inherited(child, directory=True, owner=ADMINISTRATORS)
        assert inherited(lower, directory=True, owner=ADMINISTRATORS).dacl == lower.dacl or not aces


def _keys(data: bytes) -> Iterator[tuple[SecurityDescriptor, SecurityDescriptor]]:
    """Parent and child descriptors of every key of a hive, read with a few lines of our own."""
    def cell(at: int) -> bytes:
        (size,) = struct.unpack_from("<i", data, 0x1000 + at)
        return data[0x1004 + at:0x1000 + at - size]

    def children(at: int) -> list[int]:
        body = cell(at)
        count, width = struct.unpack_from("<H", body, 2)[0], {b"lf": 8, b"lh": 8, b"li": 4, b"ri": 4}[body[:2]]
        found = [struct.unpack_from("<I", body, 4 + width * i)[0] for i in range(count)]
        return found if body[:2] != b"ri" else [key for leaf in found for key in children(leaf)]

    cache: dict[int, SecurityDescriptor] = {}

    def security(node: bytes) -> SecurityDescriptor:
        (at,) = struct.unpack_from("<I", node, 44)
        if at not in cache:
            cache[at] = SecurityDescriptor.from_bytes(cell(at)[20:])
        return cache[at]

    todo = [struct.unpack_from("<I", data, 0x24)[0]]
    while todo:
        node = cell(todo.pop())
        if struct.unpack_from("<I", node, 20)[0]:
            for key in children(struct.unpack_from("<I", node, 28)[0]):
                yield security(node), security(cell(key))
                todo.append(key)


@pytest.mark.slow
def test_nearly_every_key_of_a_real_hive_has_the_entries_we_compute() -> None:
    path = SHARED / "hives" / "real" / "SYSTEM_WIN_10_1709"
    if not path.is_file():
        pytest.skip(f"no real hive at {path}")
    same = other = 0
    for parent, child in _keys(path.read_bytes()):
        stored = [ace for ace in child.dacl.aces if ace.flags & s.INHERITED] if child.dacl else []
        if stored and child.owner:
            computed = inherited(parent, directory=True, owner=child.owner, group=child.group, mapping=KEY).dacl
            hit = computed is not None and list(computed.aces) == stored
            same, other = same + hit, other + (not hit)
    assert same > 1000
    assert other <= same // 200
