# SPDX-License-Identifier: Apache-2.0
"""The words that bring a line to cmd and a script to PowerShell as they are."""

from __future__ import annotations

import base64
from typing import cast

import pytest

from imagebuild.containers.inside.execute import cmd_words, powershell_words, run_program
from imagebuild.dockerapi import Client
from imagebuild.engine.containers.commandline import exec_line
from imagebuild.errors import UsageError


def test_a_line_without_quotes_is_one_word_of_one_cmd() -> None:
    words, environ = cmd_words("echo a & dir")
    assert not environ
    assert exec_line(words) == 'cmd /d /s /c "echo a & dir"'


@pytest.mark.parametrize("text", ['echo "a b" & echo c', "dir C:\\", 'type "C:\\a b\\c.txt" | findstr "x"'])
def test_a_line_that_escaping_would_change_travels_in_the_environment(text: str) -> None:
    words, environ = cmd_words(text)
    assert environ["wcow_line"] == text
    assert '"' not in exec_line(words)


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "a\rb", "a\0b"])
def test_what_is_not_one_line_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="one line"):
        cmd_words(text)


def test_words_and_a_line_are_not_taken_for_each_other() -> None:
    nowhere = cast(Client, None)
    with pytest.raises(UsageError, match="by its words") as caught:
        run_program(nowhere, "box", "cmd /c ver")
    assert caught.value.hint == "run(['cmd', '/c', 'ver']), or cmd('cmd /c ver') for a line of cmd"
    with pytest.raises(UsageError, match="not a text"):
        cmd_words(cast(str, ["echo", "a"]))


def test_a_script_needs_no_quoting() -> None:
    words = powershell_words('"a" + \'b\'\n1')
    assert base64.b64decode(words[-1]).decode("utf-16-le") == '"a" + \'b\'\n1'
