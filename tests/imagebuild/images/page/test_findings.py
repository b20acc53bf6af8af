# SPDX-License-Identifier: Apache-2.0
"""What the linter says, brought onto the page."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.differences import Sides, finish, side_of_layer
from support.layers import tar

from imagebuild.images.page import findings as pagefindings
from imagebuild.images.page.findings import lint_for_page
from imagebuild.lint import find_rule


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def test_a_finding_has_its_rule_place_remedy_and_source(sides: Sides) -> None:
    side = sides.side(sides.layer(base=True), sides.raw_layer(tar(("/Files/x", {"data": b"1"}))))
    found = finish(lint_for_page(side))
    one = next(finding for finding in found if finding.layer == 1 and finding.path)
    rule = find_rule(one.rule)
    assert (one.hint, one.source) == (rule.fix, rule.source) and one.severity in ("error", "warning", "note")
    assert one.text and one.importer
    alone = finish(lint_for_page(side_of_layer(side, 0)))
    assert all(finding.layer != 1 for finding in alone)


def test_a_linux_image_has_none(sides: Sides) -> None:
    assert finish(lint_for_page(sides.side(sides.raw_layer(tar(("etc/x", {"data": b"1"}))), os="linux"))) == []


def test_more_findings_than_anybody_reads_are_counted(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    members = [(f"/Files/{number}", {"data": b""}) for number in range(20)]
    side = sides.side(sides.layer(base=True), sides.raw_layer(tar(*members)))
    whole = finish(lint_for_page(side))
    monkeypatch.setattr(pagefindings, "MOST", 5)
    few = finish(lint_for_page(replace(side)))
    assert few[:5] == whole[:5] and len(few) == 6
    assert few[5].text == f"{len(whole) - 5} more findings are not shown"
