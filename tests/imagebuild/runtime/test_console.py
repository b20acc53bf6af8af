# SPDX-License-Identifier: Apache-2.0
"""A program without a terminal has a console that no one sees, and standard handles as Windows gives them."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, run, start, wait_for

from imagebuild.runtime import Box, Command, Stdio

pytestmark = pytest.mark.slow

CONSOLE = r"C:\console.exe"
ANSWER = "page 437 437, wrote 1, row 0 column 6, window 0000000000000000\na new console: 0\n"


@pytest.fixture
def consoles(boxes: Boxes) -> Boxes:
    """Boxes with ``C:\\console.exe`` too."""
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(Path(__file__).with_name("console.c")), "console.exe")
    return boxes


def piped(box: Box, line: str, *parts: bytes, pause: float = 0) -> tuple[int, str]:
    """Run the main program of a box with pipes, its input given in these parts: its code and what it wrote."""
    given, typing = os.pipe()
    shown, output = os.pipe()
    process = box.start(Command(line), Stdio(given, output, output))
    os.close(given)
    os.close(output)

    def write() -> None:
        with os.fdopen(typing, "wb", buffering=0) as file:
            for part in parts:
                file.write(part)
                threading.Event().wait(pause)

    writer = threading.Thread(target=write)
    writer.start()
    with os.fdopen(shown, "rb") as file:
        text = file.read().decode().replace("\r\n", "\n")
    code = process.ended.result(sandboxes.SECONDS)
    writer.join()
    return code, text


# --- the console ------------------------------------------------------------------------------------------------------


def test_a_program_and_those_it_starts_and_those_that_join_have_a_console(consoles: Boxes) -> None:
    box = consoles.open()
    start(box, r"C:\probe.exe sleep")
    names = {row.name for row in box.processes()}
    assert "conhost.exe" not in names  # it was not asked for
    assert run(box, f"{CONSOLE} ask", main=False).out == ANSWER
    assert run(box, f"cmd /c {CONSOLE} ask & exit 3", main=False) == sandboxes.Done(3, ANSWER, "")


def test_the_main_program_has_one_and_pays_for_it_when_it_asks(consoles: Boxes) -> None:
    box = consoles.open()
    code, text = piped(box, f"{CONSOLE} ask")
    assert (code, text) == (0, ANSWER)


def test_a_console_stays_with_what_an_exec_left(consoles: Boxes) -> None:
    box = consoles.open()
    start(box, r"C:\probe.exe sleep")
    assert run(box, rf"{CONSOLE} leave C:\left.txt", main=False).code == 0
    left = consoles.root / "box" / "upper" / "left.txt"
    assert wait_for(lambda: left.exists() and "new console" in left.read_text())
    assert left.read_text().replace("\r\n", "\n") == ANSWER.replace("\r\n", "\n")


def test_a_program_that_is_given_a_console_of_its_own_has_one_without_a_window(consoles: Boxes) -> None:
    done = consoles.run('cmd /c start /wait cmd /c "chcp 850 >C:\\made.txt & exit 7" & type C:\\made.txt & chcp')
    assert (done.code, done.err) == (0, "")
    assert [line.rpartition(" ")[2] for line in done.out.split("\n") if line] == ["850", "437"]


def test_code_pages_are_told_without_a_console_that_serves_until_one_is_changed(consoles: Boxes) -> None:
    box = consoles.open()
    start(box, rf"{CONSOLE} pages C:\\told.txt")
    told = consoles.root / "box/upper/told.txt"
    assert wait_for(lambda: told.exists() and told.read_text() == "437 437\n")
    assert run(box, f"{CONSOLE} pages", main=False).out == "437 437\n"
    assert "conhost.exe" not in {row.name for row in box.processes()}
    assert run(box, f"cmd /c chcp 850 >nul & {CONSOLE} pages", main=False).out == "850 850\n"
    assert run(box, f"{CONSOLE} pages", main=False).out == "437 437\n"  # a console of its own


def test_a_code_page_that_was_changed_counts_from_then_on(consoles: Boxes) -> None:
    (consoles.layer / "page.cmd").write_bytes(
        "@echo Ä\r\n@chcp 65001 > nul\r\n@echo Ä漢\r\n@chcp 1252 > nul\r\n@echo ".encode() + b"\xc4\r\n@chcp\r\n")
    box = consoles.open()
    start(box, r"C:\probe.exe sleep")
    shown, output = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    process = box.exec(Command(r"cmd /c C:\page.cmd"), Stdio(null, output, output))
    os.close(output)
    os.close(null)
    with os.fdopen(shown, "rb") as file:
        lines = file.read().split(b"\r\n")
    assert process.ended.result(sandboxes.SECONDS) == 0
    assert lines[:3] == ["Ä".encode(), "Ä漢".encode(), b"\xc4"]  # the first by 437, both ways
    assert lines[3].endswith(b"1252")


def test_a_stop_leaves_a_program_its_console_until_it_has_finished(consoles: Boxes) -> None:
    box = consoles.open()
    main = start(box, rf"{CONSOLE} host C:\\done.txt")
    assert wait_for(lambda: "conhost.exe" in {row.name for row in box.processes()})
    box.stop(8)
    assert main.ended.result(1) == 7
    assert (consoles.root / "box/upper/done.txt").read_text() == "page 850"


# --- standard handles -------------------------------------------------------------------------------------------------


def test_pipes_of_linux_take_the_mode_they_have(consoles: Boxes) -> None:
    code, text = piped(consoles.open(), f"{CONSOLE} handles")
    assert code == 0
    assert text.splitlines() == [
        "types 3 3 3", "output 0: yes 0", "output 2: no 6", "output 8: no 87", "error 0: yes 0", "input 0: yes 0"]


def test_what_is_no_pipe_does_not_become_one(consoles: Boxes) -> None:
    done = consoles.run(f"{CONSOLE} handles")  # files
    assert done.out.splitlines()[0] == "types 1 1 1"
    assert all(": no" in line for line in done.out.splitlines()[1:])


def test_an_empty_read_waits_for_input_and_a_peek_says_how_much_it_is(consoles: Boxes) -> None:
    code, text = piped(consoles.open(), f"{CONSOLE} read", b"", b"one", b"fourteen chars", pause=0.7)
    assert (code, text.splitlines()) == (0, ["later 3", "later 14", "end 109"])


def test_input_comes_in_blocks_and_whole(consoles: Boxes) -> None:
    code, text = piped(consoles.open(), f"{CONSOLE} count", bytes(10_000_000), b"the end")
    assert (code, text) == (0, "10000007 in blocks\n")


def test_input_that_no_one_reads_does_not_keep_a_program(consoles: Boxes) -> None:
    given, typing = os.pipe()
    os.write(typing, b"x" * 60_000)  # before: the program may have ended a moment later
    box = consoles.open()
    null = os.open(os.devnull, os.O_RDWR)
    process = box.start(Command(r"C:\probe.exe exit 5"), Stdio(given, null, null))
    os.close(given)
    os.close(null)
    assert process.ended.result(10) == 5
    os.close(typing)


# --- cmd --------------------------------------------------------------------------------------------------------------


def test_cmd_takes_a_line_and_leaves_the_rest_to_what_it_starts(consoles: Boxes) -> None:
    script = f"echo one\r\n@set /p a=\r\nvalue\r\n@echo got %a%\r\n@{CONSOLE} count\r\nnot for cmd\r\nexit 4\r\n"
    code, text = piped(consoles.open(), "cmd /q", script.encode())
    assert code == 0
    assert text.splitlines()[1:4] == ["one", "got value", "21 in pieces"]


def test_more_shows_everything_without_a_stop_where_there_is_no_one_to_press_a_key(consoles: Boxes) -> None:
    lines = "".join(f"{i}\r\n" for i in range(300))
    code, text = piped(consoles.open(), "cmd /c more", lines.encode())
    assert (code, text.splitlines()[:300]) == (0, [str(i) for i in range(300)])
    assert "More" not in text


def test_cmd_echoes_no_label_and_no_comment_that_looks_like_one(consoles: Boxes) -> None:
    (consoles.layer / "labels.cmd").write_bytes(
        b":: Created by npm\r\necho one\r\ngoto two\r\n:one\r\necho never\r\n  :two three\r\n::\r\necho two\r\n"
        b"for /f %%i in (C:\\data.txt) do @echo [%%i]\r\ncall :sub x\r\ngoto :eof\r\n:sub\r\n@echo %1\r\n")
    (consoles.layer / "data.txt").write_bytes(b":data\r\n")
    done = consoles.run(r"cmd /c C:\labels.cmd")
    lines = [line.rstrip() for line in done.out.splitlines() if line]
    assert lines == [r"C:\>echo one", "one", r"C:\>goto two", r"C:\>echo two", "two",
                     r"C:\>for /f %i in (C:\data.txt) do @echo [%i]", "[:data]", r"C:\>call :sub x", "x",
                     r"C:\>goto :eof"], done


@pytest.mark.parametrize("line", [
    "C:/windows/system32/cmd.exe /c echo x", "C:/windows/system32/cmd /c echo x", "cmd /c echo x",
    r"C:\windows/system32\CMD.EXE /c echo x", '"C:/windows/system32/cmd.exe" /c echo x',
])
def test_cmd_is_started_by_a_path_with_slashes_as_cmake_does(boxes: Boxes, line: str) -> None:
    assert boxes.run(line).out.strip() == "x"
