# SPDX-License-Identifier: Apache-2.0
"""The documentation says what the code says: generated pages, options, keys, variables and codes."""

from __future__ import annotations

import ast
import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from imagebuild import errors
from imagebuild.cli import config
from imagebuild.cli.app import wcow
from imagebuild.dockerfile.warning import CODES

TOP = Path(__file__).resolve().parent.parent
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]
REFERENCE = runpy.run_path(str(TOP / "scripts/reference_pages.py"))["pages"]()


def text(name: str) -> str:
    return (TOP / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", REFERENCE)
def test_a_generated_page_is_fresh(name: str) -> None:
    assert text(f"docs/reference/{name}") == REFERENCE[name], "run python scripts/reference_pages.py"


def shown_commands(page: str) -> Iterator[str]:
    """Every ``wcow …`` that stands in a block of code, continued lines joined."""
    for block in re.findall(r"^```[^\n]*\n(.*?)^```$", page, flags=re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            found = re.match(r"\s*(?:\$|- run:|run:|-)?\s*(wcow .*)", line)
            if found and "[OPTIONS]" not in line:
                yield re.split(r" [|<>;#&] ?| [12]>|\s#| -- ", found[1])[0]  # behind -- stands another program's


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TOP)))
def test_commands_in_a_page_exist_with_their_options(page: Path) -> None:
    for line in shown_commands(page.read_text(encoding="utf-8")):
        command: click.Command = wcow
        for word in shlex.split(line)[1:]:
            if isinstance(command, click.Group) and not word.startswith("-"):
                found = command.get_command(click.Context(command), word)
                assert found or word.isupper() or "." in word, f"{line}: no verb {word}"
                command = found or command
            elif re.match(r"--?[a-zA-Z]", word):
                known = {name for item in (*command.params, *wcow.params) for name in item.opts + item.secondary_opts}
                options = {word.partition("=")[0]} if word.startswith("--") else {f"-{letter}" for letter in word[1:]}
                assert options <= known | {"-h", "--help"}, f"{line}: no option {word}"


def test_the_tests_that_the_page_about_security_names_are_there() -> None:
    file, found = "", re.findall(r"`([\w/.]+|…)::(test_\w+)`", text("docs/security.md"))
    assert len(found) > 40
    for place, name in found:
        file = file if place == "…" else place
        assert f"def {name}(" in text(f"tests/{file}"), f"{file} has no {name}"


def test_every_key_and_variable_is_in_the_configuration_page() -> None:
    page = text("docs/reference/configuration.md")
    for key in config._KEYS:
        assert f"`{key}`" in page or f"`[{key}]`" in page, key
    sources = "".join(path.read_text(encoding="utf-8") for room in ("imagebuild", "plugins/pytest_wcow")
                      for path in (TOP / room).rglob("*.py"))
    for name in sorted(set(re.findall(r"\"(WCOW_[A-Z_]+)\"", sources))):
        assert f"`{name}`" in page, name
    for name in sorted(set(re.findall(r"\bWCOW_[A-Z_]+", page))):
        assert f'"{name}"' in sources, f"{name} is in the page only"


def warning_codes() -> set[str]:
    """The codes that a build can warn with, from the source: of the linter, and of whatever makes a Note or a Warn."""
    codes = set(CODES)
    for path in (TOP / "imagebuild/builder").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("Warn", "Note", "self._note"):
                values = [*node.args, *(word.value for word in node.keywords)]
                codes |= {value.value for value in values if isinstance(value, ast.Constant)
                          and isinstance(value.value, str) and re.fullmatch("[a-z]+(-[a-z]+)+", value.value)}
    return codes


def test_every_warning_is_in_the_guide() -> None:
    page = text("docs/guides/dockerfile.md")
    assert set(re.findall(r"\*\*`([a-z-]+)`\*\*", page)) == warning_codes()


def test_every_decision_is_listed() -> None:
    index, nav = text("docs/decisions/index.md"), text("mkdocs.yml")
    for path in (TOP / "docs/decisions").glob("0*.md"):
        assert f"({path.name})" in index and f"decisions/{path.name}" in nav, path.name
        assert path.read_text(encoding="utf-8").startswith(f"# {int(path.name[:4])}. "), path.name


def exit_codes(name: str) -> list[tuple[str, str]]:
    """The rows of a page's table of exit codes."""
    table = re.search(r"^\| code \| meaning \|\n\|---\|---\|\n((?:\| .*\n)+)", text(name), re.MULTILINE)
    assert table is not None, name
    return re.findall(r"^\| (\d+) \| (.+) \|$", table[1], re.MULTILINE)


def kinds(kind: type[errors.WcowError] = errors.WcowError) -> Iterator[type[errors.WcowError]]:
    """The tree of errors."""
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def test_exit_codes_are_one_table_in_the_readme_and_the_guide_and_it_is_whole() -> None:
    assert exit_codes("README.md") == exit_codes("docs/guides/errors.md")
    raised = {kind.exit_code for kind in kinds() if isinstance(kind.exit_code, int)}
    raised |= {errors.OutputError("x", unread=unread).exit_code for unread in (False, True)} | {0}
    assert {int(code) for code, _meaning in exit_codes("README.md")} == raised
