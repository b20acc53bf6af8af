# SPDX-License-Identifier: Apache-2.0
"""A message box that no one could answer is written to the error output and answered by its default button."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, run, start

from imagebuild.runtime import Box, Command, Stdio

pytestmark = pytest.mark.slow
MESSAGE = Path(__file__).with_name("message.c")


@pytest.fixture
def box(boxes: Boxes) -> Box:
    """A box that runs, with ``C:\\message.exe``."""
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(MESSAGE, "-luser32"), "message.exe")
    opened = boxes.open()
    start(opened, "probe sleep")
    return opened


@pytest.mark.parametrize(("line", "said"), [
    ("a", "title: text \udcfc"), ("w", "title: text \udcfc?"), ("exa", "text \udcfc"), ("exw", "text"),
    ("indirecta", "title: text \udcfc"), ("indirectw", "title: "), ("", "")])
def test_a_box_is_a_line_of_the_error_output(box: Box, line: str, said: str, tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    null = os.open(os.devnull, os.O_RDWR)
    with errors.open("wb") as file:
        process = box.exec(Command(rf"C:\message.exe {line}"), Stdio(null, null, file.fileno()))
        assert process.ended.result(20) == 1
    os.close(null)
    assert errors.read_bytes().replace(b"\x81", b"\xfc").decode("ascii", "surrogateescape") == f"{said}\r\n"


@pytest.mark.parametrize(("kind", "answer"), [
    (0x001, 1), (0x101, 2), (0x201, 1), (0x002, 3), (0x102, 3), (0x202, 5), (0x003, 6), (0x103, 7), (0x203, 2),
    (0x004, 6), (0x104, 7), (0x005, 2), (0x105, 2), (0x006, 2), (0x106, 2), (0x206, 11), (0x007, 1), (0x40124, 7)])
def test_the_answer_is_the_default_button_and_never_to_try_again(box: Box, kind: int, answer: int) -> None:
    assert run(box, rf"C:\message.exe w {kind}", main=False).code == answer


@pytest.mark.parametrize("line", ["msiexec /?", "msiexec /nosuch", r"cmd /c msiexec /?"])
def test_an_installer_that_is_asked_for_help_says_it_and_ends(box: Box, line: str) -> None:
    assert "Install a product" in run(box, line, main=False).err
