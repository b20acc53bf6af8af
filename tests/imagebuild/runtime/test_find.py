# SPDX-License-Identifier: Apache-2.0
r"""``find.exe``: what Windows' own says of these files, by its documentation and by what scripts count on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import sandboxes
from support.sandboxes import Boxes, Done, run, start

from imagebuild.runtime import Box, WineSandbox

pytestmark = pytest.mark.slow

FILES = {"a.txt": b"one\r\nTwo\r\nthree one\r\n", "b.log": b"two\nlast one", "empty.txt": b"",
         "quo ted.txt": b'say "one"\r\n', "wide.txt": "\ufeffzero\r\neins one\r\n".encode("utf-16-le"),
         "uml.txt": "B\u00c4R\r\nb\u00e4r\r\n".encode("cp437"),
         "long.txt": b"x" * 300_000 + b"needle\r\n" + b"y" * 70_000 + b"\r\nneedle"}


@pytest.fixture(scope="module")
def box(sandbox: WineSandbox) -> Iterator[Box]:
    """A box that runs, with the files in ``C:\\f``."""
    with sandboxes.folder() as root:
        boxes = Boxes(sandbox, root)
        (boxes.layer / "f" / "sub").mkdir(parents=True)
        for name, data in FILES.items():
            (boxes.layer / "f" / name).write_bytes(data)
        made = boxes.open()
        start(made, "ping -n 3600 127.0.0.1")
        yield made
        boxes.close()


def find(box: Box, arguments: str, stdin: bytes = b"") -> Done:
    return run(box, f"find {arguments}", stdin=stdin, main=False, cwd="C:\\f")


@pytest.mark.parametrize(("arguments", "says", "code"), [
    ('"one" a.txt', ["", "---------- A.TXT", "one", "three one"], 0),
    ('/n "one" a.txt', ["", "---------- A.TXT", "[1]one", "[3]three one"], 0),
    ('/v "one" a.txt', ["", "---------- A.TXT", "Two"], 0),
    ('/i "TWO" a.txt', ["", "---------- A.TXT", "Two"], 0),
    ('/c "one" a.txt', ["", "---------- A.TXT: 2"], 0),
    ('/c /n /v "one" a.txt', ["", "---------- A.TXT: 1"], 0),
    ('/v/c "one" a.txt', ["", "---------- A.TXT: 1"], 0),
    ('"one" /N a.txt /I', ["", "---------- A.TXT", "[1]one", "[3]three one"], 0),
    ('/offline "Two" a.txt', ["", "---------- A.TXT", "Two"], 0),
    ('/off "Two" a.txt', ["", "---------- A.TXT", "Two"], 0),
    ('"nothing" a.txt', ["", "---------- A.TXT"], 1),
    ('/c "nothing" a.txt', ["", "---------- A.TXT: 0"], 1),
    ('"" a.txt', ["", "---------- A.TXT"], 1),
    ('/c /v "" a.txt', ["", "---------- A.TXT: 3"], 0),
    ('/c /v "" empty.txt', ["", "---------- EMPTY.TXT: 0"], 1),
    ('"one" a.txt b.log', ["", "---------- A.TXT", "one", "three one", "", "---------- B.LOG", "last one"], 0),
    (r'/c "one" C:\f\a.txt .\b.log', ["", r"---------- C:\F\A.TXT: 2", "", r"---------- .\B.LOG: 1"], 0),
    (r'/c "two" C:\f\?.*', ["", r"---------- C:\F\A.TXT: 0", "", r"---------- C:\F\B.LOG: 1"], 0),
    ('"""one""" "quo ted.txt"', ["", "---------- QUO TED.TXT", 'say "one"'], 0),
    ('/n "one" wide.txt', ["", "---------- WIDE.TXT", "[2]eins one"], 0),
])
def test_lines_of_files(box: Box, arguments: str, says: list[str], code: int) -> None:
    done = find(box, arguments)
    assert (done.out.splitlines(), done.err, done.code) == (says, "", code)


@pytest.mark.parametrize(("arguments", "stdin", "says", "code"), [
    ('"b"', b"abc\r\nx\r\nb", "abc\nb\n", 0),
    ('/v "b"', b"abc\nx\n", "x\n", 0),
    ('/c "b"', b"abc\nx\nb\n", "2\n", 0),
    ('/n "b"', b"x\r\n\r\nb\r\n", "[3]b\n", 0),
    ('/c /v ""', b"1\n2\n\n", "3\n", 0),
    ('/c "b"', b"", "0\n", 1),
    ('"B"', b"b\n", "", 1),
])
def test_lines_of_standard_input(box: Box, arguments: str, stdin: bytes, says: str, code: int) -> None:
    done = find(box, arguments, stdin)
    assert (done.out, done.err, done.code) == (says, "", code)


@pytest.mark.parametrize(("arguments", "says", "code"), [
    ("", "FIND: Parameter format not correct", 2),
    ("one a.txt", "FIND: Parameter format not correct", 2),
    ('"one', "FIND: Parameter format not correct", 2),
    ("/v a.txt", "FIND: Parameter format not correct", 2),
    ('/x "one" a.txt', "FIND: Invalid switch", 2),
    ('"one" nosuch.txt', "File not found - NOSUCH.TXT", 1),
    ('"one" *.doc', "File not found - *.DOC", 1),
    (r'"one" C:\f\sub', r"Access denied - C:\F\SUB", 1),
])
def test_what_it_does_not_understand_or_find(box: Box, arguments: str, says: str, code: int) -> None:
    done = find(box, arguments)
    assert (done.out, done.err.splitlines(), done.code) == ("", [says], code)


def test_a_file_that_is_there_counts_beside_one_that_is_not(box: Box) -> None:
    done = find(box, '"Two" nosuch.txt a.txt')
    assert done.out.splitlines() == ["", "---------- A.TXT", "Two"]
    assert (done.err.strip(), done.code) == ("File not found - NOSUCH.TXT", 0)


def test_letters_that_are_not_ascii_have_two_cases_too(box: Box) -> None:
    assert find(box, '/c "b\u00e4r" uml.txt').out.splitlines()[-1] == "---------- UML.TXT: 1"
    assert find(box, '/c /i "B\u00c4r" uml.txt').out.splitlines()[-1] == "---------- UML.TXT: 2"


def test_lines_of_any_length(box: Box) -> None:
    done = find(box, '/n "needle" long.txt')
    assert [line[:4] + line[-6:] for line in done.out.splitlines()[2:]] == ["[1]xneedle", "[3]nneedle"]


def test_cmd_and_batch_files_use_it_as_on_windows(box: Box) -> None:
    line = 'echo one& echo two) | find /v "one" && (find "x" a.txt >nul || echo none) & type a.txt | find /c /v ""'
    assert run(box, f"cmd /c ({line}", main=False, cwd="C:\\f").out.split() == ["two", "none", "3"]
    assert "/OFF[LINE]" in find(box, "/?").out
