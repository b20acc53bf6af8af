# SPDX-License-Identifier: Apache-2.0
"""Requests, and the files in which they and their answers are."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.sandboxes import Boxes, run, start

from imagebuild.errors import UsageError
from imagebuild.sandbox import talks
from imagebuild.sandbox.account import choose
from imagebuild.sandbox.talks import Talks

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


def test_what_a_program_puts_in_place_of_run_is_not_followed(tmp_path: Path) -> None:
    place = tmp_path / "run"
    place.mkdir()
    (tmp_path / "elsewhere").mkdir()
    box = Talks(place, choose())
    (place / "1").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        box.begin(b"")
    talk = box.begin(b"request")
    assert (talk.name, (place / "2").read_bytes()) == ("2", b"request")
    with (place / "2").open("ab") as file:
        file.write(b"started 5\n")
    assert talk.read_status() == talk.read_list() == "started 5\n"
    (place / "2").unlink()
    (place / "2").write_text("requestexit 0\n")
    assert talk.read_status() == "started 5\n"
    box.end(talk)
    box.close()
    assert not list((tmp_path / "elsewhere").iterdir())


def test_files_of_what_has_ended_go_but_for_what_a_program_put_there(tmp_path: Path) -> None:
    before = opened()
    box = Talks(tmp_path, choose())
    main, one, two, three = (box.begin(b"") for _ in range(4))
    (tmp_path / two.name).unlink()
    (tmp_path / two.name).mkdir()
    (tmp_path / three.name).rename(tmp_path / "kept")
    (tmp_path / "outside").mkdir()
    (tmp_path / three.name).symlink_to("outside")
    for talk in (one, two, three):
        box.end(talk)
    last = box.begin(b"")
    assert names(tmp_path) == {main.name, two.name, last.name, "kept", "outside"}
    for talk in (main, last):
        box.end(talk)
    box.close()
    box.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        box.begin(b"")
    assert opened() == before


def test_numbers_go_on_where_an_engine_before_us_stopped_whatever_programs_put_there(tmp_path: Path) -> None:
    for name in ("7", "13"):
        (tmp_path / name).touch()
    for name in ("12", "\u00b2", "\u0665\u0665\u0665", "-3", "x", "9" * 200, os.fsdecode(b"\xff9")):
        (tmp_path / name).mkdir()
    box = Talks(tmp_path, choose())
    assert not {"7", "13"} & names(tmp_path)
    talk = box.begin(b"")
    assert (talk.name, talk.inside) == ("13", r"\\?\unix\run\13")
    box.end(talk)
    box.close()


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


def test_a_folder_that_cannot_be_read_leaves_nothing_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: int) -> list[str]:
        raise OSError(24, "Too many open files")

    before = opened()
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(OSError, match="Too many"):
        Talks(tmp_path, choose())
    monkeypatch.undo()
    assert opened() == before


@pytest.mark.slow
def test_a_box_in_which_many_programs_ran_has_the_files_of_few(boxes: Boxes) -> None:
    box = boxes.open()
    start(box, "probe sleep")
    for _ in range(3):
        run(box, "cmd /c exit 0", main=False)
        box.processes()
    assert names(boxes.root / "box" / "run") == {"1", "7"}
