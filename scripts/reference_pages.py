# SPDX-License-Identifier: Apache-2.0
"""Writes the reference pages that are made from the code: ``python scripts/reference_pages.py``.

``cli.md`` comes from the command itself, ``folders.md`` from the table of well-known folders, ``lint-rules.md`` from
the tables of the linter, ``checks.md`` from the questions of the doctor, ``machine.schema.json`` from the facts of a
machine, ``python.md`` from the rooms' faces, ``pytest.md`` from the plugin's docstrings; in ``docs/compat.md`` the
parts between ``<!-- made: NAME -->`` and ``<!-- /made -->``.
``tests/test_docs.py`` fails when a page is not what this makes.
"""

from __future__ import annotations

import ast
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import click

from imagebuild.cli.app import wcow
from imagebuild.cli.compat.matrix import markdown
from imagebuild.compat.engine import HISTORY
from imagebuild.compat.grid import known_hosts, known_images, matrix
from imagebuild.compat.rules.generations import accepts
from imagebuild.compat.rules.reasons import REASONS
from imagebuild.compat.rules.tables import Cell, Table, tables
from imagebuild.doctor import (
    checks_engine,
    checks_hypervisor,
    checks_network,
    checks_services,
    checks_system,
    checks_windows,
)
from imagebuild.doctor.check import Question
from imagebuild.doctor.examine import QUESTIONS
from imagebuild.engine.core import routes
from imagebuild.lint import RULES, Rule
from imagebuild.lint.rules.hives import HIVE_RULES
from imagebuild.lint.rules.image import IMAGE_RULES
from imagebuild.lint.rules.tree import TREE_RULES
from imagebuild.lint.rules.values import VALUE_RULES
from imagebuild.windows import attributes, machine_json
from imagebuild.windows.folders import folders
from imagebuild.windows.names import join

TOP = Path(__file__).resolve().parent.parent
FOLDER = TOP / "docs/reference"
CLI = """\
# Command reference

<!-- Written by scripts/reference_pages.py; do not edit. -->

Options of the command line win over the environment, which wins over the [configuration file](configuration.md). What
an image name can be is in [Registries, archives, the local store](../guides/registries.md#where-an-image-can-be), what
exit codes mean in [Errors](../guides/errors.md#exit-codes).
"""


ENGINE_API = """\
# What the embedded engine answers

<!-- Written by scripts/reference_pages.py; do not edit. -->

The calls of the Docker Engine API, versions 1.24 to 1.45, that [the embedded engine](../guides/engine.md) serves. What
is not here is answered with 404, `page not found`: sessions of BuildKit.
"""


FOLDERS = """\
# Well-known folders

<!-- Written by scripts/reference_pages.py; do not edit. -->

Stand-ins are made of these, and `--base-metadata known` takes them for the folders of a base that is not looked at.
`documented` means that Microsoft writes it, `reported` that somebody read it from a running Windows in public,
`inferred` that it follows from its neighbours by the rules of inheritance or from what such folders have in common.

| folder | bases | attributes | how sure | source |
|---|---|---|---|---|
"""


LINT = """\
# Rules of the linter

<!-- Written by scripts/reference_pages.py; do not edit. -->

{count} rules. `wcow lint --explain RULE` says the same; how to use them is in [Would Windows take
it?](../guides/lint.md). Who minds is one of four: `base` imports the first layer of an image, `wcifs` every other one,
`cimfs` both where an engine uses CimFS, and `engine` (dockerd, containerd) looks at manifest and config before any
layer. A source is a file of a public repository, an issue in one, or a specification. *Unproven* stands where nobody
has shown it on a Windows host: then the rule is the safe reading of the source.
"""
LINT_GROUPS = (("Names, order, links, whiteouts", TREE_RULES), ("What entries carry", VALUE_RULES),
               ("Inside registry hives", HIVE_RULES), ("Manifest, config, index", IMAGE_RULES))


CHECKS = """\
# Checks of a host

<!-- Written by scripts/reference_pages.py; do not edit. -->

{count} checks. `wcow doctor examine` answers those that have a meaning for a host; how to use it is in [Is this host
ready?](../guides/hosts.md). A source is a file of a public repository, an issue in one, or a page of Microsoft's.

"""
CHECK_GROUPS = (
    ("Windows", checks_windows.QUESTIONS), ("Hyper-V and nesting", checks_hypervisor.QUESTIONS),
    ("Services and the pipe", checks_services.QUESTIONS), ("The engine", checks_engine.QUESTIONS),
    ("Network", checks_network.QUESTIONS), ("Disks, policies, and what else is around", checks_system.QUESTIONS))


PYTHON = """\
# Stable names

<!-- Written by scripts/reference_pages.py; do not edit. -->

What a plugin, or a program of yours, may import: the names in the `__all__` of a room of `imagebuild`, its errors and
events, and `wiring`, which chooses adapters from settings. They keep their meaning within a major version; modules
below the rooms, and `imagebuild.cli`, may change at any time. `import imagebuild` and a room load next to nothing until
a name is used, and no third-party package.
"""
ROOMS = ("containers", "engine", "images", "builder", "oci", "stores", "compat", "lint", "doctor", "host", "hostd",
         "dockerapi", "windows", "hive", "layer", "dockerfile", "programs", "runtime", "fetch", "codec", "files",
         "tools", "wiring", "events", "errors")
"""Whose names are stable, those that most programs need first."""


PYTEST = """\
# Fixtures, options, markers, hooks

<!-- Written by scripts/reference_pages.py; do not edit. -->

The pytest plugin, name by name; [the guide](../guides/pytest.md) shows how they are used. `pytest --fixtures`, `pytest
--markers` and `pytest --help` say the same.
"""
PLUGIN = TOP / "plugins/pytest_wcow"
BACKSLASHED = r"\*\*"


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {"cli.md": _cli(), "folders.md": _folders(), "lint-rules.md": _lint_rules(), "../compat.md": _compat(),
            "engine-api.md": _engine_api(), "checks.md": _checks(), "python.md": _python(),
            "pytest.md": _pytest()}


def stable_names(room: str) -> dict[str, object]:
    """The names of a room that others may import, with what they are."""
    module = import_module(f"imagebuild.{room}")
    listed = getattr(module, "__all__", None)
    names = listed if listed is not None else [
        name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__
        and not name.startswith("_")]
    return {name: getattr(module, name) if hasattr(module, name) else import_module(f"{module.__name__}.{name}")
            for name in sorted(names, key=str.casefold)}


def _python() -> str:
    out = PYTHON
    for room in ROOMS:
        module = import_module(f"imagebuild.{room}")
        first = _sentence(inspect.getdoc(module) or "")
        out += f"\n## imagebuild.{room}\n\n{_escaped(first)}\n\n| name | what it is |\n|---|---|\n"
        for name, value in stable_names(room).items():
            out += f"| `{name}{_signature(value)}` | {_escaped(_described(value))} |\n"
    return out


def _pytest() -> str:
    sys.path.insert(0, str(PLUGIN.parent))
    try:
        options = import_module("pytest_wcow._options")
        markers = import_module("pytest_wcow._markers")
    finally:
        sys.path.remove(str(PLUGIN.parent))
    from imagebuild.containers import Container, ContainerPath, Outcome, ScriptOutcome, Spec, wait

    out = [PYTEST, "## Fixtures\n", "| fixture | scope | what it gives |", "|---|---|---|"]
    for name, scope, text in _fixtures():
        out.append(f"| `{name}` | {scope} | {_escaped(text)} |")
    out += ["", "## Options and ini keys\n",
            "An option wins over the ini file. `WCOW_ENGINE` stands between the two.\n",
            "| option | ini key | meaning |", "|---|---|---|"]
    for name, more, text in options._OPTIONS:
        metavar = f" <code>{more['metavar'].replace('|', '&#124;')}</code>" if "metavar" in more else ""
        ini = f"`{options._key(name)}`" if name not in options.NO_INI else ""
        out.append(f"| `--wcow-{name}`{metavar} | {ini} | {_escaped(text)} |")
    out += ["", "## Markers\n", "| marker | meaning |", "|---|---|"]
    for line in markers.MARKERS:
        name, _, text = line.partition(": ")
        out.append(f"| `{name}` | {_escaped(text[0].upper() + text[1:])}. |")
    out += ["", "## Hooks\n", "For a `conftest.py` or another plugin.\n"]
    for function in _functions(PLUGIN / "hookspecs.py"):
        arguments = ", ".join(one.arg for one in function.args.args)
        out.append(f"### {function.name}({arguments})\n\n{_prose(function)}\n")
    for title, kind in (("A container", Container), ("A path in it", ContainerPath), ("What a program left", Outcome),
                        ("What a script of PowerShell left", ScriptOutcome)):
        out += [f"## {title}\n", f"`imagebuild.containers.{kind.__name__}`\n", "| name | what it is |", "|---|---|"]
        out += [f"| `{name}` | {_escaped(text).replace(BACKSLASHED, '**')} |" for name, text in _members(kind)] + [""]
    out += ["## What a container may be given\n",
            "Facts of `container_factory`, of `nanoserver_args` and of a parameter.\n",
            ", ".join(f"`{name}`" for name in Spec.__dataclass_fields__) + "\n",
            "## What may be waited for\n", "| strategy | ready when there is |", "|---|---|"]
    for name, kind in vars(wait).items():
        if name.startswith("For") and name != "ForCall":
            out.append(f"| `{name}({', '.join(_fields(kind))})` | {_escaped(_sentence(inspect.getdoc(kind) or ''))} |")
    return "\n".join(out) + "\n"


def _fixtures() -> Iterator[tuple[str, str, str]]:
    """Name, scope and docstring of every fixture that is not private, those of an engine first."""
    for file in ("_fixtures.py", "_factories.py"):
        for function in _functions(PLUGIN / file):
            scope = next((found for one in function.decorator_list if (found := _scope(one))), "")
            if scope and not function.name.startswith("_"):
                yield function.name, scope, " ".join((ast.get_docstring(function) or "").split())


def _scope(decorator: ast.expr) -> str:
    if not ast.unparse(decorator).startswith("pytest.fixture"):
        return ""
    words = decorator.keywords if isinstance(decorator, ast.Call) else []
    return next((ast.literal_eval(one.value) for one in words if one.arg == "scope"), "function")


def _functions(path: Path) -> Iterator[ast.FunctionDef]:
    yield from (node for node in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(node, ast.FunctionDef))


def _prose(function: ast.FunctionDef) -> str:
    return _escaped((ast.get_docstring(function) or "").replace("``", "`"))


def _members(kind: type) -> Iterator[tuple[str, str]]:
    """The public names of a class with their arguments and the first sentences about them."""
    for name, value in vars(kind).items():
        function = getattr(value, "fget", None) or getattr(value, "func", None) or value
        text = inspect.getdoc(function) if callable(function) else ""
        if name.startswith("_") or not text or name in getattr(kind, "__dataclass_fields__", {}):
            continue
        if function is value:
            words = [one for one in inspect.signature(value).parameters if one not in ("self", "options")]
            name = f"{name}({', '.join(words)})"
        yield name, _sentence(text)


def _fields(kind: type) -> list[str]:
    return [name for name, field in getattr(kind, "__dataclass_fields__", {}).items() if field.init]


def _signature(value: object) -> str:
    if not inspect.isfunction(value):
        return ""
    return f"({', '.join(one for one in inspect.signature(value).parameters)})"


def _described(value: object) -> str:
    if not (inspect.isclass(value) or inspect.isfunction(value) or inspect.ismodule(value)):
        return "A table or a type." if not isinstance(value, str | int | bytes) else f"`{value!r}`"
    return _sentence(inspect.getdoc(value) or "")


def _sentence(text: str) -> str:
    """The first sentence of a docstring, without the marks of reStructuredText."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    found = re.match(r"(.+?[.:!?])(?: [A-Z`:]|$)", paragraph)
    sentence = re.sub(r":\w+:`[~.]*([^`<]*?)`", r"`\1`", (found[1] if found else paragraph).replace("``", "`"))
    return sentence.rstrip(":") + ("." if sentence.endswith(":") else "")


def _engine_api() -> str:
    """Every call of the embedded engine, out of the table that serves it."""
    rows = sorted(routes(), key=lambda route: (route.path.split("/")[1], route.path, route.method))
    lines = [ENGINE_API, "| call | since API | |", "|---|---|---|"]
    for route in rows:
        path = re.sub(r":[^}]*", "", route.path)
        about = (inspect.getdoc(route.handler) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
        note = f" *{route.note}*" if route.note else ""
        lines.append(f"| `{route.method} {path}` | {route.since or '1.24'} | {_escaped(about)}{note} |")
    return "\n".join(lines) + "\n"


def _compat() -> str:
    """The page as it stands, its made parts made anew."""
    parts = {"matrix": _matrix, "generations": _generations, "contradictions": _contradictions, "reasons": _reasons}
    text = (FOLDER / "../compat.md").read_text(encoding="utf-8")
    return re.sub(r"(<!-- made: (\w+) -->\n).*?(<!-- /made -->)",
                  lambda found: f"{found[1]}\n{parts[found[2]]()}\n{found[3]}", text, flags=re.DOTALL)


def _matrix() -> str:
    return "\n".join(markdown(matrix(known_hosts(), known_images()))) + "\n"


def _generations() -> str:
    lines = ["| engine | from | rule | how it picks from an index | source |", "|---|---|---|---|---|"]
    for (kind, store), history in HISTORY.items():
        name = kind if kind == "containerd" else f"docker, {store} store"
        for since in history:
            rule = "build not above the host's" if since.algorithm == "dockerd-graphdriver" else since.generation
            sure = "" if since.confidence == "code" else f" ({since.confidence})"
            first = ".".join(map(str, since.version)) if any(since.version) else "the first"
            lines.append(f"| {name} | {first} | {rule}{sure} | {since.algorithm} | {_escaped(since.source)} |")
    return "\n".join(lines) + "\n"


def _contradictions() -> str:
    """Rows of Microsoft's tables that another table, or the tables' own rule, contradicts."""
    lines = ["| Microsoft's table of | host | image | isolation | says | but |", "|---|---|---|---|---|---|"]
    for table in tables():
        for cell in table.cells:
            for isolation in ("hyperv", "process"):
                says = getattr(cell, isolation)
                but = [f"the table of {other.published}: {_yes(not says)}" for other, there in _others(table, cell)
                       if getattr(there, isolation) != says]
                rule = _rule_says(cell, isolation)
                if rule is not None and rule != says:
                    but.append(f"the rule of all other rows: {_yes(rule)}")
                if but:
                    lines.append(f"| {table.published} | {cell.host} | {cell.image} | {isolation} | {_yes(says)} | "
                                 f"{'; '.join(but)} |")
    return "\n".join(lines) + "\n"


def _others(table: Table, cell: Cell) -> Iterator[tuple[Table, Cell]]:
    """The same pair in other tables: of rows about one build each."""
    for other in tables():
        if other is not table and cell.image_build is not None and cell.first == cell.last:
            yield from ((other, there) for there in other.cells if there.image_build == cell.image_build
                        and there.is_for(cell.first, cell.product))


def _rule_says(cell: Cell, isolation: str) -> bool | None:
    if cell.image_build is None or cell.first != cell.last:
        return None
    return cell.image_build <= cell.first if isolation == "hyperv" else accepts("G3", cell.first, cell.image_build)


def _yes(says: bool) -> str:
    return "yes" if says else "no"


def _reasons() -> str:
    lines = ["| code | says | what to do | source |", "|---|---|---|---|"]
    for code, words in REASONS.items():
        text, remedy = (re.sub(r"\{\d[^}]*\}", "…", part) for part in (words.text, words.remedy))
        lines.append(f"| `{code}` | {_escaped(text)} | {_escaped(remedy)} | {_escaped(words.source)} |")
    return "\n".join(lines) + "\n"


def _checks() -> str:
    parts = [CHECKS.format(count=len(QUESTIONS))]
    for title, questions in CHECK_GROUPS:
        parts += [f"## {title}\n\n", "| check | what it is about | source |\n|---|---|---|\n", *map(_check, questions),
                  "\n"]
    return "".join(parts).rstrip("\n") + "\n"


def _check(one: Question) -> str:
    return f"| <a id=\"{one.id}\"></a>`{one.id}` | {_escaped(one.about)} | {_escaped('; '.join(one.sources))} |\n"


def _folders() -> str:
    flavours = ("nanoserver", "servercore", "hostprocess")
    found: dict[tuple[str, ...], list[str]] = {}
    for flavour in flavours:
        for folder in folders(flavour):
            found.setdefault(folder.path, []).append(flavour)
    rows: list[str] = []
    lists: dict[str, list[str]] = {}
    for folder in sorted(folders("servercore"), key=lambda folder: folder.path):
        where = found[folder.path]
        name = f"`{join(folder.path)}`" if folder.path else "the root, `C:`"
        rows.append(f"| {name} | {'all' if len(where) == len(flavours) else ', '.join(where)} | "
                    f"`{attributes.letters(folder.attributes)}` | {folder.confidence} | {_escaped(folder.source)} |")
        lists.setdefault(folder.sddl, []).append(join(folder.path))
    shown = "\n".join("\n".join(paths) + f"\n    {sddl}" for sddl, paths in lists.items())
    return FOLDERS + "\n".join(rows) + f"\n\n## Security descriptors\n\n```text\n{shown}\n```\n"


def _lint_rules() -> str:
    parts = [LINT.format(count=len(RULES))]
    for title, rules in LINT_GROUPS:
        parts += [f"## {title}\n", "| rule | | |\n|---|---|---|"]
        parts += [f"| [`{rule.id}`](#{rule.id}) | {rule.worst().word()} | {_escaped(rule.title)} |" for rule in rules]
        parts += ["", *(_rule(rule) for rule in rules)]
    return "\n".join(parts)


def _rule(rule: Rule) -> str:
    """One rule under a heading of its own, which other pages link to."""
    where = {"any": "any layer", "base": "a base layer", "layer": "a layer above the base"}[rule.where]
    if rule in IMAGE_RULES:
        where = "manifest, config or index"
    minds = ", ".join(f"{importer}: {severity.word()}" for importer, severity in rule.severity.items())
    unproven = "" if rule.proven else " *Unproven.*"
    return (f"### {rule.id}\n\n**{_escaped(rule.title[0].upper() + rule.title[1:])}** ({where}; {minds}).\n"
            f"{_escaped(rule.why)}{unproven}\n\nDo: {_escaped(rule.fix)}.\n\nSource: {_escaped(rule.source)}\n")


def _cli() -> str:
    parts = [CLI, "## wcow\n\n" + "\n".join(_options(wcow))]
    parts += [_verb(command, f"wcow {name}") for name, command in _leaves(wcow)]
    return "\n".join(parts)


def _leaves(group: click.Group, prefix: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group, info_name=group.name)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from _leaves(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _verb(command: click.Command, name: str) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    return "\n".join([f"## {name}\n", f"```\n{name} {usage}\n```\n", *_text(command), *_options(command)])


def _text(command: click.Command) -> Iterator[str]:
    """The help text; what ``\\b`` keeps from being wrapped becomes a block of code."""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        if not paragraph.startswith("\b"):
            yield _escaped(" ".join(paragraph.split())) + "\n"
            continue
        lines = paragraph.splitlines()[1:]
        if lines[0] == "Examples:":
            lines = lines[1:]
        yield "```\n" + "\n".join(inspect.cleandoc("\n".join(lines)).splitlines()) + "\n```\n"


def _options(command: click.Command) -> Iterator[str]:
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    if not options:
        return
    yield "| option | meaning |"
    yield "|---|---|"
    for option in options:
        names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
        metavar = "" if option.is_flag or option.count else f" {_metavar(option)}"
        text = _escaped(option.help or "")
        if option.show_default and option.default is not None:
            text += f" Default: `{option.default}`."
        if option.multiple and "repeated" not in text:
            text += " May be repeated."
        if isinstance(option.envvar, str):
            text += f" Also `{option.envvar}`."
        yield f"| {names}{metavar} | {text.strip()} |".replace("  ", " ")
    yield ""


def _metavar(option: click.Option) -> str:
    """In HTML where it has a bar: in a table, renderers disagree on a bar between backticks."""
    make: Callable[..., str] = option.make_metavar
    wanted = [click.Context(wcow)] if "ctx" in inspect.signature(make).parameters else []  # Click 8.1 takes none
    text = make(*wanted)
    return f"<code>{text.replace('<', '&lt;').replace('|', '&#124;')}</code>" if "|" in text else f"`{text}`"


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*").replace("[...]", "\\[...]")


if __name__ == "__main__":
    for file, text in pages().items():
        (FOLDER / file).write_text(text, encoding="utf-8")
    form = json.dumps(machine_json.schema(), indent=1) + "\n"
    Path(machine_json.__file__).with_name("machine.schema.json").write_text(form, encoding="utf-8")
