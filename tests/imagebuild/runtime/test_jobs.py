# SPDX-License-Identifier: Apache-2.0
"""What a program of a box is told of its job and its processor group."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes

pytestmark = pytest.mark.slow


def test_a_box_has_one_group_with_the_processors_of_its_programs(boxes: Boxes) -> None:
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(Path(__file__).with_name("jobs.c")), "jobs.exe")
    assert boxes.run(r"C:\jobs.exe").out.splitlines() == [
        "1 0 122 1",  # ERROR_INSUFFICIENT_BUFFER, and how much is needed
        "1 0 1", "0 122 1", "1 1 0",
        "0 24",  # all else is Wine's answer: ERROR_BAD_LENGTH
    ]
