# SPDX-License-Identifier: Apache-2.0
"""cmd says what Windows' cmd says, as far as its words are known."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from support import sandboxes
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import Box, WineSandbox

pytestmark = pytest.mark.slow
NOT_FOUND = "'{}' is not recognized as an internal or external command,\noperable program or batch file.\n"


@pytest.fixture(scope="module")
def box(sandbox: WineSandbox) -> Iterator[Box]:
    """A box that runs."""
    with sandboxes.folder() as root:
        boxes = Boxes(sandbox, root)
        opened = boxes.open()
        start(opened, "ping -n 3600 127.0.0.1")
        yield opened
        boxes.close()


@pytest.mark.parametrize(("line", "says"), [
    ("nosuch", NOT_FOUND.format("nosuch")), ("nosuch a b", NOT_FOUND.format("nosuch")),
    ("nosuch\ta", NOT_FOUND.format("nosuch")), ('cd & "no such" a', NOT_FOUND.format('"no such"')),
    (r"C:\nosuch\a.exe /b", NOT_FOUND.format(r"C:\nosuch\a.exe")), ("grün", NOT_FOUND.format("grn")),
    ("ren a", "The syntax of the command is incorrect.\n"),
    ("call :x", "Invalid attempt to call batch label outside of batch script.\n"),
    ("set /a 1+", "Missing operand.\n"),
    ("set /a 08", "Invalid number.  Numeric constants are either decimal (17),\nhexadecimal (0x11), or octal (021).\n"),
    ("if a", "a was unexpected at this time.\n"),
    ("(echo goto nowhere)>C:\\g.bat & C:\\g.bat", "The system cannot find the batch label specified\n")])
def test_errors_read_as_on_windows(box: Box, line: str, says: str) -> None:
    done = run(box, f"cmd /c {line}", main=False)
    assert re.sub("[^\x00-\x7e]", "", done.err) == says


def test_a_listing_reads_as_on_windows(box: Box) -> None:
    run(box, r"cmd /c mkdir C:\list\sub & (echo 1234567)>C:\list\a.txt & (echo x)>C:\list\b.txt", main=False)
    out = run(box, r"cmd /c dir C:\list", main=False).out
    head, _, rest = out.partition("\n\n")
    assert re.fullmatch(" Volume in drive C has no label.\n Volume Serial Number is [0-9A-F]{4}-[0-9A-F]{4}", head)
    assert rest.startswith(" Directory of C:\\list\n\n")
    assert re.search(r"\n\d\d/\d\d/\d{4}  \d\d:\d\d [AP]M {17}9 a\.txt\n", rest)
    assert re.search("\n               2 File\\(s\\)             12 bytes\n"
                     "               3 Dir\\(s\\)  [ 0-9,]{14} bytes free\n$", rest)
    one = run(box, r"cmd /c dir C:\list\a.txt", main=False).out
    assert "               1 File(s)              9 bytes\n               0 Dir(s)  " in one
    deep = run(box, r"cmd /c dir /s C:\list", main=False).out
    assert "\n     Total Files Listed:\n               2 File(s)             12 bytes\n" in deep


@pytest.mark.parametrize(("asked", "folder"), [(r"C:\nosuch", "C:\\"), (r"C:\list2\*.nosuch", r"C:\list2")])
def test_a_listing_of_nothing_says_so_on_standard_error(box: Box, asked: str, folder: str) -> None:
    run(box, r"cmd /c mkdir C:\list2", main=False)
    done = run(box, f"cmd /c dir {asked}", main=False)
    assert (done.err, done.code) == ("File Not Found\n", 1)
    assert done.out.endswith(f"\n Directory of {folder}\n\n")
    later = run(box, r"cmd /c dir C:\list2 >nul & type C:\nosuch", main=False)
    assert later.err.startswith("The system cannot find the file specified.\n")


def test_other_words_are_windows_too(box: Box) -> None:
    assert re.fullmatch(r"\nMicrosoft Windows \[Version 10\.0\.\d+\]\n", run(box, "cmd /c ver", main=False).out)
    assert run(box, "cmd /c pause <nul", main=False).out == "Press any key to continue . . . "
    assert run(box, "cmd /c type nosuch", main=False).err.startswith("The system cannot find the file specified.\nF")
