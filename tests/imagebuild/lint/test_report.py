# SPDX-License-Identifier: Apache-2.0
"""Which breaches become findings."""

from __future__ import annotations

import pytest

from imagebuild.errors import UsageError
from imagebuild.lint import Severity
from imagebuild.lint import report as subject
from imagebuild.lint.report import SHOWN, Report, check_names

BASE, ABOVE, ANY = "hives-in-base", "missing-hives", "root-entry"


@pytest.mark.parametrize(("base", "minded"), [(True, {BASE, ANY}), (False, {ABOVE, ANY}), (None, {BASE, ABOVE, ANY})])
def test_a_rule_is_minded_where_it_can_become_a_finding(base: bool | None, minded: set[str]) -> None:
    report = Report(base=base)
    assert {rule for rule in (BASE, ABOVE, ANY, "config-os") if report.minds(rule)} == minded | {"config-os"}
    assert not Report(base=base, ignore=[ANY]).minds(ANY)
    assert not Report(base=base, importers=["cimfs"]).minds("config-os")


@pytest.mark.parametrize("base", [True, False])
def test_what_was_seen_before_the_place_of_the_layer_is_known_is_told_after(base: bool) -> None:
    early, late = Report(layer=3, digest="sha256:0"), Report(base=base, layer=3, digest="sha256:0")
    for report in (early, late):
        for rule in (BASE, ABOVE, ANY):
            report(rule, "message", "path", 512)
        report(ANY, "only a base", where="base")
        report(ANY, "only above one", where="layer")
    assert early.take() == []
    early.decide(base)
    early.decide(not base)
    found = late.take()
    assert early.take() == found
    assert [(one.rule, one.message, one.path, one.offset, one.layer, one.digest) for one in found] == [
        (BASE if base else ABOVE, "message", "path", 512, 3, "sha256:0"), (ANY, "message", "path", 512, 3, "sha256:0"),
        (ANY, "only a base" if base else "only above one", "", None, 3, "sha256:0")]
    assert late.take() == []


def test_a_finding_names_the_importers_that_mind_and_the_worst_of_their_severities() -> None:
    both = Report(base=True, importers=["cimfs", "base", "wcifs"])
    both("unknown-top-level", "m")
    (found,) = both.take()
    assert (found.importers, found.severity) == (("base", "cimfs"), Severity.WARNING)
    one = Report(base=True, importers=["base"])
    one("unknown-top-level", "m")
    (found,) = one.take()
    assert (found.importers, found.severity) == (("base",), Severity.NOTE)
    assert (found.layer, found.digest, found.path, found.offset) == (None, "", "", None)


@pytest.mark.parametrize(("length", "kept"), [(SHOWN - 1, "x" * (SHOWN - 1)), (SHOWN, "x" * SHOWN),
                                              (SHOWN + 1, "x" * (SHOWN - 3) + "...")])
def test_a_path_or_message_without_end_is_cut(length: int, kept: str) -> None:
    report = Report(base=True)
    report(ANY, "x" * length, "short")
    report(ANY, "short", "x" * length)
    report(ANY, "x" * length, "x" * (SHOWN + 1))
    first, second, third = report.take()
    assert (first.message, first.path, second.message, second.path) == (kept, "short", "short", kept)
    assert (third.message, third.path) == (kept, "x" * (SHOWN - 3) + "...")


def test_too_many_breaches_to_keep_make_it_a_layer_above_the_base(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subject, "HELD", 2)
    report = Report()
    for _ in range(2):
        report(ABOVE, "m")
    assert (report.base, report.take()) == (None, [])
    report(ABOVE, "m")
    assert (report.base, len(report.take())) == (False, 3)


def test_importers_and_rules_that_do_not_exist_are_refused() -> None:
    check_names(["base", "engine"], [ANY])
    with pytest.raises(UsageError) as caught:
        check_names(["wcow"], [])
    assert caught.value.lines() == ["there is no importer 'wcow'", "there are base, wcifs, cimfs, engine"]
    with pytest.raises(UsageError, match="no rule 'root'"):
        Report(ignore=["root"])
