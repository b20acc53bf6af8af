# SPDX-License-Identifier: Apache-2.0
"""Help, completion and usage errors of every verb."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from imagebuild.cli.app import VERBS, run, wcow

if TYPE_CHECKING:
    from support.home import Home


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


def test_usage_errors_are_as_short_as_all_others(home: Home) -> None:
    done = home.wcow("build", "--symlinks", "x", code=2)
    assert done.err.startswith("error: Invalid value for '--symlinks': 'x' is not one of 'keep'")
    assert len(done.err.splitlines()) <= 3 and "'wcow build --help' shows how" in done.err
    assert home.wcow(code=2).err.startswith("Usage: wcow")


def test_no_line_of_an_error_is_endless(home: Home) -> None:
    done = home.wcow("digest", "x" * 5000, code=2)
    assert max(map(len, done.err.splitlines())) < 1300


def test_a_mistake_of_ours_is_three_lines_and_no_secret(monkeypatch: pytest.MonkeyPatch,
                                                         capsys: pytest.CaptureFixture[str]) -> None:
    def broken(**how: object) -> None:
        raise RuntimeError("about https://me:s3cret@host/x?token=s3cret\nand more")

    monkeypatch.setattr(wcow, "main", broken)
    assert run(["images"]) == 70
    err = capsys.readouterr().err
    assert err.startswith("error: a fault in wcow: RuntimeError\n  about https://host/x") and "s3cret" not in err
    assert len(err.splitlines()) == 3
