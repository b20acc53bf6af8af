# SPDX-License-Identifier: Apache-2.0
"""Rules are found by name and explained."""

from __future__ import annotations

import pytest

from imagebuild.errors import UsageError
from imagebuild.lint.rules.rules import RULES, explain, find_rule


def test_a_rule_is_found_by_its_name() -> None:
    assert all(find_rule(name) is rule for name, rule in RULES.items())


@pytest.mark.parametrize(("name", "what", "hint"), [
    ("root-entri", "there is no rule 'root-entri'", "did you mean root-entry?"),
    ("missing-hive", "there is no rule 'missing-hive'", "did you mean missing-hives or missing-files?"),
    ("hard-link", "there is no rule 'hard-link'",
     "did you mean hard-link-late or hard-link-missing or hard-link-spelling?"),
    ("?" * 81, f"there is no rule {'?' * 80!r}", "'wcow lint --explain all' lists them"),
])
def test_near_names_are_offered(name: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_rule(name)
    assert (caught.value.what, caught.value.hint) == (what, hint)


@pytest.mark.parametrize(("name", "where"), [
    ("root-entry", "any layer"), ("hives-in-base", "a base layer (the first)"),
    ("missing-hives", "a layer above the base"), ("config-os", "the image's manifest, config or index"),
])
def test_a_rule_is_explained_in_full(name: str, where: str) -> None:
    rule = RULES[name]
    minds = ", ".join(f"{importer}: {severity.word()}" for importer, severity in rule.severity.items())
    proven = [] if rule.proven else ["Unproven on a Windows host: this is the safe reading of the source."]
    assert explain(name).split("\n") == [
        f"{name}: {rule.title}", "", f"In:      {where}", f"For:     {minds}", f"Why:     {rule.why}",
        f"Do:      {rule.fix}", f"Source:  {rule.source}", *proven]
