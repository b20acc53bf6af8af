# SPDX-License-Identifier: Apache-2.0
r"""Programs of ours in the place of Wine's: links that are links, and nothing that says yes and does nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.sandboxes import Boxes, run, start

from imagebuild.layer import Kind
from imagebuild.runtime import links, messages

pytestmark = pytest.mark.slow


@pytest.fixture
def upper(boxes: Boxes) -> Path:
    """What a box wrote, after it made every sort of link in ``C:\\x``."""
    box = boxes.open()
    made = (r"mkdir C:\x\Sub & cd C:\x & (echo one)>Real.txt & (echo two)>Sub\in.txt & mklink file real.txt"
            r"& mklink /D folder sub & mklink /J junction C:\X\sub & mklink /H hard.txt Real.txt"
            r"& mklink up ..\probe.exe & mklink abs c:\x\real.txt & mklink away D:\y & mklink gone nothing\Here"
            r"& mklink /d self . & mklink /j root C:\ & type file folder\in.txt junction\in.txt abs")
    done = run(box, f"cmd /c {made}")
    assert done.code == 0
    assert done.out.splitlines()[:4] == [
        "symbolic link created for file <<===>> real.txt", "symbolic link created for folder <<===>> sub",
        r"Junction created for junction <<===>> C:\X\sub", "Hardlink created for hard.txt <<===>> Real.txt"]
    assert [line for line in done.out.splitlines() if line in ("one", "two")] == ["one", "two", "two", "one"]
    return boxes.root / "box" / "upper" / "x"



def test_links_are_what_commit_reads_as_reparse_points(upper: Path) -> None:
    # Not Path.readlink, which drops the slash at the end.
    texts = {path.name: os.readlink(path) for path in upper.iterdir() if path.is_symlink()}  # noqa: PTH115
    found = {name: links.from_linux(text, ("x",)) for name, text in texts.items()}
    assert found == {
        "file": links.Link(Kind.SYMLINK, "Real.txt"), "folder": links.Link(Kind.DIRECTORY_SYMLINK, "Sub"),
        "junction": links.Link(Kind.JUNCTION, r"C:\x\Sub"), "up": links.Link(Kind.SYMLINK, r"..\probe.exe"),
        "abs": links.Link(Kind.SYMLINK, r"C:\x\Real.txt"), "away": links.Link(Kind.SYMLINK, r"D:\y"),
        "gone": links.Link(Kind.SYMLINK, r"nothing\Here"), "self": links.Link(Kind.DIRECTORY_SYMLINK, r"..\x"),
        "root": links.Link(Kind.JUNCTION, "C:\\")}
    assert (upper / "hard.txt").stat().st_ino == (upper / "Real.txt").stat().st_ino


@pytest.mark.parametrize(("line", "says"), [
    (r"mklink C:\probe.exe x", "Cannot create a file when that file already exists."),
    ("mklink onlyone", "The syntax of the command is incorrect."),
    ("mklink /D /J a b", "The syntax of the command is incorrect."),
    ("timeout 5", "Input redirection is not supported"),
    ("timeout abc", "Invalid syntax"),
    ("net user me Password.1 /add", "net user: cannot run here: Wine keeps no accounts"),
    ("net localgroup Administrators me /add", "net localgroup: cannot run here"),
    ("dism /online /enable-feature /featurename:IIS", "dism: cannot run here: Wine has no features"),
    ("netsh advfirewall set allprofiles state off", "netsh: cannot run here"),
    ("schtasks /create /tn a /tr cmd /sc once /st 00:00", "schtasks: cannot run here"),
    ("setx onlyone", 'Type "SETX /?" for usage.'),
    ("setx A b c", "Default option is not allowed more than '2' time(s)."),
    ("setx /k HKLM\\x A", "takes NAME VALUE [/M] and nothing else"),
])
def test_what_cannot_be_done_says_so_and_fails(boxes: Boxes, line: str, says: str) -> None:
    done = boxes.run(f"cmd /c {line}")
    assert done.code == 1
    assert says in done.err


def test_a_box_without_a_network_cannot_ping(boxes: Boxes) -> None:
    done = boxes.run("ping -n 1 127.0.0.1")
    assert done.code == 1
    assert "General failure" in done.out
    assert "Packets: Sent = 1, Received = 0, Lost = 1 (100% loss)" in done.out


@pytest.mark.parametrize(("line", "says"), [
    ("ping -n 1 no-such-host.invalid", "Ping request could not find host no-such-host.invalid."),
    ("ping -n x 127.0.0.1", "Bad value for option -n"),
    ("ping -n", "Value must be supplied for option -n."),
    ("ping --help", "Bad option --help."),
])
def test_ping_fails_as_it_should(boxes: Boxes, line: str, says: str) -> None:
    done = boxes.run(line)
    assert done.code == 1
    assert says in done.out and "\r" not in done.out  # \r\n were made \n


def test_system_errors_are_told_in_windows_own_words(boxes: Boxes) -> None:
    if messages.find().name == "wine":
        pytest.skip("no package with Windows' texts is here; apt-get install samba-libs ends this skip")
    done = boxes.run(r"cmd /c mklink C:\no\such\link x & type C:\nosuch")
    assert done.code == 1
    assert "The system cannot find the path specified." in done.err
    assert "The system cannot find the file specified." in done.err


@pytest.mark.parametrize("program", ["wevtutil el", "secedit /configure", "lodctr /r", "unlodctr x", "pnputil /e",
                                     "sdbinst x", "mofcomp x", "net accounts", "net share", "cacls x", "robocopy a b"])
def test_no_program_that_does_nothing_says_that_it_went_well(boxes: Boxes, program: str) -> None:
    done = boxes.run(f"cmd /c {program}")
    assert done.code == 1
    assert "cannot run here" in done.err


def test_net_starts_and_stops_services_as_before(boxes: Boxes) -> None:
    done = boxes.run(r"net stop nosuch")
    assert done.code == 2
    assert "HELP, START, STOP or USE" in boxes.run("net").out


def test_setx_keeps_variables_of_the_machine_and_of_the_user(boxes: Boxes) -> None:
    box = boxes.open()
    line = (r'setx /M Mine "C:\a b;c" & setx LATER %%TEMP%%\x & setx PATH "C:\old;C:\tool" /m'
            r' & reg query "HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v Mine'
            r' & reg query "HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v PATH'
            r" & reg query HKCU\Environment /v LATER")
    start(box, "cmd /c ping -n 100 127.0.0.1 >nul")
    done = run(box, f"cmd /c {line}", main=False)
    assert done.out.count("SUCCESS: Specified value was saved.") == 3
    kept = [text.split(None, 2) for text in done.out.splitlines() if "REG_" in text]
    assert kept[0] == ["Mine", "REG_SZ", r"C:\a b;c"]
    assert kept[1][:2] == ["PATH", "REG_SZ"]
    assert kept[1][2].endswith(r";C:\tool")
    assert kept[2][:2] == ["LATER", "REG_EXPAND_SZ"]
    again = run(box, "cmd /c echo %Mine% & where cmd", main=False)
    assert again.out.splitlines()[0].strip() == r"C:\a b;c"


def test_setx_cuts_a_long_value_and_says_so(boxes: Boxes) -> None:
    done = boxes.run(f"cmd /c setx /M LONG {'x' * 1500} & reg query "
                     r'"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Environment" /v LONG')
    assert "WARNING: The data being saved is truncated to 1024 characters." in done.err
    assert done.out.split()[-1] == "x" * 1024


@pytest.mark.parametrize(("line", "code"), [
    (r"echo x> C:\nosuch\f", 1), (r"type < C:\nosuch", 1), (r"ipconfig > C:\nosuch\f", 1),
    (r"echo x> C:\nosuch\f & echo y", 0), (r"echo x> C:\f", 0), (r"echo x> C:\nosuch\f & cmd /c exit 5", 5),
])
def test_a_file_that_cannot_be_written_to_is_the_end_of_cmd(boxes: Boxes, line: str, code: int) -> None:
    assert boxes.run(f"cmd /c {line}").code == code
