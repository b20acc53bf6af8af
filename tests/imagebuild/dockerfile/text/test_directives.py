# SPDX-License-Identifier: Apache-2.0
"""The directives at the top of a file."""

from __future__ import annotations

import pytest

from imagebuild.dockerfile.text.directives import Checks, read_directives
from imagebuild.errors import DockerfileError


def read(text: str):
    return read_directives(text.splitlines(keepends=True), "Dockerfile")


def test_directives_come_in_any_order_case_and_spacing():
    for text in ("# escape=`\n# syntax=docker/dockerfile:1\n# check=skip=A, B;error=true\n",
                 "#CHECK = skip=A,B;error=1\r\n  #Syntax=docker/dockerfile:1  \r\n#\tescape = ` \r\n"):
        found = read(text + "FROM a\n")
        assert (found.escape, found.syntax) == ("`", "docker/dockerfile:1")
        assert found.checks == Checks(skip=("A", "B"), error=True)
        assert found.warnings == ()


def test_without_directives_the_backslash_escapes():
    found = read("FROM a\n")
    assert (found.escape, found.syntax, found.checks) == ("\\", "", Checks())
    assert found.checks.error is False


def test_the_syntax_is_the_image_without_its_arguments():
    assert read("# syntax=a/b:1 --flag x\n").syntax == "a/b:1"


@pytest.mark.parametrize("before", ["\n", "# a comment\n", "# unknown=x\n", "#\n", "#!/usr/bin/env x\n"])
def test_a_late_escape_is_a_comment_and_is_reported(before):
    found = read(before + "# escape=`\nFROM a\n")
    assert found.escape == "\\"
    assert [(warning.code, warning.line) for warning in found.warnings] == [("late-directive", 2)]


def test_comments_after_the_first_instruction_are_never_directives():
    assert read("FROM a\n# escape=`\n").warnings == ()


def test_syntax_is_found_after_a_shebang():
    assert read("#!/usr/bin/env wcow\n# syntax=a\n").syntax == "a"


@pytest.mark.parametrize("text, line, said", [
    ("# escape=x\n", 1, "escape character"),
    ("# escape=``\n", 1, "escape character"),
    ("# syntax=a\n# escape=`\n# escape=`\n", 3, "second escape"),
    ("# syntax=a\n# syntax=b\n", 2, "second syntax"),
])
def test_bad_directives_are_refused_with_their_line(text, line, said):
    with pytest.raises(DockerfileError, match=said) as caught:
        read(text)
    assert caught.value.line == line


def test_experimental_checks_are_read():
    assert read("# check=experimental=all;skip=all;error=false\n").checks == Checks(("all",), ("all",), False)
