# SPDX-License-Identifier: Apache-2.0
"""``make suites``: what it says of a report, of a suite that is not there, and of what it leaves out."""

from __future__ import annotations

import dataclasses
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parents[1] / "scripts" / "suites"


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The modules of the script, as they see each other."""
    monkeypatch.syspath_prepend(str(HERE))
    names = ("adapter", "outcome", "page", "sources")
    yield {name: __import__(name) for name in names}
    for name in names:
        sys.modules.pop(name, None)


REPORT = """\
<testsuites><testsuite>
<testcase classname="tests.integration.a_test.A" name="test_good"/>
<testcase classname="tests.integration.a_test.A" name="test_bad"><failure message="no"/></testcase>
<testcase classname="tests.integration.a_test.A" name="test_ends_badly"/>
<testcase classname="tests.integration.a_test.A" name="test_ends_badly"><error message="teardown"/></testcase>
<testcase classname="tests.integration.a_test.A" name="test_linux"><skipped message="left out: swarm"/></testcase>
<testcase classname="tests.integration.a_test.A" name="test_soon">
<skipped message="left out: refused here: RUN"/></testcase>
<testcase classname="tests.integration.a_test.A" name="test_mac"><skipped message="needs a Mac"/></testcase>
</testsuite></testsuites>
"""


def outcome(scripts: Any, tmp_path: Path, report: str | None = REPORT) -> Any:
    path = tmp_path / "report.xml"
    if report is not None:
        path.write_text(report)
    sources = scripts["sources"]
    return scripts["outcome"].read(sources.Source(sources.SUITES[1], tmp_path, "abcdef"), path, "root")


def test_a_test_that_passed_and_whose_teardown_failed_has_failed(scripts: Any, tmp_path: Path) -> None:
    found = outcome(scripts, tmp_path)
    assert found.passed == ("tests.integration.a_test.A::test_good",)
    assert [name.rpartition("::")[2] for name in found.failed] == ["test_bad", "test_ends_badly"]
    assert [reason for _, reason in found.left_out] == ["swarm", "refused here: RUN"] and found.refused == 1
    assert [reason for _, reason in found.skipped] == ["needs a Mac"]
    assert round(found.percent, 1) == 33.3


def test_a_suite_without_a_report_or_without_tests_stays_below_every_bar(scripts: Any, tmp_path: Path) -> None:
    assert outcome(scripts, tmp_path, None).percent == 0
    assert outcome(scripts, tmp_path, "<testsuites/>").percent == 0


def test_the_page_names_what_failed_and_what_is_left_out(scripts: Any, tmp_path: Path) -> None:
    text = scripts["page"].page([outcome(scripts, tmp_path)] * 2)
    assert text.count("- `a_test::A::test_linux`") == 1
    assert "| `abcdef` | root | 1 | 2 | 33.3 % | 1 | 1 | 1 |" in text
    assert "- `a_test::A::test_bad`" in text
    assert "swarm:\n\n- `a_test::A::test_linux`" in text


def test_what_the_page_said_of_suites_that_were_not_run_stays(scripts: Any, tmp_path: Path) -> None:
    page, sources = scripts["page"].page, scripts["sources"]
    found = outcome(scripts, tmp_path)
    other = dataclasses.replace(found, source=sources.Source(sources.SUITES[0], tmp_path, "fedcba"))
    both = page([other, found])
    assert page([found], both) == page([other], both) == both
    better = dataclasses.replace(found, failed=())
    again = page([better], both)
    assert again == page([other, better]) != both and "## docker-py (root): failed" not in again


def test_a_missing_suite_says_the_commands_that_bring_it(scripts: Any, monkeypatch: pytest.MonkeyPatch,
                                                         tmp_path: Path) -> None:
    sources = scripts["sources"]
    monkeypatch.setenv("WCOW_SUITES", str(tmp_path))
    wanted = f"git clone .*docker-py {tmp_path}/docker-py\n.*checkout .*\n.*make suites"
    with pytest.raises(sources.Missing, match=wanted):
        sources.find(sources.SUITES[1])


def test_every_test_that_is_left_out_has_a_reason_and_stands_in_one_row(scripts: Any) -> None:
    rows = tomllib.loads((HERE / "left_out.toml").read_text("utf-8"))
    assert set(rows) <= {suite.name for suite in scripts["sources"].SUITES}
    for suite, found in rows.items():
        assert all(len(row["reason"]) > 10 for row in found)
        patterns = [pattern for row in found for pattern in row["tests"]]
        assert len(patterns) == len(set(patterns)), suite


def test_paths_go_to_windows_and_come_back(scripts: Any) -> None:
    adapter = scripts["adapter"]
    body = {"Cmd": ["find", "/data"], "Volumes": {"/data": {}}, "HostConfig": {
        "Binds": ["/tmp/a:/data:ro,rshared", "name:/data"], "NetworkMode": "bridge", "Mounts": [{"Target": "/data"}]}}
    sent = adapter.asked("/v1.45/containers/create", body)
    assert sent["HostConfig"]["Binds"] == ["/tmp/a:C:\\data:ro", "name:C:\\data"]
    assert sent["HostConfig"]["Mounts"] == [{"Target": "C:\\data"}] and sent["Volumes"] == {"C:\\data": {}}
    assert sent["HostConfig"]["NetworkMode"] == "nat" and sent["Cmd"] == ["C:\\bin\\find.exe", "/data"]
    got = adapter.answered("/v1.45/containers/x/json", {"Mounts": [{"Destination": "C:\\data", "Type": "bind"}]})
    assert got["Mounts"] == [{"Destination": "/data", "Type": "bind", "Propagation": "rprivate"}]
