# SPDX-License-Identifier: Apache-2.0
"""Help, completion and usage errors of every verb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from imagebuild.cli.app import VERBS, wcow

if TYPE_CHECKING:
    from conftest import Home


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(verb: str) -> None:
    done = CliRunner().invoke(wcow, [verb, "--help"], prog_name="wcow")
    assert done.exit_code == 0 and f"wcow {verb}" in done.output


@pytest.mark.parametrize("verb", ["copy", "push", "pull", "images", "tag", "rm", "digest", "inspect", "ls", "cat",
                                  "login", "logout"])
def test_the_help_of_a_verb_shows_examples_one_a_line(verb: str) -> None:
    text = CliRunner().invoke(wcow, [verb, "--help"], prog_name="wcow").output
    assert re.search(rf"^  Examples:\n    wcow {verb}\b[^\n]*\n", text, re.MULTILINE)


def test_a_wrong_option_is_a_usage_error(home: Home) -> None:
    done = home.wcow("copy", "--bogus", "a", "b", code=2)
    assert "--bogus" in done.err
    done = home.wcow("pusch", code=2)
    assert "did you mean 'push'?" in done.err


def test_a_wrong_name_is_told_in_at_most_three_lines(home: Home) -> None:
    done = home.wcow("digest", "Not A Name", code=2)
    assert done.err.startswith("error: 'Not A Name' is not an image name\n") and len(done.err.splitlines()) <= 3


def test_a_shell_completes_local_names(home: Home, app: str) -> None:
    done = home.wcow(_WCOW_COMPLETE="bash_complete", COMP_WORDS="wcow inspect ap", COMP_CWORD="2")
    assert done.out == "plain,app:1\n"


def test_bash_completion_leaves_names_with_colons_whole(home: Home) -> None:
    assert "COMP_WORDBREAKS=${COMP_WORDBREAKS//:}" in home.wcow("completion", "bash").out
    assert "COMP_WORDBREAKS" not in home.wcow("completion", "zsh").out
