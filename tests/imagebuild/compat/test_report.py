# SPDX-License-Identifier: Apache-2.0
"""Three verdicts of an image on a host: total over everything, and right about what is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pairs import builds, engines, host, hosts, image, images, isolations, revisions

from imagebuild.compat.engine import Engine, parse_engine
from imagebuild.compat.facts import report_facts
from imagebuild.compat.image import ImageFacts
from imagebuild.compat.report import Report, check
from imagebuild.compat.rules.reasons import REASONS
from imagebuild.compat.verdict import ORDER, Answer, Confidence
from imagebuild.windows.facts.host import HostFacts, WindowsVersion
from imagebuild.windows.releases import release


def codes(report: Report) -> dict[str, list[str]]:
    return {name: [reason.code for reason in getattr(report, name).reasons] for name in ("support", "engine", "start")}


@given(hosts, images, isolations, st.none() | engines, st.none() | st.dates())
def test_every_pair_gets_three_verdicts_with_words_and_nothing_raises(
        machine: HostFacts, subject: ImageFacts, isolation: Any, engine: Engine | None, today: date | None) -> None:
    report = check(machine, subject, isolation, engine=engine, today=today)
    for verdict in (report.support, report.engine, report.start):
        assert verdict.answer in get_args(Answer)
        assert verdict.confidence in get_args(Confidence)
        assert verdict.reasons
        for reason in verdict.reasons:
            assert reason.code in REASONS
            assert reason.text
            if "{" not in f"{subject.os}{subject.architecture}{subject.os_version}":
                assert "{" not in reason.text
    assert report.summary
    assert report_facts(report)["runs"] == report.runs
    assert report.isolation in ("process", "hyperv")
    assert isolation in (None, report.isolation)


@given(hosts, images, isolations, st.none() | engines)
def test_no_plain_yes_is_inferred(machine: HostFacts, subject: ImageFacts, isolation: Any,
                                  engine: Engine | None) -> None:
    report = check(machine, subject, isolation, engine=engine)
    for verdict in (report.support, report.engine, report.start):
        if verdict.answer == "yes":
            assert verdict.confidence in ("documented", "code", "reported")
        if verdict.answer == "unknown":
            assert verdict.confidence == "none"


@given(hosts, images, isolations, st.none() | engines)
def test_a_no_says_what_to_do(machine: HostFacts, subject: ImageFacts, isolation: Any, engine: Engine | None) -> None:
    report = check(machine, subject, isolation, engine=engine)
    if report.runs == "no":
        assert report.remedies
        if "{" not in f"{subject.os}{subject.architecture}{subject.os_version}":
            assert all("{" not in remedy for remedy in report.remedies)


@given(hosts, images, st.none() | engines)
def test_no_windows_starts_an_image_above_its_build(machine: HostFacts, subject: ImageFacts,
                                                    engine: Engine | None) -> None:
    for isolation in ("process", "hyperv"):
        report = check(machine, subject, isolation, engine=engine)  # type: ignore[arg-type]
        mine, theirs = report.pair.host_build, report.pair.image_build
        if mine is not None and theirs is not None and theirs > mine:
            assert report.start.answer == "no"


@given(builds, builds, builds)
def test_hyperv_isolation_is_monotone_in_the_host(one: int, other: int, image_build: int) -> None:
    """What a host boots in a utility VM, a newer host boots, too."""
    low, high = sorted((one, other))
    subject = image(f"10.0.{image_build}.1")
    lower, higher = (check(HostFacts(WindowsVersion(10, 0, build, 0), hyperv=True), subject, "hyperv").start
                     for build in (low, high))
    assert lower.answer == "no" or higher.answer != "no"


@given(builds, builds, builds)
def test_hyperv_isolation_is_monotone_in_the_image(host_build: int, one: int, other: int) -> None:
    low, high = sorted((one, other))
    machine = HostFacts(WindowsVersion(10, 0, host_build, 0), hyperv=True)
    older, newer = (check(machine, image(f"10.0.{build}.1"), "hyperv").start for build in (low, high))
    assert newer.answer == "no" or older.answer != "no"


@given(hosts, images, isolations, st.none() | engines)
def test_more_facts_never_turn_a_no_into_a_yes(machine: HostFacts, subject: ImageFacts, isolation: Any,
                                               engine: Engine | None) -> None:
    """Facts about features only take away: what is off stops what would else start."""
    bare = check(replace(machine, hyperv=None, containers=None), replace(subject, utility_vm=None), isolation,
                 engine=engine).start
    full = check(replace(machine, hyperv=False, containers=False), replace(subject, utility_vm=False), isolation,
                 engine=engine).start
    assert ORDER[full.answer] <= ORDER[bare.answer] or bare.answer == "unknown"


@given(builds, revisions, revisions, isolations, engines)
def test_a_host_runs_the_image_of_its_own_build_and_revision(build: int, mine: int | None, theirs: int | None,
                                                             isolation: Any, engine: Engine) -> None:
    report = check(HostFacts(WindowsVersion(10, 0, build, mine), product="server", hyperv=True),
                   image(f"10.0.{build}" if mine is None else f"10.0.{build}.{mine}"), isolation, engine=engine)
    assert report.start.answer in ("yes", "likely")
    assert (report.start.answer == "yes") == (release(build) is not None)


def test_the_case_of_moby_53397_is_explained_with_a_remedy() -> None:
    machine, subject = host("10.0.26200.7171", product="client"), image("10.0.20348.4294")
    report = check(machine, subject, "process", engine=parse_engine("docker-29.6", "containerd"))
    assert (report.engine.answer, report.engine.confidence) == ("no", "code")
    assert codes(report)["engine"] == ["below-floor", "floor-moved"]
    assert "moby/moby#53397" in report.engine.reasons[1].sources
    assert (report.support.answer, report.start.answer, report.start.confidence) == ("yes", "yes", "documented")
    assert report.runs == "no"
    assert any("--store graphdriver" in remedy and "G3" in remedy for remedy in report.remedies)
    own = check(machine, subject, "process", engine=parse_engine("docker-29.6", "graphdriver"))
    assert (own.engine.answer, own.runs) == ("yes", "yes")
    newer = check(machine, subject, "process", engine=parse_engine("docker-29.6", "containerd", "G3"))
    assert (newer.engine.answer, newer.start) == ("yes", report.start)


@pytest.mark.parametrize(("version", "product", "os_version", "isolation", "start"), [
    ("10.0.20348.1", "server", "10.0.20348.1", "process", "yes"),
    ("10.0.20348.1", "server", "10.0.17763.1", "process", "no"),
    ("10.0.20348.1", "server", "10.0.17763.1", "hyperv", "yes"),
    ("10.0.17763.1", "server", "10.0.20348.1", "hyperv", "no"),
    ("10.0.26100.1", "server", "10.0.20348.1", "process", "yes"),
    ("10.0.25398.1", "server", "10.0.20348.1", "process", "yes"),
    ("10.0.22631.1", "client", "10.0.20348.1", "process", "yes"),
    ("10.0.26300.1", "client", "10.0.20348.1", "process", "likely"),
    ("10.0.31000.1", "server", "10.0.20348.1", "process", "likely"),
    ("10.0.31000.1", "server", "10.0.31000.1", "process", "likely"),
    ("10.0.26100.1", "server", "10.0.22621.1", "process", "likely"),
    ("10.0.18363.1", "server", "10.0.18362.1", "process", "likely"),
    ("10.0.19045.1", "client", "10.0.19041.1", "process", "likely"),
    ("10.0.19045.1", "client", "10.0.19042.1", "process", "no"),
    ("10.0.17134.1", "client", "10.0.17134.1", "process", "maybe"),
])
def test_what_windows_starts(version: str, product: Any, os_version: str, isolation: Any, start: str) -> None:
    report = check(host(version, product=product, hyperv=True), image(os_version), isolation)
    assert report.start.answer == start, report.start


@pytest.mark.parametrize(("mine", "theirs", "answer", "code"), [
    ("10.0.26100.2894", "10.0.26100.3194", "maybe", "revision-above-host"),
    ("10.0.26100.3194", "10.0.26100.2894", "yes", "same-build"),
    ("10.0.26100.3194", "10.0.26100.3194", "yes", "same-build"),
    ("10.0.14393.1914", "10.0.14393.1944", "maybe", "revision-differs"),
    ("10.0.14393.1944", "10.0.14393.1914", "maybe", "revision-differs"),
    ("10.0.14393.1944", "10.0.14393.1944", "yes", "same-build"),
    ("10.0.17763.1039", "10.0.17763.973", "maybe", "february-2020"),
    ("10.0.17763.973", "10.0.17763.1040", "maybe", "february-2020"),
    ("10.0.17763.1039", "10.0.17763.1040", "maybe", "revision-above-host"),
    ("10.0.17763.1098", "10.0.17763.1040", "yes", "same-build"),
    ("10.0.17763.973", "10.0.17763.973", "yes", "same-build"),
    ("10.0.26200.7171", "10.0.26100.7171", "maybe", "regression"),
    ("10.0.26200.7170", "10.0.26100.7170", "yes", "stable-interface"),
    ("10.0.26200", "10.0.26100.1", "maybe", "regression"),
])
def test_revisions_that_matter(mine: str, theirs: str, answer: str, code: str) -> None:
    product = "client" if "26200" in mine else "server"
    report = check(host(mine, product=product), image(theirs), "process")
    assert (report.start.answer, report.start.reasons[0].code) == (answer, code)


def test_hyperv_isolation_does_not_mind_revisions() -> None:
    report = check(host("10.0.17763.973", hyperv=True), image("10.0.17763.1098"), "hyperv")
    assert (report.start.answer, report.start.confidence) == ("yes", "documented")


@pytest.mark.parametrize(("machine", "subject", "isolation", "verdict", "code"), [
    (host("10.0.20348.1", hyperv=False), image("10.0.20348.1"), "hyperv", "start", "hyperv-off"),
    (host("10.0.20348.1", hyperv=True), image("10.0.20348.1", utility_vm=False), "hyperv", "start", "no-utility-vm"),
    (host("10.0.20348.1", containers=False), image("10.0.20348.1"), "process", "start", "containers-off"),
    (host("10.0.26100.1", architecture="arm64"), image("10.0.26100.1"), "process", "start", "other-architecture"),
    (host("10.0.26100.1"), image("10.0.26100.1", "arm64"), "process", "start", "other-architecture"),
    (HostFacts(os="linux"), image("10.0.20348.1"), "process", "engine", "linux-engine"),
    (host("10.0.20348.1"), ImageFacts("linux", "amd64"), "process", "engine", "linux-image"),
    (host("11.0.20348.1"), image("10.0.20348.1"), "process", "start", "other-windows"),
    (HostFacts(), image("10.0.20348.1"), "process", "start", "host-version-unknown"),
    (host("10.0.20348.1"), image("ten"), "process", "start", "image-version-unknown"),
    (host("10.0.20348.1"), image(""), "process", "start", "host-process"),
    (host("10.0.20348.1"), image(""), "hyperv", "start", "image-version-unknown"),
    (host("10.0.14393.1"), image("10.0.14393.1"), "process", "engine", "engine-needs"),
    (host("10.0.17134.1", product="client"), image("10.0.17134.1"), "process", "engine", "engine-needs"),
])
def test_what_stops_it(machine: HostFacts, subject: ImageFacts, isolation: Any, verdict: str, code: str) -> None:
    report = check(machine, subject, isolation, engine=parse_engine("docker-29.6"))
    assert codes(report)[verdict][0] == code
    assert getattr(report, verdict).answer in ("no", "unknown", "maybe")


def test_the_version_in_the_hive_counts_where_the_config_has_none() -> None:
    report = check(host("10.0.20348.1"), image("", hive_version="10.0.20348.9"), "hyperv")
    assert report.start.reasons[0].code == "utility-vm-older"
    assert check(host("10.0.20348.1"), image("10.0.17763.1", hive_version="10.0.20348.9"),
                 "process").start.answer == "no"


def test_the_isolation_that_is_judged_is_the_engines_own_unless_one_is_asked_for() -> None:
    subject = image("10.0.20348.1")
    assert check(host("10.0.22631.1", product="client"), subject).isolation == "hyperv"
    assert check(host("10.0.20348.1", product="server"), subject).isolation == "process"
    assert check(host("10.0.20348.1"), subject).isolation == "process"
    assert check(host("10.0.22631.1", product="client"), subject,
                 engine=parse_engine("containerd-2.1")).isolation == "process"
    assert check(host("10.0.22631.1", product="client"), subject, "process").isolation == "process"


def test_ended_support_is_warned_of_on_its_day_only() -> None:
    machine, subject = host("10.0.18363.1", product="server"), image("10.0.18363.1")
    assert check(machine, subject).warnings == ()
    assert check(machine, subject, today=date(2021, 5, 11)).warnings == ()
    late = check(machine, subject, today=date(2021, 5, 12)).warnings
    assert [reason.code for reason in late] == ["ended"]
    assert "2021-05-11" in late[0].text


def test_the_summary_reads_as_a_sentence() -> None:
    report = check(host("10.0.17763.5"), image("10.0.20348.1"), "hyperv")
    assert report.summary == ("10.0.20348.1 does not run on 10.0.17763.5 with hyperv isolation: the image is of build "
                              "20348, above the host's 17763")
    assert "tag ltsc2019" in report.remedies[0]
