# SPDX-License-Identifier: Apache-2.0
"""What a program left: codes without a sign and with their name, texts with Python's newlines."""

from __future__ import annotations

import pytest

from imagebuild.containers import CommandError
from imagebuild.containers.inside.outcome import exit_name, exit_words, outcome_of


def test_a_code_has_no_sign_and_carries_its_ntstatus_name() -> None:
    found = outcome_of(["app"], -1073741510, b"")
    assert found.exit_code == 3221225786
    assert found.status == "STATUS_CONTROL_C_EXIT"
    assert exit_words(found.exit_code).startswith("3221225786 (0xc000013a STATUS_CONTROL_C_EXIT: ")


def test_an_ordinary_code_is_not_taken_for_a_windows_error() -> None:
    assert exit_name(5) == ""
    assert exit_words(5) == "5"
    assert exit_words(0xC1234567) == "3240314215 (0xc1234567)"


def test_check_passes_what_ended_with_0_and_shows_the_output_of_what_did_not() -> None:
    good = outcome_of(["app"], 0, b"hello\r\n")
    assert good.check() is good
    assert good.stdout == "hello\n"
    bad = outcome_of(["app", "a b"], 3, b"out\r\n", b"err\r\n")
    with pytest.raises(CommandError) as caught:
        bad.check()
    assert caught.value.outcome is bad
    assert str(caught.value) == 'the command ended with 3: app "a b": err\nout'


def test_raw_bytes_are_kept() -> None:
    found = outcome_of(["app"], 0, b"\xff\xfeh\0i\0", b"\r\n")
    assert (found.stdout, found.stderr) == ("hi", "\n")
    assert (found.raw.stdout, found.raw.stderr) == (b"\xff\xfeh\0i\0", b"\r\n")


@pytest.mark.parametrize(("argv", "line"), [
    (["cmd", "/d", "/s", "/c", 'type "C:\\a b"'], 'cmd /d /s /c "type "C:\\a b""'),
    (["app", 'a "b"'], 'app "a \\"b\\""'), (['say "x"', "y"], 'say "x" y')])
def test_an_error_shows_the_line_as_windows_has_it(argv: list[str], line: str) -> None:
    with pytest.raises(CommandError) as caught:
        outcome_of(argv, 3, b"").check()
    assert caught.value.what == f"the command ended with 3: {line}"


def test_what_an_assertion_shows_begins_with_the_code_and_the_output() -> None:
    assert repr(outcome_of(["app"], 3, b"out\r\n", b"err\r\n")) == \
        "Outcome(exit_code=3, stderr='err\\n', stdout='out\\n', argv='app')"
    assert repr(outcome_of(["app"], 0, b"")) == "Outcome(exit_code=0, argv='app')"
    assert len(repr(outcome_of(["app"], 0, b"x" * 10000))) < 300
