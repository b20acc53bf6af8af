# SPDX-License-Identifier: Apache-2.0
"""The two tests that the plugin was made for, pasted into an empty folder, on the real embedded engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support import plugin_runs, programs, users
from support.plugin_runs import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=users.KINDS)
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    with programs.skipping(), plugin_runs.place(users.find(request.param)) as made:
        yield made


def test_a_container_is_a_fixture_and_is_gone_with_its_test(place: Place) -> None:
    place.pytest(plugin_runs.HELLO).passed(1)
    assert place.containers() == []


def test_a_folder_of_the_test_is_mounted(place: Place) -> None:
    place.pytest(plugin_runs.MOUNT).passed(1)
    assert place.containers() == []


def test_what_a_container_writes_into_a_folder_of_the_test_is_the_tests_to_read_and_delete(place: Place) -> None:
    """Also as root, whose containers run as another account that may not enter pytest's folders."""
    place.pytest(r'''
import os, shutil
def test_write(container_factory, tmp_path):
    box = container_factory(mounts={r"C:\example": tmp_path})
    box.cmd(r"mkdir C:\example\sub & echo new> C:\example\sub\new.txt").check()
    assert (tmp_path / "sub" / "new.txt").read_text() == "new\n"
    assert (tmp_path / "sub" / "new.txt").stat().st_uid == os.getuid()
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(tmp_path / "sub")
    assert "sub" not in box.cmd(r"dir /b C:\example").stdout
''').passed(1)


def test_a_line_is_said_to_cmd_exactly(place: Place) -> None:
    place.pytest(r'''
def test_quotes(nanoserver):
    assert nanoserver.cmd('echo "a  b" & echo %COMPUTERNAME%|findstr /r "." & echo c>"C:\\Users\\Public\\d e"'
                          ).check().stdout.splitlines()[0] == '"a  b" '
    assert nanoserver.cmd('type "C:\\Users\\Public\\d e"').check().stdout == "c\n"
    assert nanoserver.cmd('echo "%OS%" & for %i in (1 2) do @echo "%i"').check().stdout == \
        '"Windows_NT" \n"1"\n"2"\n'
    assert "hosts" in nanoserver.cmd("dir /b C:\\Windows\\System32\\drivers\\etc\\").check().stdout
''').passed(1)
