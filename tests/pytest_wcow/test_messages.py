# SPDX-License-Identifier: Apache-2.0
"""What a failed test says, as its reader meets it: the line that was run, the output, what to write instead."""

from __future__ import annotations

import time

import pytest
from support.plugin_stage import Stage

from imagebuild.containers import Home
from imagebuild.errors import UsageError

pytest_plugins = "pytester"


def failed(on: Stage, body: str) -> pytest.RunResult:
    """Run a test of one line that fails."""
    result = on.run(f"from pathlib import Path\ndef test_it(nanoserver, container_factory): {body}")
    result.assert_outcomes(failed=1)
    for text in ("*Traceback*", "*imagebuild/*", "*pytest_wcow/_*", "*wcow_shell*", "*contextlib.py*"):
        result.stdout.no_fnmatch_line(text)
    return result


def test_a_line_with_quotes_is_shown_as_it_was_written(on: Stage) -> None:
    on.script.run = lambda argv: (1, b"", b"The system cannot find the file specified.\r\n")
    failed(on, r"""nanoserver.cmd('type "C:\\a b.txt"').check()""").stdout.fnmatch_lines([
        r'*the command ended with 1: cmd /d /s /c "type "C:\a b.txt"": The system cannot find the file specified.'])


def test_an_assertion_shows_the_code_and_the_output(on: Stage) -> None:
    on.script.run = lambda argv: (1, b"", b"File Not Found\r\n")
    failed(on, 'assert nanoserver.cmd("dir nope").ok').stdout.fnmatch_lines([
        "*where False = Outcome(exit_code=1, stderr='File Not Found*', argv='cmd /d /s /c \"dir nope\"').ok"])


def test_a_program_that_does_not_end_is_named_whole_with_what_to_do(on: Stage) -> None:
    on.script.run = lambda argv: (int(time.sleep(1) or 0), b"", b"")
    failed(on, 'nanoserver.run(["ping", "-n", "60", "web"], timeout=0.2)').stdout.fnmatch_lines([
        "*ping -n 60 web did not end: it had 0.2 s", "*timeout=SECONDS gives it longer"])


@pytest.mark.parametrize(("body", "said"), [
    ('nanoserver.run("cmd /c ver")', "*a program is run by its words*"),
    ('nanoserver.cmd(["echo", "x"])', "*cmd takes one line: * is not a text"),
    ('container_factory(env={"A": "b"})', "*a container has no 'env'; it has 'environ'*"),
    ('container_factory(volumes={"/x": "C:/x"})', "*a container has no 'volumes'; it has 'mounts'*"),
    ('container_factory(mounts={Path("/"): "C:/x"})', "*the target stands first: {'C:/x': '/'}*")])
def test_what_other_tools_call_otherwise_is_answered_with_how_it_is_written_here(
        on: Stage, body: str, said: str) -> None:
    failed(on, body).stdout.fnmatch_lines([said])


@pytest.mark.parametrize("body", ['nanoserver.environ["NOPE"]', 'nanoserver.services["nope"]',
                                  'nanoserver.registry["HKLM/Software".replace("/", chr(92))]["x"]'])
def test_a_name_that_is_not_there_is_an_error_of_the_test_s_own_line(on: Stage, body: str) -> None:
    failed(on, body).stdout.fnmatch_lines(["E *KeyError: *", "test_it.py:2: KeyError"])


def test_a_port_that_is_not_published_is_told_so_whatever_answers_at_that_address(on: Stage) -> None:
    box = on.box()
    box.home = Home(local=True, embedded=True)
    with pytest.raises(UsageError, match="port 80 is not published"):
        box.url(80)
