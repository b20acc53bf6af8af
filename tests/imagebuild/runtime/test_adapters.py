# SPDX-License-Identifier: Apache-2.0
"""What programs learn of the network's adapters, whoever asks first: Wine's driver for it starts when it is asked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, run, start

pytestmark = pytest.mark.slow
SOURCE = Path(__file__).with_name("adapters.c")


@pytest.fixture
def adapters(boxes: Boxes) -> Boxes:
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(SOURCE, "-liphlpapi", "-lws2_32"), "adapters.exe")
    return boxes


def is_whole(text: str) -> bool:
    lines = text.splitlines()
    return [line for line in lines if line.startswith("way")] == ["way 0: 0", "way 1: 0", "way 2: 0"] and \
        lines.count("24 lo 127.0.0.1") == 3


def test_the_first_program_of_a_box_and_those_that_join_see_them(adapters: Boxes) -> None:
    assert is_whole(adapters.run(r"C:\adapters.exe").out)
    box = adapters.open("second")
    start(box, "probe sleep")
    for _ in range(2):
        assert is_whole(run(box, r"C:\adapters.exe", main=False).out)
    assert "probe.exe" in run(box, r"cmd /c dir C:\ ", main=False).out  # the other driver starts behind it


def test_no_services_run_for_it(adapters: Boxes) -> None:
    box = adapters.open()
    start(box, "probe sleep")
    assert is_whole(run(box, r"C:\adapters.exe", main=False).out)
    assert {row.name for row in box.processes()} == {"launcher.exe", "probe.exe"}


def test_many_that_ask_at_once_are_all_answered(adapters: Boxes) -> None:
    box = adapters.open()
    start(box, "probe sleep")
    said: list[str] = []
    lines = [r"C:\adapters.exe", r'cmd /c "dir C:\ >nul & C:\adapters.exe"'] * 4
    threads = [threading.Thread(target=lambda line=line: said.append(run(box, line, main=False).out)) for line in lines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [is_whole(text) for text in said] == [True] * 8


def test_with_services_they_are_seen_too(adapters: Boxes) -> None:
    done = adapters.run(r'cmd /c "net start & C:\adapters.exe"')
    assert "Event Log" in done.out
    assert is_whole("\n".join(line for line in done.out.splitlines() if line[:1] in "w0123456789"))
