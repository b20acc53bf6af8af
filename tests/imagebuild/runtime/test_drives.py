# SPDX-License-Identifier: Apache-2.0
"""What programs learn of drives and volumes, whoever asks first: Wine's mount manager starts when it is asked."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support import programs, sandboxes
from support.sandboxes import Boxes, run, start

from imagebuild.runtime.port import Mount

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).with_name("volumes.c")
VOLUME = r"\\?\Volume{00000000-0000-0000-0000-000000000043}" + "\\"
ANSWERS = {
    "drives": "4", "type": "3", "device": r"\Device\HarddiskVolume1", "devices": "", "information": " 43000000 a NTFS",
    "name": VOLUME, "first": VOLUME, "open": "7 1", "serial": "43000000", "guid": rf"{VOLUME}volumes.exe",
    "nt": r"\Device\HarddiskVolume1\volumes.exe",
}


@pytest.fixture
def volumes(boxes: Boxes) -> Boxes:
    with programs.skipping():
        boxes.add_program(sandboxes.compile_program(SOURCE), "volumes.exe")
    return boxes


@pytest.mark.parametrize("question", ANSWERS)
def test_the_first_question_of_a_box_is_answered(volumes: Boxes, question: str) -> None:
    done = volumes.run(rf"C:\volumes.exe {question}")
    assert done.out.rstrip("\n") == f"{question} 1 0 {ANSWERS[question]}"


def test_every_question_is_answered_the_same_afterwards(volumes: Boxes) -> None:
    done = volumes.run(rf"C:\volumes.exe {' '.join([*ANSWERS, *ANSWERS])}")
    assert done.out.splitlines() == [f"{question} 1 0 {answer}" for question, answer in ANSWERS.items()] * 2


def test_a_program_that_joins_asks_first(volumes: Boxes) -> None:
    box = volumes.open()
    start(box, "ping -n 3600 127.0.0.1")
    assert run(box, "cmd /c vol", main=False).out.splitlines()[0].endswith("has no label.")
    assert "information 1 0" in run(box, r"C:\volumes.exe information", main=False).out


def test_many_ask_at_once(volumes: Boxes) -> None:
    box = volumes.open()
    start(box, "ping -n 3600 127.0.0.1")
    said: list[str] = []
    threads = [threading.Thread(target=lambda: said.append(run(box, r"C:\volumes.exe information", main=False).out))
               for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [f"information 1 0 {ANSWERS['information']}\n"] * 8


def test_the_names_are_there_while_the_mount_manager_starts(volumes: Boxes) -> None:
    assert volumes.run(r"C:\volumes.exe looks").out == "looks 1 0 0\n"


def test_a_mounted_drive_is_there_from_the_start(volumes: Boxes) -> None:
    shared = volumes.root / "shared"
    shared.mkdir()
    (shared / "there.txt").write_text("x")
    mounts = (Mount(shared, "D:\\", read_only=True),)
    assert volumes.run(r"C:\volumes.exe drives", name="a", mounts=mounts).out == "drives 1 0 c\n"
    assert "there.txt" in volumes.run(r"cmd /c dir D:\ ", name="b", mounts=mounts).out
