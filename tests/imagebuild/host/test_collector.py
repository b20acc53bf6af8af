# SPDX-License-Identifier: Apache-2.0
"""The collector: a script that cannot be run here, held by its structure, and the reader of what it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from support.machines import MACHINES, SAMPLES

from imagebuild.errors import FormatError
from imagebuild.host import collected, collector_script
from imagebuild.windows import machine_json
from imagebuild.windows.facts.machine import MachineFacts

SCRIPT = collector_script()
TOKEN = re.compile(r"""(?P<comment><\#.*?\#>|\#[^\n]*)|(?P<single>'(?:[^']|'')*')|(?P<double>"(?:[^"`]|`.|"")*")"""
                   r"""|(?P<open>[({\[])|(?P<close>[)}\]])""", re.DOTALL | re.VERBOSE)
PAIRS = {")": "(", "}": "{", "]": "["}


def code() -> str:
    """The script without comments, the content of every string replaced."""
    return TOKEN.sub(lambda found: "" if found["comment"] else "''" if found["single"] or found["double"]
                     else found[0], SCRIPT)


def strings(kind: str) -> list[str]:
    return [found[kind] for found in TOKEN.finditer(SCRIPT) if found[kind]]


def test_every_bracket_is_closed_by_its_own_kind() -> None:
    stack: list[tuple[str, int]] = []
    for found in TOKEN.finditer(SCRIPT):
        line = SCRIPT.count("\n", 0, found.start()) + 1
        if found["open"]:
            stack.append((found["open"], line))
        elif found["close"]:
            assert stack, f"line {line}: nothing is open"
            opened, where = stack.pop()
            assert opened == PAIRS[found["close"]], f"line {line} closes {opened} of line {where}"
    assert not stack, f"never closed: {stack}"


def test_no_string_or_comment_runs_away() -> None:
    """An unclosed quote would swallow lines: only the help, and no string, is longer than one."""
    assert not [text for text in strings("single") + strings("double") if "\n" in text]
    assert [text for text in strings("comment") if "\n" in text] == [SCRIPT[SCRIPT.index("<#"):SCRIPT.index("#>") + 2]]
    assert "'" not in code().replace("''", "")
    assert '"' not in code()


def test_tree_sitter_finds_no_error() -> None:
    tree_sitter = pytest.importorskip("tree_sitter", reason="tree-sitter is not installed")
    grammar = pytest.importorskip("tree_sitter_powershell", reason="tree-sitter-powershell is not installed")
    parser = tree_sitter.Parser(tree_sitter.Language(grammar.language()))
    assert not parser.parse(SCRIPT.encode()).root_node.has_error


def test_it_is_ascii_and_begins_with_its_licence() -> None:
    assert SCRIPT.isascii()
    assert SCRIPT.startswith("# SPDX-License-Identifier: Apache-2.0\n")
    assert "\t" not in SCRIPT
    assert "\r" not in SCRIPT


def test_variables_in_strings_end_before_a_colon_or_a_dot() -> None:
    """``"$x: y"`` is a variable of a drive x, and ``"$x.y"`` is not the property y."""
    assert not [text for text in strings("double") if re.search(r"\$\w+[:.\[]", text) and "$env:" not in text]


@pytest.mark.parametrize("newer", [r"\?\?", r"&&", r"\|\|", r"\?\.", r"\bclean\s*\{", r"-Parallel\b", r"-AsHashtable\b",
                                   r"\bGet-WmiObject\b", r"\bGet-WindowsFeature\b", r"\bGet-VM\b", r"\bbcdedit\b",
                                   r"\bfltmc\b", r"-AsUTC\b", r"\busing\s"])
def test_windows_powershell_has_everything_it_uses(newer: str) -> None:
    assert not re.search(newer, code())


def test_every_command_is_known_to_be_in_windows_powershell() -> None:
    ours = set(re.findall(r"^function ([A-Z]\w+-\w+)", code(), re.MULTILINE))
    used = set(re.findall(r"(?<![\w-])([A-Z][A-Za-z]+-[A-Z]\w+)", code()))
    builtin = {"Set-StrictMode", "Remove-TypeData", "New-Object", "Get-Item", "Get-Command", "Get-CimInstance",
               "Select-Object", "Where-Object", "ForEach-Object", "Group-Object", "Test-Path", "Join-Path",
               "Split-Path", "ConvertFrom-Json", "ConvertTo-Json", "Get-WinEvent", "Remove-Item", "Write-Output",
               "Get-HnsNetwork"}
    assert used - ours == builtin
    assert ours <= used


def test_it_removes_nothing_but_its_own_temporary_file() -> None:
    assert re.findall(r"Remove-Item .* -Force", SCRIPT) == ["Remove-Item -LiteralPath $file -Force"]
    assert "$file = [System.IO.Path]::GetTempFileName()" in SCRIPT
    assert not re.search(r"\b(Set|New|Stop|Start|Restart|Enable|Disable)-(?!Object|StrictMode)\w+", code())


def test_it_compares_no_words_of_a_language() -> None:
    """Captions, descriptions and messages are translated: none is read."""
    assert not re.search(r"\.(Caption|Description|Message|StatusDescription)\b", code())


# Fields


def sections() -> Iterator[tuple[str, str]]:
    """Each ``$facts['name'] = …`` with the text up to the next."""
    parts = re.split(r"^\$facts\['(\w+)'\] = ", SCRIPT, flags=re.MULTILINE)
    yield from zip(parts[1::2], parts[2::2], strict=True)


def emitted(text: str) -> set[str]:
    """The keys of every ``[ordered]@{ … }`` in a text."""
    out: set[str] = set()
    for found in re.finditer(r"\[ordered\]@\{", text):
        depth, at, line = 1, found.end(), ""
        while depth:
            char = text[at]
            depth += (char in "{(") - (char in "})")
            line += char if depth == 1 else "\0"
            at += 1
        out |= set(re.findall(r"(?:^|;|\n)\s*(\w+) = ", line))
    return out


def names(kind: Any) -> set[str]:
    """The fields of a type, and of all that it holds."""
    out: set[str] = set()
    for one in (kind, *get_args(kind)):
        out |= names(one) if one is not kind and get_args(one) else set()
        if is_dataclass(one):
            hints = get_type_hints(one)
            out |= {field.name for field in fields(one)}
            for hint in hints.values():
                out |= names(hint)
    return out


HINTS = get_type_hints(MachineFacts)
NOT_ON_WINDOWS = {"host": {"hyperv", "containers", "major", "minor", "build", "revision"}, "system": {"kernel"},
                  "hypervisor": {"is_vm"}}
"""What follows from other facts, what the parts of a version are called, and what only Linux says."""


def test_every_section_of_the_document_is_collected() -> None:
    assert [name for name, _ in sections()] == [field.name for field in fields(MachineFacts)]
    assert f"schema = '{machine_json.SCHEMA}'" in SCRIPT


ENGINE = SCRIPT[SCRIPT.index("# ---- the engine"):SCRIPT.index("# ---- sections")]


@pytest.mark.parametrize(("name", "text"), [pair for pair in sections() if pair[0] != "notes"],
                         ids=[name for name, _ in sections() if name != "notes"])
def test_what_a_section_prints_is_what_the_reader_knows(name: str, text: str) -> None:
    printed = emitted(text + (ENGINE if name == "host" else ""))
    assert printed == names(HINTS[name]) - NOT_ON_WINDOWS.get(name, set())


@pytest.mark.parametrize("state", ["running", "absent", "enabled", "disabled", "manual", "boot", "paused"])
def test_states_are_spelled_as_the_reader_spells_them(state: str) -> None:
    assert f"'{state}'" in SCRIPT


def test_states_of_services_and_features_are_all_known() -> None:
    values = set(re.findall(r"= '(\w+)'[;}\s]", "".join(re.findall(r"\$(?:states|starts) = @\{[^}]*\}", SCRIPT))))
    assert values == {"enabled", "disabled", "absent", "running", "stopped", "starting", "stopping", "paused", "boot",
                      "system", "auto", "manual"}


# Secrets


def patterns(function: str) -> list[tuple[str, str]]:
    """The replacements of one of the script's functions: pattern and replacement as Python writes them."""
    body = re.search(rf"^function {function}.*?^\}}", SCRIPT, re.MULTILINE | re.DOTALL)
    assert body is not None
    found = re.findall(r"\[regex\]::Replace\(\$\w+, '((?:[^']|'')*)', '([^']*)'\)", body[0])
    return [(pattern.replace("''", "'"), new.replace("$1", r"\1")) for pattern, new in found]


def hidden(function: str, text: str) -> str:
    for pattern, new in patterns(function):
        text = re.sub(pattern, new, text)
    return text


@pytest.mark.parametrize(("text", "left"), [
    ("http://me:hunter2@proxy.example:3128", "http://proxy.example:3128"), ("proxy.example:3128", "proxy.example:3128"),
    ("http://me:hunt@er2@proxy.example", "http://proxy.example"), ("me:hunter2@proxy.example", "proxy.example"),
    ("http=me:hunter2@a.example:80;https=me:hun=ter2@b.example:80", "http=a.example:80;https=b.example:80"),
    ("http=a.example:80;https=b.example:80", "http=a.example:80;https=b.example:80"),
])
def test_no_credentials_of_a_proxy_are_printed(text: str, left: str) -> None:
    assert len(patterns("Hide-Credential")) == 2
    assert hidden("Hide-Credential", text) == left


@pytest.mark.parametrize("text", [
    '{"proxies": {"http-proxy": "http://me:hunter2@proxy.example:3128"}}', '{"log-opts": {"splunk-token": "hunter2"}}',
    '{"log-opts": {"awslogs-secret" : "a\\"hunter2"}}', "dockerd.exe --log-opt splunk-token=hunter2 --run-service",
    '{"Auth":"hunter2"}', "error at https://me:hunter2@registry.example/v2/",
])
def test_no_secrets_of_the_daemon_are_printed(text: str) -> None:
    assert len(patterns("Hide-Secret")) == 3
    assert "hunter2" not in hidden("Hide-Secret", text)


def test_what_is_no_secret_stays() -> None:
    text = '{"data-root": "D:\\\\docker", "hosts": ["npipe://"], "group": "docker-users", "insecure-registries": []}'
    assert hidden("Hide-Secret", text) == text


# The reader


@given(MACHINES)
def test_what_is_printed_is_read(facts: MachineFacts) -> None:
    assert collected(machine_json.write(facts)) == facts


@pytest.mark.parametrize("name", SAMPLES)
def test_a_redirect_of_windows_powershell_is_read(name: str) -> None:
    assert collected(machine_json.write(SAMPLES[name]).replace("\n", "\r\n").encode("utf-16")) == SAMPLES[name]


def test_fields_of_a_later_collector_are_named_in_the_notes() -> None:
    facts = collected('{"schema": "wcow.machine/1", "notes": ["not elevated"], "moon": 1}')
    assert facts.notes == ("not elevated", "moon is not known here")


def test_an_empty_file_is_no_facts() -> None:
    with pytest.raises(FormatError, match="cannot read this JSON"):
        collected(b"")
