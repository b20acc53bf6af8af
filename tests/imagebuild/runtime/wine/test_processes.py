# SPDX-License-Identifier: Apache-2.0
"""Windows processes and those of this machine, paired."""

from __future__ import annotations

import os

from hypothesis import given
from hypothesis import strategies as st

from imagebuild.runtime.port import ProcessRow
from imagebuild.runtime.wine.processes import Host, Windows, below, pair, parse, scan


def text(rows: list[Windows]) -> str:
    return "".join(f"pid {row.pid}\nmade {row.made}\njob {int(row.in_job)}\nname {row.name}\n" for row in rows)


@given(st.lists(st.builds(Windows, st.integers(0, 2**32 - 1), st.integers(0, 2**63), st.booleans(),
                          st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=60))))
def test_a_list_is_read_as_it_was_written(rows: list[Windows]) -> None:
    assert parse(text(rows)) == rows


@given(st.text())
def test_any_text_is_read_without_an_error(garbage: str) -> None:
    parse(garbage)
    parse("pid 1\nmade 2\n" + garbage)


def test_processes_of_one_name_are_paired_in_the_order_of_their_start() -> None:
    windows = [Windows(32, 5, False, "cmd.exe"), Windows(8, 9, True, "cmd.exe")]
    host = [Host(200, 1, 70, "cmd.exe"), Host(100, 1, 80, "cmd")]
    assert pair(windows, host, "J") == (ProcessRow(8, 100, "cmd.exe", "J"), ProcessRow(32, 200, "cmd.exe", ""))


def test_a_process_with_another_name_here_is_paired_by_what_is_left() -> None:
    windows = [Windows(8, 1, False, "launcher.exe"), Windows(12, 2, True, "server.exe")]
    host = [Host(5, 1, 1, "bwrap"), Host(6, 5, 2, "launcher.exe"), Host(7, 5, 2, "wineserver64"), Host(9, 5, 4, "odd")]
    assert [row.host_pid for row in pair(windows, host, "J")] == [6, 9]


def test_a_process_that_is_not_known_here_has_no_id() -> None:
    assert pair([Windows(8, 1, True, "a.exe")], [], "J") == (ProcessRow(8, 0, "a.exe", "J"),)


def test_those_below_a_process_are_found_and_no_others() -> None:
    tree = [Host(1, 0, 0, "a"), Host(2, 1, 0, "b"), Host(3, 2, 0, "c"), Host(4, 1, 0, "d")]
    assert {one.pid for one in below(tree, [2])} == {2, 3}
    assert below(tree, [99]) == []


def test_we_find_ourselves() -> None:
    (ourselves,) = [one for one in scan() if one.pid == os.getpid()]
    assert ourselves.parent == os.getppid()
