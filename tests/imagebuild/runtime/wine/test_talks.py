# SPDX-License-Identifier: Apache-2.0
"""Requests, and the files in which they and their answers are."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sandboxes import Boxes, run, start

from imagebuild.errors import NotFoundError, ToolError, UsageError
from imagebuild.runtime.linux.account import choose
from imagebuild.runtime.port import KILLED
from imagebuild.runtime.wine import talks
from imagebuild.runtime.wine.box import WineBox
from imagebuild.runtime.wine.talks import Talk, Talks

TEXT = st.text(st.characters(exclude_characters="\0"), max_size=20)


@given(TEXT, TEXT, st.lists(st.tuples(TEXT, TEXT)))
def test_a_request_has_its_fields_in_order(line: str, cwd: str, environment: list[tuple[str, str]]) -> None:
    fields = talks.request("J", "m", 5, 1.5, cwd, line, environment).decode("utf-8", "surrogatepass").split("\0")
    assert fields[:7] == ["J", "m", "5", "150", r"\\?\unix\prefix", cwd or "C:\\", line]
    assert fields[7:-1] == [f"{name}={value}" for name, value in environment]


def test_a_nul_in_a_request_is_refused() -> None:
    with pytest.raises(UsageError):
        talks.request("J", "", None, None, "", "cmd /c echo \0", [])


def opened() -> int:
    return len([*Path("/proc/self/fd").iterdir()])


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def answer(run: Path, talk: Talk, data: bytes) -> None:
    """Write as launcher.exe does."""
    descriptor = os.open(run / f"{talk.name}.answer", os.O_WRONLY | os.O_NONBLOCK)
    os.write(descriptor, data)
    os.close(descriptor)


def test_a_request_and_its_answer_have_a_file_each(tmp_path: Path) -> None:
    box = Talks(tmp_path, choose())
    talk = box.begin(b"request")
    assert (talk.name, talk.inside) == ("1", r"\\?\unix\run\1")
    assert (tmp_path / "1").read_bytes() == b"request"
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("1", "1.answer")] == [0o400, 0o200]
    assert talk.hear()
    assert talk.begun() is None
    answer(tmp_path, talk, b"\nstarted 32\n")
    assert talk.hear()
    assert (talk.begun(), talk.exit_code()) == (("started", 32), None)
    answer(tmp_path, talk, b"\nexit 4294967295\n")
    assert talk.hear()
    assert talk.exit_code() == 0xFFFFFFFF
    box.end(talk)
    box.close()


def test_bytes_before_an_answer_do_not_hide_it_and_the_last_exit_code_counts(tmp_path: Path) -> None:
    box = Talks(tmp_path, choose())
    talk = box.begin(b"")
    for data in (b"\0\xff started 1\nstarted", b"\nfailed 2\n", b"exit 0\n", b"x" * 60000, b"\nexit 5\n",
                 b"exit 77777777777\nexit \nexit 6"):
        answer(tmp_path, talk, data)
        assert talk.hear()
    assert (talk.begun(), talk.exit_code()) == (("failed", 2), 5)
    box.end(talk)
    box.close()


def test_answers_without_end_are_noticed(tmp_path: Path) -> None:
    box = Talks(tmp_path, choose())
    talk = box.begin(b"")
    heard = []
    for _ in range(17):
        answer(tmp_path, talk, b"x" * 65536)
        heard.append(talk.hear())
    assert heard == [True] * 16 + [False]
    assert not talk.hear()
    box.end(talk)
    box.close()


def test_names_go_when_the_launcher_has_opened_them_and_none_can_open_the_answer_any_more(tmp_path: Path) -> None:
    before = opened()
    box = Talks(tmp_path, choose())
    one, two = box.begin(b""), box.begin(b"")
    launcher = os.open(tmp_path / "1.answer", os.O_WRONLY)
    box.begun(one)
    assert names(tmp_path) == {"2", "2.answer"}
    assert stat.S_IMODE(os.fstat(launcher).st_mode) == 0
    os.write(launcher, b"\nexit 3\n")
    assert one.hear()
    assert one.exit_code() == 3
    box.end(two)
    assert names(tmp_path) == set()
    box.end(one)
    os.close(launcher)
    box.close()
    box.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        box.begin(b"")
    assert opened() == before


@pytest.mark.parametrize("fails", ["open", "write"])
def test_a_request_that_cannot_be_written_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                              fails: str) -> None:
    box = Talks(tmp_path, choose())
    before = opened()

    def refuse(path: str, *arguments: int, **more: int) -> int:
        raise OSError(24, "Too many open files")

    size = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        if fails == "open":
            monkeypatch.setattr(os, "open", refuse)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, size[1]))  # as a disk that gets full
        with pytest.raises(OSError, match=r"Too many open|too large"):
            box.begin(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, size)
        signal.signal(signal.SIGXFSZ, handler)
    assert opened() == before
    box.close()


@pytest.mark.slow
def test_a_box_in_which_programs_run_has_no_file_of_theirs(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    for _ in range(3):
        run(box, "cmd /c exit 0", main=False)
        box.processes()
    assert names(boxes.root / "box" / "run") == set()


@pytest.mark.slow
def test_no_program_of_a_box_can_make_change_or_read_anything_in_run(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    assert isinstance(box, WineBox)
    talk = box._talks.begin(b"secret")  # as of a program that is just being started
    tries = {
        "make": "2 @/run/9 0x41 0x1ff", "folder": "83 @/run/9 0x1ff", "link": "88 @/etc @/run/9",
        "fifo": "133 @/run/9 0x11ff 0", "rename": f"82 @/run/{talk.name} @/run/9",
        "remove": f"87 @/run/{talk.name}", "remove the answer": f"87 @/run/{talk.name}.answer",
        "chmod": "90 @/run 0", "chmod the request": f"90 @/run/{talk.name} 0x1ff",
        "chmod the answer": f"90 @/run/{talk.name}.answer 0x1ff", "write": f"2 @/run/{talk.name} 1",
        "read the answer": f"2 @/run/{talk.name}.answer 0", "both": f"2 @/run/{talk.name}.answer 2",
    }
    for name, call in tries.items():
        assert int(run(box, f"probe call {call}", main=False).out) < 0, name
    assert run(box, "cmd /c exit 5", main=False).code == 5
    box._talks.end(talk)


@pytest.mark.slow
def test_answers_of_a_program_in_the_launchers_place_harm_its_own_box_alone(boxes: Boxes) -> None:
    """It writes into the FIFO of the next program as soon as that is there."""
    box = boxes.open()
    main = start(box, "probe answer /run/3.answer exit 0")
    assert run(box, "cmd /c exit 5", main=False).code == 5
    assert run(box, "cmd /c exit 6", main=False).code == 6
    assert not main.ended.done()


@pytest.mark.slow
def test_a_box_that_writes_answers_without_end_is_ended(boxes: Boxes) -> None:
    box = boxes.open()
    main = start(box, "probe answer /run/3.answer flood")
    assert run(box, "cmd /c exit 4", main=False).code == 4
    before = time.monotonic()
    with contextlib.suppress(ToolError, NotFoundError):
        run(box, "cmd /c exit 5", main=False)
    assert main.ended.result(20) == KILLED
    assert time.monotonic() - before < 20


@pytest.mark.slow
def test_a_box_over_which_an_older_engine_left_a_closed_run_opens(boxes: Boxes) -> None:
    place = boxes.root / "box" / "run"
    place.mkdir(parents=True)
    (place / "1").symlink_to("/etc")
    (place / "2").mkdir()
    place.chmod(0)
    assert boxes.run("cmd /c exit 3").code == 3
