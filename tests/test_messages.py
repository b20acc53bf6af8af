# SPDX-License-Identifier: Apache-2.0
"""Errors and hints name only commands and options that there are."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click

from imagebuild.cli.app import wcow

TOP = Path(__file__).resolve().parent.parent
OTHERS = {"--exclude": "COPY", "--chown": "COPY", "--mount": "RUN", "--wcow-max-starts": "pytest",
          "--wcow-engine": "pytest"}
"""Options that our errors name and that are not the command's, and whose they are."""


def text_of(node: ast.AST) -> str:
    """The text of a literal; what a format string fills in is an X."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


@cache
def sources() -> tuple[tuple[str, ast.Module], ...]:
    """Every file of the library and the plugins, by its name."""
    return tuple((str(path.relative_to(TOP)), ast.parse(path.read_text(encoding="utf-8")))
                 for room in ("imagebuild", "plugins") for path in sorted((TOP / room).rglob("*.py")))


def options(command: click.Command) -> set[str]:
    """All options of a command, and those that stand before every verb."""
    return {"--help", "-h", *(name for item in (*command.params, *wcow.params)
                              for name in item.opts + item.secondary_opts)}


def unknown(said: str) -> str:
    """The first word of ``wcow …`` that is neither a verb nor an option of it."""
    command: click.Command = wcow
    for word in said.split()[1:]:
        if word == "--":
            break
        if isinstance(command, click.Group) and re.fullmatch("[a-z][a-z-]*", word):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return word
            command = found
        elif re.match("--?[a-z]", word) and word.partition("=")[0].rstrip(".,;:)") not in options(command):
            return word
    return ""


def everything(command: click.Command, context: click.Context) -> Iterator[str]:
    yield from options(command)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from everything(below, click.Context(below, parent=context))


def test_commands_in_messages_exist_with_their_options() -> None:
    said = [(file, text) for file, tree in sources() for node in ast.walk(tree)
            for text in re.findall(r"['`](wcow [^'`\n]*)['`]", text_of(node))]
    assert len(said) > 100
    wrong = [f"{file}: {text!r}: no {unknown(text)}" for file, text in said if unknown(text)]
    assert not wrong, "\n".join(wrong)


def test_options_in_hints_exist() -> None:
    known = set(everything(wcow, click.Context(wcow))) | OTHERS.keys()
    said = [(file, option) for file, tree in sources() for node in ast.walk(tree)
            if isinstance(node, ast.keyword) and node.arg == "hint" for part in ast.walk(node.value)
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text_of(part))]
    assert len(said) > 30
    wrong = sorted({f"{file}: {option}" for file, option in said if option not in known})
    assert not wrong, "\n".join(wrong)


def test_a_command_that_is_not_there_is_found() -> None:
    assert unknown("wcow ls stage first") == ""  # words that follow a verb are its arguments
    assert unknown("wcow nothing") == "nothing" and unknown("wcow build --nothing x") == "--nothing"
    assert unknown("wcow host nothing") == "nothing" and unknown("wcow run IMAGE -- --nothing") == ""
