# SPDX-License-Identifier: Apache-2.0
"""Rules and findings as values."""

from __future__ import annotations

from imagebuild.lint import Finding, Severity
from imagebuild.lint.rules.finding import Rule


def test_a_severity_has_a_word_and_an_order() -> None:
    assert [severity.word() for severity in sorted(Severity)] == ["note", "warning", "error"]


def test_a_rule_is_as_bad_as_it_is_for_whoever_minds_most() -> None:
    severity = {"base": Severity.NOTE, "wcifs": Severity.ERROR, "cimfs": Severity.WARNING}
    assert Rule("r", "", severity, "", "", "").worst() is Severity.ERROR  # type: ignore[arg-type]
    assert Rule("r", "", {"engine": Severity.NOTE}, "", "", "").worst() is Severity.NOTE


def test_a_finding_gives_all_its_facts_to_json() -> None:
    finding = Finding("r", Severity.WARNING, "m", "Files/a", 512, 1, "sha256:0", ("wcifs", "cimfs"))
    assert finding.facts() == {"rule": "r", "severity": "warning", "importers": ["wcifs", "cimfs"], "layer": 1,
                               "digest": "sha256:0", "path": "Files/a", "offset": 512, "message": "m"}
