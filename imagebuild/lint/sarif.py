# SPDX-License-Identifier: Apache-2.0
"""Findings as a SARIF 2.1.0 log, the format that code scanning services read (OASIS, "Static Analysis Results
Interchange Format"); written piece by piece, so that a million findings take no memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from .rules.finding import Finding
from .rules.rules import RULES

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_NUMBERS = {name: number for number, name in enumerate(RULES)}


def sarif_pieces(findings: Iterable[Finding], *, target: str, version: str) -> Iterator[str]:
    """The text of a log about ``target`` (an image's name or a file's path), in pieces. ``version`` is ours."""
    driver = {"name": "wcow lint", "version": version, "rules": [_rule(name) for name in RULES]}
    head = json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [{
        "tool": {"driver": driver}, "columnKind": "utf16CodeUnits", "properties": {"target": target}, "results": []}]})
    at = head.rindex("[]") + 1
    yield head[:at]
    gap = "\n"
    for finding in findings:
        yield gap + json.dumps(_result(finding, target))
        gap = ",\n"
    yield head[at:] + "\n"


def _rule(name: str) -> dict[str, object]:
    rule = RULES[name]
    return {"id": rule.id, "name": "".join(word.capitalize() for word in rule.id.split("-")),
            "shortDescription": {"text": rule.title}, "fullDescription": {"text": rule.why},
            "help": {"text": f"{rule.fix}\n\nSource: {rule.source}"},
            "defaultConfiguration": {"level": rule.worst().word()},
            "properties": {"importers": list(rule.severity), "tags": ["windows", "container"]}}


def _result(finding: Finding, target: str) -> dict[str, object]:
    place: dict[str, object] = {"artifactLocation": {"uri": quote(target, safe="/:@")}}
    if finding.offset is not None:
        place["region"] = {"byteOffset": finding.offset, "byteLength": 512}
    where: dict[str, object] = {"physicalLocation": place}
    if finding.path:
        layer = "" if finding.layer is None else f"layer {finding.layer}: "
        where["logicalLocations"] = [{"fullyQualifiedName": layer + finding.path, "kind": "resource"}]
    text = f"{finding.path}: {finding.message}" if finding.path else finding.message
    return {"ruleId": finding.rule, "ruleIndex": _NUMBERS[finding.rule], "level": finding.severity.word(),
            "message": {"text": text}, "locations": [where],
            "properties": {"importers": list(finding.importers), "layer": finding.layer, "digest": finding.digest}}


__all__ = ["sarif_pieces"]
