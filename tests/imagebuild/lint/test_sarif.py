# SPDX-License-Identifier: Apache-2.0
"""Findings as a SARIF log."""

from __future__ import annotations

import json

from imagebuild.lint import Finding, Severity
from imagebuild.lint.rules.rules import RULES
from imagebuild.lint.sarif import SCHEMA, sarif_pieces

FINDINGS = [
    Finding("root-entry", Severity.ERROR, "it is '.'", "Files/a b", 512, 1, "sha256:0", ("wcifs", "cimfs")),
    Finding("config-os", Severity.WARNING, "it is linux", importers=("engine",)),
    Finding("missing-hives", Severity.NOTE, "none", "Hives", layer=None, importers=("wcifs",)),
]


def log(findings: list[Finding], target: str = "repo/app:1@sha256 ü") -> dict[str, object]:
    return json.loads("".join(sarif_pieces(findings, target=target, version="1.2")))  # type: ignore[no-any-return]


def test_a_log_names_us_the_target_and_every_rule() -> None:
    full = log([])
    (run,) = full.pop("runs")  # type: ignore[misc]
    assert full == {"$schema": SCHEMA, "version": "2.1.0"}
    rules = run["tool"]["driver"].pop("rules")
    assert run == {"tool": {"driver": {"name": "wcow lint", "version": "1.2"}}, "columnKind": "utf16CodeUnits",
                   "properties": {"target": "repo/app:1@sha256 ü"}, "results": []}
    assert [rule["id"] for rule in rules] == list(RULES)
    rule = RULES["missing-hives"]
    assert rules[list(RULES).index("missing-hives")] == {
        "id": "missing-hives", "name": "MissingHives", "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why}, "help": {"text": f"{rule.fix}\n\nSource: {rule.source}"},
        "defaultConfiguration": {"level": rule.worst().word()},
        "properties": {"importers": ["wcifs"], "tags": ["windows", "container"]}}


def test_a_finding_says_where_it_is_as_far_as_that_is_known() -> None:
    (run,) = log(FINDINGS)["runs"]  # type: ignore[misc]
    uri = {"artifactLocation": {"uri": "repo/app:1@sha256%20%C3%BC"}}
    numbers = {name: number for number, name in enumerate(RULES)}
    assert run["results"] == [
        {"ruleId": "root-entry", "ruleIndex": numbers["root-entry"], "level": "error",
         "message": {"text": "Files/a b: it is '.'"},
         "locations": [{"physicalLocation": {**uri, "region": {"byteOffset": 512, "byteLength": 512}},
                        "logicalLocations": [{"fullyQualifiedName": "layer 1: Files/a b", "kind": "resource"}]}],
         "properties": {"importers": ["wcifs", "cimfs"], "layer": 1, "digest": "sha256:0"}},
        {"ruleId": "config-os", "ruleIndex": numbers["config-os"], "level": "warning",
         "message": {"text": "it is linux"}, "locations": [{"physicalLocation": uri}],
         "properties": {"importers": ["engine"], "layer": None, "digest": ""}},
        {"ruleId": "missing-hives", "ruleIndex": numbers["missing-hives"], "level": "note",
         "message": {"text": "Hives: none"},
         "locations": [{"physicalLocation": uri,
                        "logicalLocations": [{"fullyQualifiedName": "Hives", "kind": "resource"}]}],
         "properties": {"importers": ["wcifs"], "layer": None, "digest": ""}}]


def test_a_log_comes_in_pieces_one_line_for_each_finding() -> None:
    pieces = list(sarif_pieces(iter(FINDINGS), target="x", version="1"))
    assert len(pieces) == 5
    assert [piece[:2] for piece in pieces[1:-1]] == ["\n{", ",\n", ",\n"]
    assert pieces[-1].endswith("}\n")


def test_brackets_in_the_name_of_the_target_do_not_divide_the_log() -> None:
    (run,) = log(FINDINGS, target="a[].tar")["runs"]  # type: ignore[misc]
    assert run["properties"] == {"target": "a[].tar"}
    assert len(run["results"]) == len(FINDINGS)
