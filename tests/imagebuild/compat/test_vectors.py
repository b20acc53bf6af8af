# SPDX-License-Identifier: Apache-2.0
"""The shared vectors that ask for a whole engine: matching, choosing, dockerd's check, its cache, reports of users."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.vectors import group

from imagebuild.compat.engine import HISTORY, Engine
from imagebuild.compat.image import ImageFacts
from imagebuild.compat.picks import choose, refusal
from imagebuild.compat.report import check
from imagebuild.compat.rules.dockerd import cache_matches, refuses
from imagebuild.compat.rules.generations import matches
from imagebuild.compat.rules.tables import tables
from imagebuild.oci.descriptor import Platform
from imagebuild.windows.facts.host import HostFacts, WindowsVersion


def platform(fields: dict[str, Any]) -> Platform:
    return Platform(fields["os"], fields["architecture"], fields.get("os_version", ""))


@pytest.mark.parametrize("vector", group("os-version-match"))
def test_matching_one_os_version(vector: dict[str, Any]) -> None:
    candidate = platform(vector["candidate"])
    system, architecture = ("windows", "amd64") if "host" in vector else vector["requested"].split("/")
    fits = (candidate.os, candidate.architecture) == (system, architecture) and matches(
        vector["rule"], vector.get("host", ""), candidate.os_version, empty=vector["rule"] != "G0")
    assert fits is vector["match"]


def engines(vector: dict[str, Any]) -> list[Engine]:
    """Every engine in our history that has the vector's way to choose, and its generation where it has one."""
    wanted = None if vector["rule"] == "max-build" else vector["rule"]
    found = [Engine(kind, since.version if any(since.version) else (1, 5), store)
             for (kind, store), history in HISTORY.items() for since in history
             if since.algorithm == vector["algorithm"] and wanted in (None, since.generation)]
    assert found, "no engine in the history chooses so"
    return found


@pytest.mark.parametrize("vector", group("selection"))
def test_choosing_from_an_index(vector: dict[str, Any]) -> None:
    entries = [platform(entry) for entry in vector["input"]]
    host = HostFacts(WindowsVersion.parse(vector["host"]), architecture=vector.get("host_architecture", "amd64"))
    for engine in engines(vector):
        place, passed = choose(entries, host, engine)
        assert (entries[place] if place is not None else None) == (
            platform(vector["expected"]) if vector["expected"] else None), engine
        assert sorted([*(item.place for item in passed), *([place] if place is not None else [])]) == list(
            range(len(entries)))


@pytest.mark.parametrize("vector", [case for case in group("selection") if case.values[0].get("error")])
def test_what_an_engine_prints_that_takes_nothing(vector: dict[str, Any]) -> None:
    host = HostFacts(WindowsVersion.parse(vector["host"]), architecture=vector.get("host_architecture", "amd64"))
    printed = {refusal(host, engine) for engine in (
        Engine("docker", (27,)), Engine("docker", (28,)), Engine("docker", (29, 6), "containerd"),
        Engine("containerd", (2, 1), "containerd"))}
    variant = re.sub(r"/v3(?= )", "", vector["error"])  # a processor's level, which no Windows image has
    assert any(text in variant or variant in text for text in printed)


@pytest.mark.parametrize("vector", group("dockerd-pull-check"))
def test_what_dockerd_refuses_to_pull(vector: dict[str, Any]) -> None:
    error = refuses(WindowsVersion.parse(vector["host_version"]), vector["image_os_version"])
    assert bool(error) is vector["blocked"]
    if "error" in vector:
        assert error == vector["error"]


@pytest.mark.parametrize("vector", group("build-cache"))
def test_what_the_classic_builders_cache_compares(vector: dict[str, Any]) -> None:
    assert cache_matches(platform(vector["builder"]), platform(vector["image"])) is vector["match"]


@pytest.mark.parametrize("vector", group("docs-matrix"))
def test_the_tables_of_microsoft(vector: dict[str, Any]) -> None:
    table = next(table for table in tables() if table.id == vector["doc"])
    hosts = vector["host_build"] if isinstance(vector["host_build"], list) else [vector["host_build"]]
    rows = [cell for cell in table.cells if cell.host == vector["host"] and cell.image == vector["image"]]
    assert len(rows) == 1
    cell = rows[0]
    assert (cell.product, cell.image_build, cell.hyperv, cell.process) == (
        vector["host_kind"], vector["image_build"], vector["hyperv"], vector["process"])
    for host in hosts:
        assert host is None or cell.is_for(host, vector["host_kind"])


@pytest.mark.parametrize("vector", [case for case in group("docs-matrix") if case.values[0].get("doc") == "ms-compat"])
@pytest.mark.parametrize("isolation", ["process", "hyperv"])
def test_the_support_verdict_is_what_the_table_of_today_says(vector: dict[str, Any], isolation: Any) -> None:
    hosts = vector["host_build"] if isinstance(vector["host_build"], list) else [vector["host_build"] or 19045]
    for build in hosts:
        host = HostFacts(WindowsVersion(10, 0, build), product=vector["host_kind"])
        report = check(host, ImageFacts("windows", "amd64", f"10.0.{vector['image_build']}.1"), isolation)
        assert (report.support.answer, report.support.confidence) == (
            "yes" if vector[isolation] else "no", "documented")


EXACT = re.compile(r"10\.0\.\d+(\.\d+)?")


@pytest.mark.parametrize("vector", [case for case in group("observed") if not case.values[0] or (
    EXACT.fullmatch(case.values[0]["host"]) and EXACT.fullmatch(case.values[0]["image"].split(" ")[0]))])
def test_reports_of_users_are_never_contradicted_by_a_plain_answer(vector: dict[str, Any]) -> None:
    isolation = {"process": "process", "hyperv": "hyperv"}.get(vector["isolation"].split(" ")[0], "process")
    host = HostFacts(WindowsVersion.parse(vector["host"]), hyperv=True)
    report = check(host, ImageFacts("windows", "amd64", vector["image"].split(" ")[0]), isolation)  # type: ignore[arg-type]
    failed_at_pull = "no match for platform" in vector.get("failure", "")
    if vector["works"]:
        assert report.start.answer in ("yes", "likely")
    elif not failed_at_pull:
        assert report.start.answer in ("no", "maybe")
