# SPDX-License-Identifier: Apache-2.0
r"""Owners and access control lists of files in a box: ``icacls`` shows and changes them, accounts are told no."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import toolchain
from imagebuild.runtime.snapshots import security
from imagebuild.windows.acl.inherit import inherited
from imagebuild.windows.acl.sddl import format_sddl, parse_sddl
from imagebuild.windows.folders import ROOT_SDDL
from imagebuild.windows.security import SecurityDescriptor
from imagebuild.windows.sid import ADMINISTRATORS, WELL_KNOWN, service_sid

TREE = r"mkdir C:\data\sub & (echo x)>C:\data\f.txt & (echo x)>C:\data\sub\f.txt"


def kept(path: Path) -> SecurityDescriptor:
    """What is kept of a file below a box's upper folder."""
    return SecurityDescriptor.from_bytes(os.getxattr(path, security.NAME))


def below(parent: SecurityDescriptor, *, directory: bool, explicit: SecurityDescriptor | None = None) -> str:
    return format_sddl(inherited(parent, directory=directory, owner=ADMINISTRATORS, explicit=explicit))


def test_the_accounts_that_every_windows_has_are_those_of_the_library() -> None:
    text = (toolchain.SOURCES / "accounts.c").read_text()
    rows = re.findall(r'^    \{L"([^"]*)", L"([^"]*)", L"([^"]*)"\},$', text, re.MULTILINE)
    assert rows == [(str(known.sid), known.domain, known.name) for known in WELL_KNOWN
                    if known.domain != "Mandatory Label"]


def test_the_root_of_the_drive_is_that_of_the_table() -> None:
    text = (toolchain.SOURCES / "security.c").read_text()
    found = re.search(r"ROOT\[\] = \{(.*?)\};", text, re.DOTALL)
    assert found
    assert bytes(int(number, 16) for number in re.findall(r"0x\w+", found[1])) == parse_sddl(ROOT_SDDL).to_bytes()


@pytest.mark.slow
def test_a_list_is_shown_as_windows_shows_it(boxes: Boxes) -> None:
    done = boxes.run(rf"cmd /c {TREE} & icacls C:\data & icacls C:\data\f.txt & icacls C:\data\*.txt")
    assert done.code == 0
    shown = [r"C:\data\f.txt BUILTIN\Administrators:(I)(F)", r"              NT AUTHORITY\SYSTEM:(I)(F)",
             r"              BUILTIN\Users:(I)(RX)", "", "Successfully processed 1 files; Failed processing 0 files"]
    assert done.out.splitlines() == [
        r"C:\data BUILTIN\Administrators:(I)(OI)(CI)(F)", r"        NT AUTHORITY\SYSTEM:(I)(OI)(CI)(F)",
        r"        CREATOR OWNER:(I)(OI)(CI)(IO)(F)", r"        BUILTIN\Users:(I)(OI)(CI)(RX)",
        r"        BUILTIN\Users:(I)(CI)(AD)", r"        BUILTIN\Users:(I)(CI)(WD)", "",
        "Successfully processed 1 files; Failed processing 0 files", *shown, *shown]


@pytest.mark.slow
def test_what_is_granted_is_handed_down_to_all_below(boxes: Boxes) -> None:
    granted = r'"ContainerUser:(OI)(CI)M" "NT SERVICE\wcow:(OI)(CI)(RX,W)"'
    done = run(boxes.open(), rf"cmd /c {TREE} & icacls C:\data /grant {granted}")
    assert (done.code, done.out.splitlines()) == (0, [
        r"processed file: C:\data", "Successfully processed 1 files; Failed processing 0 files"])
    upper = boxes.root / "box" / "upper"
    data = kept(upper / "data")
    assert format_sddl(data) == below(parse_sddl(ROOT_SDDL), directory=True, explicit=parse_sddl(
        f"O:BAG:SYD:(A;OICI;0x1301bf;;;S-1-5-93-2-2)(A;OICI;0x1201bf;;;{service_sid('wcow')})"))
    assert format_sddl(kept(upper / "data/f.txt")) == below(data, directory=False)
    sub = kept(upper / "data/sub")
    assert format_sddl(sub) == below(data, directory=True)
    assert format_sddl(kept(upper / "data/sub/f.txt")) == below(sub, directory=False)


@pytest.mark.slow
@pytest.mark.parametrize(("words", "sddl"), [
    ("/inheritance:r /grant:r Administrators:F SYSTEM:(OI)(CI)F", "D:PAI(A;;FA;;;BA)(A;OICI;FA;;;SY)"),
    ("/grant Users:W /grant:r Users:(OI)(CI)RX", "D:AI(A;OICI;0x1200a9;;;BU)"),
    ("/grant Users:R Users:W", "D:AI(A;;0x12019f;;;BU)"),
    ("/grant Users:F /deny Users:W", "D:AI(D;;DCLCRPCR;;;BU)(A;;0x1f00e9;;;BU)"),
    ("/deny *S-1-1-0:F", "D:AI(D;;FA;;;WD)"),
    ("/grant Users:F Everyone:R /remove Users", "D:AI(A;;FR;;;WD)"),
    ("/grant Users:R /deny Users:W /remove:d Users", "D:AI(A;;FR;;;BU)"),
    ("/grant Users:R /deny Users:W /remove:g Users", "D:AI(D;;DCLCRPCR;;;BU)"),
    ("/grant Users:(WD,AD,DE)", "D:AI(A;;0x110006;;;BU)"),
    ("/inheritance:r /reset", "D:AI"),
    ("/setowner SYSTEM", "O:SYD:AI"),
])
def test_words_of_icacls_are_what_windows_makes_of_them(boxes: Boxes, words: str, sddl: str) -> None:
    quoted = " ".join(f'"{word}"' if "(" in word else word for word in words.split())
    done = run(boxes.open(), rf"cmd /c {TREE} & icacls C:\data {quoted}")
    assert (done.code, done.err) == (0, "")
    wanted = parse_sddl(sddl if sddl.startswith("O:") else f"O:BAG:SY{sddl}")
    found = kept(boxes.root / "box" / "upper" / "data")
    assert format_sddl(found) == below(parse_sddl(ROOT_SDDL), directory=True, explicit=wanted)


@pytest.mark.slow
def test_every_file_below_and_a_list_that_is_no_longer_inherited(boxes: Boxes) -> None:
    done = run(boxes.open(), rf"cmd /c {TREE} & attrib +r C:\data\f.txt & icacls C:\data /grant Users:M /T /C /Q"
                     r" & icacls C:\data\sub /inheritance:d & icacls C:\data /reset & icacls C:\data\sub")
    assert done.out.splitlines()[0] == r"processed file: C:\data\sub"  # the first was to be quiet
    upper = boxes.root / "box" / "upper" / "data"
    assert "(A;;0x1301bf;;;BU)" in format_sddl(kept(upper / "f.txt"))
    assert kept(upper / "sub").is_protected()
    assert not kept(upper).is_protected()
    assert not upper.joinpath("f.txt").stat().st_mode & 0o222


@pytest.mark.slow
@pytest.mark.parametrize(("line", "code", "says"), [
    (r"icacls C:\nosuch /grant Users:F", 2, r"C:\nosuch: The system cannot find the file specified."),
    (r"icacls C:\probe.exe /grant nosuch:F", 1332, "nosuch: No mapping between account names"),
    (r"icacls C:\probe.exe /grant Users:Q", 87, 'Invalid parameter "Users:Q"'),
    (r"icacls C:\probe.exe /grant", 87, 'Invalid parameter "/grant"'),
    (r"icacls C:\probe.exe /nonsense", 87, 'Invalid parameter "/nonsense"'),
    (r"icacls C:\probe.exe /save x", 50, "icacls: cannot run here: /save"),
])
def test_what_icacls_cannot_do_it_says(boxes: Boxes, line: str, code: int, says: str) -> None:
    done = boxes.run(line)
    assert done.code == code
    assert says in done.err


@pytest.mark.slow
def test_a_user_writes_where_windows_lets_it_and_is_denied_elsewhere(boxes: Boxes) -> None:
    box = boxes.open(user="ContainerUser")
    done = run(box, r"cmd /c (echo x)>C:\new.txt & (echo x)>C:\users\ContainerUser\mine.txt & mkdir C:\mine"
                    r" & (echo x)>C:\mine\f.txt & del C:\probe.exe & type C:\mine\f.txt & ren C:\mine\f.txt g.txt"
                    r" & copy C:\mine\g.txt C:\h.txt & mkdir C:\mine\in & type C:\users\ContainerUser\mine.txt")
    assert done.out.splitlines().count("x") == 2
    assert done.err.count("Access is denied.") >= 2
    upper = boxes.root / "box" / "upper"
    assert not upper.joinpath("new.txt").exists()
    assert not upper.joinpath("h.txt").exists()
    assert upper.joinpath("mine/in").is_dir()
    assert (boxes.layer / "probe.exe").exists() and not upper.joinpath("probe.exe").exists()


@pytest.mark.slow
def test_what_a_user_has_made_is_its_own(boxes: Boxes) -> None:
    """CREATOR OWNER has all rights below ``C:\\``, so a user may change and delete what it made."""
    box = boxes.open(user="ContainerUser")
    done = run(box, r"cmd /c mkdir C:\mine & (echo 1)>C:\mine\f.txt & (echo 2)>>C:\mine\f.txt & type C:\mine\f.txt"
                    r" & mkdir C:\mine\in & (echo 3)>C:\mine\in\g.txt & del C:\mine\in\g.txt & rmdir C:\mine\in"
                    r" & ren C:\mine\f.txt h.txt & move C:\mine\h.txt C:\mine\i.txt >nul & icacls C:\mine\i.txt")
    assert done.err == ""
    assert done.out.splitlines()[:2] == ["1", "2"]
    assert r"ContainerUser:(I)(F)" in done.out
    upper = boxes.root / "box" / "upper" / "mine"
    assert [one.name for one in upper.iterdir()] == ["i.txt"]
    with upper.joinpath("i.txt").open("rb") as file:
        owner = SecurityDescriptor.from_bytes(security.read_security(file.fileno())).owner
    assert str(owner) == "S-1-5-93-2-2"


@pytest.mark.slow
def test_what_is_granted_to_a_user_it_may_do(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
    made = run(box, r'cmd /c mkdir C:\open & mkdir C:\shut & icacls C:\open /grant "Users:(OI)(CI)M"'
                    r" & icacls C:\shut /inheritance:r /grant Administrators:F & (echo x)>C:\shut\f.txt", main=False)
    assert made.code == 0
    done = run(box, r"cmd /c (echo y)>C:\open\f.txt & type C:\open\f.txt & type C:\shut\f.txt", main=False,
               user="ContainerUser")
    assert done.out.splitlines() == ["y"]
    assert "Access is denied." in done.err
