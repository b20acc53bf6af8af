# SPDX-License-Identifier: Apache-2.0
"""Every rule of a Windows engine that tells it from one on Linux, asked over the socket as any client would."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import windows_calls, windows_create, windows_mounts, windows_shown
from support.engines import IMAGE, Served, served, wait_for
from support.windows_rules import RULES, Row, answer, ask

ROWS = (*windows_create.ROWS, *windows_mounts.ROWS, *windows_calls.ROWS)
TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One engine for all rows, with a folder and a file on its drive ``C:``."""
    root = tmp_path_factory.mktemp("engine")
    (root / "drive" / "here").mkdir(parents=True)
    (root / "drive" / "here" / "file.txt").touch()
    with served(root) as one:
        yield one


@pytest.fixture(scope="module")
def places(engine: Served) -> dict[str, str]:
    """A container that runs, one that has ended, and one that was only made; each has its placeholder as its name."""
    found = {}
    for name, command in (("running", "sleep 600"), ("ended", "exit 0"), ("made", "exit 0")):
        status, made = ask(engine, f"POST /containers/create?name={name}", {"Image": IMAGE, "Cmd": command.split(" ")})
        assert status == 201
        found[name] = made["Id"]
        if name != "made":
            assert ask(engine, f"POST /containers/{name}/start")[0] == 204
    wait_for(lambda: engine.inspect("ended").state.status == "exited")
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row.label for row in ROWS])
def test_the_answer_is_that_of_a_windows_engine(engine: Served, places: dict[str, str], row: Row) -> None:
    says = row.says.replace("{cpus}", str(os.cpu_count()))
    assert answer(engine, row, places) == (row.status, says, row.warns)
    assert engine.inspect("running").state.running and not engine.inspect("made").state.running


def test_every_rule_has_a_row_a_test_or_a_reason() -> None:
    seen = {row.rule for row in ROWS} | {row.rule for row in windows_shown.SHOWN}
    unseen = {row.rule for row in windows_shown.UNSEEN}
    assert seen | unseen == RULES
    assert not seen & unseen


def test_a_test_that_shows_a_rule_is_there() -> None:
    for row in windows_shown.SHOWN:
        text = (TESTS / row.file).read_text(encoding="utf-8")
        assert f"\ndef {row.test}(" in text, row


def test_every_row_names_its_place_in_moby_and_what_is_our_own_has_its_reason() -> None:
    for row in ROWS:
        assert re.fullmatch(r"[\w./-]+\.go(:\d+)?", row.source), row
        assert not row.ours.endswith("."), row
