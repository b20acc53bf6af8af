# SPDX-License-Identifier: Apache-2.0
"""What an engine takes from an index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pairs import builds, engines, host, hosts, isolations, os_versions

from imagebuild.compat.engine import Engine, parse_engine
from imagebuild.compat.facts import pick_facts
from imagebuild.compat.picks import choose, pick, refusal
from imagebuild.compat.verdict import ORDER
from imagebuild.oci.descriptor import Platform
from imagebuild.windows.facts.host import HostFacts, Isolation

platforms = st.none() | st.builds(
    Platform, st.sampled_from(["windows", "windows", "Windows", "linux", "unknown", ""]),
    st.sampled_from(["amd64", "amd64", "arm64", "386", ""]), os_versions,
    st.sampled_from([(), ("win32k",), ("other",), ("other", "win32k")]))
indexes = st.lists(platforms, max_size=6)


def windows(*versions: str, **fields: str) -> list[Platform | None]:
    return [Platform("windows", fields.get("architecture", "amd64"), version) for version in versions]


@given(indexes, hosts, st.none() | engines, isolations)
def test_any_index_on_any_host_gives_a_pick_or_an_error(entries: list[Platform | None], machine: HostFacts,
                                                        engine: Engine | None, isolation: Isolation | None) -> None:
    found = pick(entries, machine, engine, isolation=isolation)
    assert (found.place is None) == bool(found.error)
    assert sorted([*(item.place for item in found.passed), *([found.place] if found.place is not None else [])]) == \
        list(range(len(entries)))
    assert (found.report is None) == (not entries)
    if found.place is not None and found.better is not None:
        better = pick([entries[found.better]], machine, engine, isolation=isolation).report
        assert better is not None
        assert ORDER[better.runs] > ORDER[found.runs]
    if found.place is None:
        assert found.runs == "no"
    assert pick_facts(found)["place"] == found.place


@given(indexes, hosts, engines)
def test_an_entry_that_is_passed_over_alone_is_never_taken_among_others(
        entries: list[Platform | None], machine: HostFacts, engine: Engine) -> None:
    place, _ = choose(entries, machine, engine)
    for number, entry in enumerate(entries):
        if choose([entry], machine, engine)[0] is None:
            assert place != number
    assert (place is None) == all(choose([entry], machine, engine)[0] is None for entry in entries)


@given(indexes, indexes, hosts, engines)
def test_entries_that_do_not_fit_change_nothing(entries: list[Platform | None], more: list[Platform | None],
                                                machine: HostFacts, engine: Engine) -> None:
    place, _ = choose(entries, machine, engine)
    useless = [entry for entry in more if choose([entry], machine, engine)[0] is None]
    assert choose([*entries, *useless], machine, engine)[0] == place


@given(builds, st.lists(builds, min_size=1, max_size=5))
def test_an_index_that_stands_highest_first_is_taken_alike_by_every_engine_where_their_rules_agree(
        host_build: int, listed: list[int]) -> None:
    """The order that ``wcow index`` writes: of the entries that all take, all take the same."""
    ordered = sorted({build for build in listed if build >= 10_000}, reverse=True)
    machine = host(f"10.0.{host_build}.1") if host_build >= 10_000 else host("10.0.20348.1")
    entries = windows(*(f"10.0.{build}.1" for build in ordered))
    chosen = {choose(entries, machine, parse_engine(text))[0] for text in
              ("containerd-1.7.6", "containerd-2.1", "containerd-1.6.23", "containerd-2.4")}
    if machine.version is not None and machine.version.build <= 26100:
        assert len(chosen) == 1


def test_dockerd_takes_its_own_build_wherever_it_stands_else_the_first() -> None:
    dockerd = parse_engine("docker-28.0")
    entries = windows("10.0.17763.1", "10.0.20348.1", "10.0.26100.1")
    assert choose(entries, host("10.0.20348.9"), dockerd)[0] == 1
    assert choose(entries, host("10.0.22631.9"), dockerd)[0] == 0
    assert choose(entries, host("10.0.26100.9"), dockerd)[0] == 2


def test_the_wrong_pick_of_dockerd_on_windows_11_is_shown_with_the_entry_that_would_do() -> None:
    entries = windows("10.0.17763.4252", "10.0.20348.1668")
    found = pick(entries, host("10.0.22621.1"), parse_engine("docker-28.0"), isolation="process")
    assert (found.place, found.runs, found.better) == (0, "no", 1)
    assert found.report is not None
    assert found.report.start.reasons[0].code == "kernel-mismatch"


def test_an_index_with_nothing_for_the_host_explains_the_nearest() -> None:
    entries = [Platform("linux", "amd64"), *windows("10.0.17763.1", "10.0.20348.4773")]
    machine = host("10.0.26200.7171", product="client")
    found = pick(entries, machine, parse_engine("docker-29.6", "containerd"), isolation="process")
    assert (found.place, found.better) == (None, 2)
    assert found.error.startswith("no matching manifest for windows(10.0.26200)/amd64 in the manifest list entries")
    assert found.report is not None
    assert [reason.code for reason in found.report.engine.reasons][:2] == ["below-floor", "floor-moved"]
    assert pick(entries, machine, parse_engine("docker-29.6", "containerd", "G3"), isolation="process").place == 2


def test_a_platform_that_is_asked_for_drops_the_hosts_version_in_containerds_store() -> None:
    entries = windows("10.0.14393.1", "10.0.18362.1")
    engine, asked = parse_engine("docker-28.0", "containerd"), Platform("windows", "amd64")
    assert choose(entries, host("10.0.18362.1"), engine)[0] == 1
    assert choose(entries, host("10.0.18362.1"), engine, asked)[0] == 0  # moby TestMatcherOnWindowsAmd64
    pinned = Platform("windows", "amd64", "10.0.18362")
    assert choose(entries, host("10.0.18362.1"), engine, pinned)[0] == 1
    dockerd = parse_engine("docker-28.0")
    assert choose(entries, host("10.0.18362.1"), dockerd, Platform("windows", "amd64", "10.0.14393"))[0] == 1


def test_features_that_nobody_asked_for_are_passed_over_but_win32k() -> None:
    def entry(*features: str) -> Platform:
        return Platform("windows", "amd64", "10.0.26100.1", features)

    machine, new, old = host("10.0.26100.1"), parse_engine("docker-29.6", "containerd"), parse_engine("containerd-1.7")
    assert choose([entry("gpu")], machine, new)[0] is None
    assert choose([entry("gpu")], machine, old)[0] == 0
    assert choose([entry(), entry("win32k")], machine, new)[0] == 1
    assert choose([entry("gpu")], machine, new, Platform("windows", "amd64", "", ("gpu",)))[0] == 0


def test_an_entry_without_platform_is_the_last_that_containerd_tries_and_nothing_to_dockerd() -> None:
    entries = [None, *windows("10.0.20348.1")]
    for text in ("containerd-1.6.23", "containerd-1.7.6", "containerd-2.1"):
        assert choose(entries, host("10.0.20348.1"), parse_engine(text))[0] == 1
        assert choose([None], host("10.0.20348.1"), parse_engine(text))[0] == 0
    assert choose([None], host("10.0.20348.1"), parse_engine("docker-28.0"))[0] is None


def test_only_takes_386_after_amd64_and_default_does_not() -> None:
    entries = [*windows("10.0.20348.1", architecture="386"), *windows("10.0.20348.1")]
    assert choose(entries, host("10.0.20348.1"), parse_engine("containerd-1.7.6"))[0] == 1
    assert choose(entries[:1], host("10.0.20348.1"), parse_engine("containerd-1.7.6"))[0] == 0
    assert choose(entries[:1], host("10.0.20348.1"), parse_engine("containerd-2.1"))[0] is None


@pytest.mark.parametrize(("text", "store", "words"), [
    ("docker-20.10", "graphdriver", "no matching manifest for windows/amd64 10.0.20348 in the manifest list entries"),
    ("docker-28.0", "graphdriver", "no matching manifest for windows(10.0.20348)/amd64 in the manifest list entries"),
    ("docker-29.6", "containerd", "no matching manifest for windows(10.0.20348)/amd64 in the manifest list entries: "
                                  "no match for platform in manifest: not found"),
    ("containerd-2.1", "", "no match for platform in manifest: not found"),
])
def test_what_engines_print(text: str, store: str, words: str) -> None:
    assert refusal(host("10.0.20348.1"), parse_engine(text, store)) == words  # type: ignore[arg-type]
