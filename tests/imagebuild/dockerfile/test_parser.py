# SPDX-License-Identifier: Apache-2.0
"""Whole Dockerfiles: order, stages, lines, errors."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.dockerfile import parse, parse_trigger
from imagebuild.dockerfile.instructions import Copy, Env, Run
from imagebuild.errors import DockerfileError

WINDOWS = """\
# escape=`
# syntax=docker/dockerfile:1

ARG TAG=ltsc2022
FROM mcr.microsoft.com/windows/servercore:${TAG} AS tools
SHELL ["powershell", "-Command"]
RUN $a = 1; `
    # a remark
    Remove-Item C:\\x\\

FROM tools
COPY a `
     C:\\b\\
""".replace("\n", "\r\n")


def test_a_file_has_global_args_and_stages():
    found = parse(b"\xef\xbb\xbf" + WINDOWS.encode(), name="win.Dockerfile")
    assert (found.file, found.escape, found.syntax) == ("win.Dockerfile", "`", "docker/dockerfile:1")
    assert [arg.args[0].name for arg in found.global_args] == ["TAG"]
    assert [(stage.index, stage.name, len(stage.instructions)) for stage in found.stages] == [(0, "tools", 2),
    (1, "", 1)]
    run = found.stages[0].instructions[1]
    assert isinstance(run, Run)
    assert run.command == ("$a = 1;     Remove-Item C:\\x\\",)
    assert (run.line, run.end_line, run.escape) == (7, 9, "`")
    assert run.place.source.splitlines()[1] == "    # a remark"
    assert found.stages[1].instructions[0].destination == "C:\\b\\"
    assert found.warnings == ()


def test_lines_count_through_heredocs():
    found = parse(b"FROM a\nRUN <<A\nFROM b\n\n# x\nA\nENV a=b\n")
    assert [(one.line, one.end_line) for one in found.instructions] == [(1, 1), (2, 6), (7, 7)]
    assert found.instructions[1].heredocs[0].content == "FROM b\n\n# x\n"


def test_a_json_form_has_no_heredoc():
    found = parse(b'FROM a\nRUN ["<<A"]\nENV a=b\n')
    assert isinstance(found.instructions[2], Env)


def test_invalid_json_is_plain_text():
    found = parse(b'FROM a\nENTRYPOINT ["C:\\app\\a.exe"]\nCOPY ["C:\\a", "b"]\n')
    assert (found.instructions[1].command, found.instructions[1].json) == (('["C:\\app\\a.exe"]',), False)
    assert isinstance(found.instructions[2], Copy)
    assert found.instructions[2].sources == ('["C:\\a",',)
    assert [warning.code for warning in found.warnings].count("invalid-json") == 2


@pytest.mark.parametrize("text, line, said", [
    ("", 0, "no instructions"), ("# only a comment\n", 0, "no instructions"), ("ARG a\n", 0, "there is no FROM"),
    ("\nRUN a\nFROM b", 2, "before the first FROM"), ("ARG a\nENV a=b\nFROM b", 2, "before the first FROM"),
    ("FROM a\nCOYP a b", 2, "did you mean COPY?"), ("FROM a\n<<<<<<< HEAD", 2, "merge conflict"),
    ("FROM a\n=======\n", 2, "merge conflict"), ("FROM a\nRUN x = @\"\nhello\n\"@", 3, "here-string"),
    ("FROM a\nRUN a; `\n  bbbbb", 3, "put # escape=` in the first line"),
    ("# escape=`\nFROM a\nRUN a && \\\n  bbbbb", 4, "put # escape=\\ in the first line"),
    ("FROM a\nRUN a\n  bbbbbbb --ccc", 3, "if it belongs to the RUN before"),
    ("FROM a\nCOPY\u00a0a b", 2, "no-break space"), ("FROM a\n\\", 2, "continuation mark stands alone"),
    ("FROM a\nRUN <<EOF\nx\n", 2, "not closed"), ("FROM a\nRUN a\0b", 2, "NUL"),
])
def test_errors_name_the_line_and_the_way_out(text, line, said):
    with pytest.raises(DockerfileError) as caught:
        parse(text.encode(), name="d/Dockerfile")
    assert said in " | ".join(caught.value.lines())
    assert (caught.value.file, caught.value.line) == ("d/Dockerfile", line)
    assert str(caught.value).startswith("d/Dockerfile" + (f":{line}" if line else ""))


def test_bytes_that_are_not_utf8_may_stand_in_comments_only():
    assert len(parse(b"# caf\xe9\nFROM a\n").instructions) == 1
    for text in (b"FROM a\nENV a=caf\xe9", b"FROM a\nCOPY <<A b\ncaf\xe9\nA\n"):
        with pytest.raises(DockerfileError, match="not UTF-8") as caught:
            parse(text)
        assert caught.value.line == 2


def test_a_trigger_is_read_with_the_default_escape():
    found = parse_trigger("COPY <<A C:\\\\x\n1\nA")
    assert isinstance(found, Copy)
    assert (found.destination, found.inline[0].content, found.escape) == ("C:\\\\x", "1\n", "\\")
    for text in ("", "FROM a", "ONBUILD RUN a", "RUN a\nRUN b", "FOO"):
        with pytest.raises(DockerfileError):
            parse_trigger(text)


def test_what_a_trigger_says_can_be_read_again():
    found = parse(b"FROM a\nONBUILD RUN --network=none <<-'A' b \\\n  c\n\t1\n\tA\n").instructions[1]
    again = parse_trigger(found.expression)
    assert again.heredocs == found.trigger.heredocs
    assert again.command == found.trigger.command


def test_an_instruction_makes_its_own_errors():
    error = parse(b"FROM a\nUSER x\n", name="f").instructions[1].error("no such user", why="b", hint="c", user="x")
    assert str(error) == "f:2: USER: no such user: b"
    assert error.user == "x"


PIECES = ["FROM a", "RUN ", "COPY ", "ENV ", "HEALTHCHECK ", "ONBUILD ", "--mount=", "--x", "<<E", "E", "\n", "\r\n",
"\\\n",
          "`\n", "# escape=`\n", '["', '"]', "[", "a=b", " ", "'", '"', "$", "{", "}", "\\", "\0", "é", "\ufeff", "=",
          ","]


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_nothing_but_our_error_escapes(text):
    data = ("FROM x\n" + text).encode()
    try:
        found = parse(data)
    except DockerfileError as error:
        assert 0 <= error.line <= text.count("\n") + 2
        return
    lines = data.decode().split("\n")
    before = 0
    for one in found.instructions:
        assert before < one.line <= one.end_line <= len(lines)
        assert one.place.source.rstrip("\n").split("\n") == lines[one.line - 1:one.end_line]
        before = one.end_line


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        parse(data)
    except DockerfileError:
        return
