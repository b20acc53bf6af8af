# SPDX-License-Identifier: Apache-2.0
"""Errors and hints name only commands and options that there are, and show paths as Windows writes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from imagebuild.cli.app import wcow
from imagebuild.containers.mounts.mount import Mount, checked
from imagebuild.errors import UnsupportedError, UsageError, quoted
from imagebuild.windows.names import parse_path

TOP = Path(__file__).resolve().parent.parent
OTHERS = {"--exclude": "COPY", "--chown": "COPY", "--mount": "RUN", "--wcow-max-starts": "pytest",
          "--wcow-engine": "pytest"}
"""Options that our errors name and that are not the command's, and whose they are."""
AS_CODE = ("imagebuild/containers/inside/execute.py", "imagebuild/containers/mounts/mount.py",  # calls to copy
           "imagebuild/hostd/docker/dockerd.py",  # dockerd's own sentence, which quotes as Go does
           "plugins/pytest_wcow/_markers.py")  # a marker as it is written
"""Files whose messages show Python's, or Go's, literals."""


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


def doubled(source: str) -> Iterator[int]:
    """The lines of a source where a message would show a text by Python's ``repr``, which doubles backslashes."""

    def below(node: ast.AST) -> Iterator[int]:
        if isinstance(node, ast.FunctionDef) and node.name in ("__repr__", "__getattr__"):
            return
        if isinstance(node, ast.FormattedValue) and node.conversion == ord("r"):
            yield node.value.lineno
        for one in ast.iter_child_nodes(node):
            yield from below(one)

    yield from below(ast.parse(source))


def test_no_message_doubles_the_backslashes_of_a_path() -> None:
    found = [f"{path.relative_to(TOP)}:{line}" for room in ("imagebuild", "plugins")
             for path in sorted((TOP / room).rglob("*.py")) if not str(path.relative_to(TOP)).startswith(AS_CODE)
             for line in doubled(path.read_text(encoding="utf-8"))]
    assert not found, "show a text by errors.quoted, not by !r:\n" + "\n".join(found)


def test_a_doubled_backslash_is_found() -> None:
    assert list(doubled("def f(path):\n    raise E(f'cannot use {path!r}')\n")) == [2]
    assert not list(doubled("def f(path):\n    raise E(f'cannot use {quoted(path)}')\n"))
    assert not list(doubled("class A:\n    def __repr__(self):\n        return f'A({self.path!r})'\n"))


@pytest.mark.parametrize(("value", "shown"), [
    (r"C:\a b\x", r"'C:\a b\x'"), ("it's", '''"it's"'''),
    ("a\x1b[31m\r\n\udc80", r"'a\x1b[31m\r\n\udc80'"), (b"\\", r"b'\\'"),
    ([r"C:\a", 1], r"['C:\a', 1]"), ((r"C:\a",), r"('C:\a')"), ({"a": r"\\h\s"}, r"{'a': '\\h\s'}"), (None, "None")])
def test_a_message_shows_a_value_with_its_backslashes_and_no_control_characters(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_errors_show_paths_as_windows_has_them() -> None:
    with pytest.raises(UsageError) as caught:
        checked(Mount("data", r"D:relative\x"))
    assert r"'D:relative\x'" in caught.value.what
    with pytest.raises(UnsupportedError) as refused:
        parse_path(r"\\host\share")
    assert refused.value.what == r"cannot use the path '\\host\share'"
