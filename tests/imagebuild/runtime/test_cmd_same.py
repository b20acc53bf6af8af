# SPDX-License-Identifier: Apache-2.0
"""Our cmd without shell32 and user32 does what Wine's does with them: the same commands to both."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import programs
from support.sandboxes import Boxes

from imagebuild.runtime import install as wine_install
from imagebuild.runtime import toolchain
from imagebuild.runtime.wine.cmd_exe import without_mklink

pytestmark = pytest.mark.slow

WINDOW = """
#include <windows.h>
int WINAPI WinMain(HINSTANCE a, HINSTANCE b, LPSTR c, int d) { Sleep(1500); return 9; }
"""
"""A program for Windows and not for the console: cmd does not always wait for one."""

WORDS = (
    (r"Can't recognize '(\S+?)(?: [^'\n]*)?' as an internal or external command, or batch script\.",
     r"'\1' is not recognized as an internal or external command,\noperable program or batch file."),
    (r"Microsoft Windows (\d[\d.]*)", r"Microsoft Windows [Version \1]"),
    (r"(?m)^(Volume|Directory of) ", r" \1 "),
    ("Argument missing|Syntax error", "The syntax of the command is incorrect."),
    ("(?m)^ {7}1 file {20}", " " * 15 + "1 File(s) "), ("(?m)^ {8}(\\d+) directories", r"\1 Dir(s) "),
    ("Target to GOTO not found", "The system cannot find the batch label specified"),
    (r"(?m)^((?:The|Access|This|%1) .*\.)\n\n", r"\1\n"),
)
"""Where cmd's own words are those of Windows (``programs/cmdwords.c``): what Wine's says, and what Windows'."""


def as_windows(text: str) -> str:
    """What Wine's cmd said, in the words of Windows'."""
    for wines, windows in WORDS:
        text = re.sub(wines, windows, text)
    return text


@pytest.fixture
def two(boxes: Boxes, tmp_path: Path) -> Boxes:
    """Boxes with ``C:\\theirs.exe``, which is Wine's cmd, and ``C:\\window.exe``."""
    with programs.skipping():
        compiler = programs.find(toolchain.COMPILER)
    theirs = without_mklink((wine_install.find_wine().modules / "cmd.exe").read_bytes())
    assert theirs is not None
    (tmp_path / "theirs.exe").write_bytes(theirs)
    (tmp_path / "window.c").write_text(WINDOW)
    programs.run(compiler, "-mwindows", "-o", tmp_path / "window.exe", tmp_path / "window.c")
    for name in ("theirs.exe", "window.exe"):
        boxes.add_program(tmp_path / name, name)
    boxes.add_program(tmp_path / "window.exe", "a b.exe")
    (boxes.layer / "text.exe").write_text("no program")
    (boxes.layer / "short.exe").write_bytes(b"MZ".ljust(0x3C, b"\0") + b"\xff\xff\xff\x7f")
    (boxes.layer / "dos.exe").write_bytes(b"MZ".ljust(0x80, b"\0"))
    return boxes


@pytest.mark.parametrize(("line", "says"), [
    ("ver", "Windows"),
    ("echo %CD% %PROMPT% %PATHEXT% %COMSPEC%", "C:"),
    ("set /a 7*6", "42"),
    ("set", "ALLUSERSPROFILE="),
    (r"dir /q /a C:\windows\win.ini | findstr Administrators", "win.ini"),
    (r"dir /b C:\ & vol", "theirs.exe"),
    ("assoc .q=Quite & assoc .q & assoc .q= & assoc .q", ".q=Quite"),
    ("ftype Quite=a.exe & ftype Quite & ftype Quite= & ftype Quite", "Quite=a.exe"),
    (r"(echo x)>C:\a.q & assoc .q=Quite & ftype Quite=C:\probe.exe exit 6 & C:\a.q & call echo %^errorlevel%", "Quite"),
    ("nosuch & call echo %^errorlevel%", "9009"),
    (r"C:\probe.exe exit 77 & call echo %^errorlevel%", "77"),
    ("probe exit 77 & call echo %^errorlevel%", "77"),
    (r"C:\window.exe & call echo %^errorlevel%", "9"),
    (r"window & call echo %^errorlevel%", "9"),
    ('"C:\\a b.exe" & call echo %^errorlevel%', "9"),
    (r"(echo C:\window.exe& echo @call echo %^^errorlevel%)>C:\w.bat & C:\w.bat", ""),
    (r"(echo @C:\window.exe& echo @echo %%errorlevel%%)>C:\w.bat & cmd /k C:\w.bat", ""),
    (r"start /wait C:\window.exe & call echo %^errorlevel%", ""),
    (r"start C:\window.exe & call echo %^errorlevel%", ""),
    (r"C:\text.exe & call echo %^errorlevel%", ""),
    (r"C:\short.exe & call echo %^errorlevel%", ""),
    (r"C:\dos.exe & call echo %^errorlevel%", ""),
    (r"C:\windows & call echo %^errorlevel%", ""),
    (r"(echo @echo %1 ^& exit /b 3)>C:\a.bat & C:\a.bat x & call echo %^errorlevel%", "x"),
    (r"(echo x)>C:\a.nobody & C:\a.nobody & call echo %^errorlevel%", ""),
    (r"(echo x)>C:\a & copy C:\a C:\b & move C:\b C:\c & ren C:\c d & type C:\d & del C:\a C:\d & dir /b C:\a", "x"),
    (r"mkdir C:\q\r & rmdir /s /q C:\q & dir /b C:\q", ""),
    (r"for %i in (a b) do @echo %~fi & for /f %j in ('ver') do @echo %j", r"C:\a"),
    ("echo one | findstr o", "one"),
    ("date /t & path & title x & prompt $p & cls", "PATH="),
    (r"if exist C:\probe.exe (echo yes) else (echo no)", "yes"),
    ("echo grün €", "gr"),
    ("copy nosuch b & type nosuch & rename a & cd nosuch & attrib nosuch", ""),
    ("call nosuch & goto nowhere & exit /b 12", ""),
    (r"pushd C:\windows & cd & popd & cd", r"C:\windows"),
    ("help & echo /?", ""),
])
def test_both_say_the_same(two: Boxes, line: str, says: str) -> None:
    ours = two.run(f"cmd /c {line}", name="same")
    theirs = two.run(rf"C:\theirs.exe /c {line}", name="same")
    assert (ours.code, ours.out, ours.err) == (theirs.code, as_windows(theirs.out), as_windows(theirs.err))
    assert says in ours.out


@pytest.mark.parametrize(("program", "code"), [(r"C:\window.exe", 0), (r"C:\probe.exe exit 9", 9)])
def test_who_types_waits_for_a_program_of_the_console_and_for_no_other(two: Boxes, program: str, code: int) -> None:
    typed = f"@{program}\r\n@echo code %errorlevel%\r\nexit\r\n".encode()
    ours = two.run("cmd", name="same", stdin=typed)
    theirs = two.run(r"C:\theirs.exe", name="same", stdin=typed)
    assert f"code {code}\n" in ours.out
    assert (ours.code, ours.out) == (theirs.code, as_windows(theirs.out))
