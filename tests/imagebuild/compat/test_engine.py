# SPDX-License-Identifier: Apache-2.0
"""Engines by name and version: their rule, their way to pick, the hosts they start on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.pairs import engines, host, hosts

from imagebuild.compat.engine import HISTORY, NEWEST_DOCKER, Engine, engine_of, parse_engine
from imagebuild.errors import UsageError
from imagebuild.windows.facts.host import EngineFacts, HostFacts, Store


@pytest.mark.parametrize(("text", "store", "generation", "algorithm"), [
    ("containerd-1.5.9", "", "G0", "containerd-default-revision"),
    ("containerd-1.6.22", "", "G0", "containerd-default-revision"),
    ("containerd-1.6.23", "", "G1", "containerd-default-revision"),
    ("containerd-1.7.5", "", "G0", "containerd-only"), ("containerd-1.7.6", "", "G1", "containerd-only"),
    ("containerd-2.0", "", "G1", "containerd-only"), ("containerd-2.1", "", "G2", "containerd-default-lexical"),
    ("containerd-2.3.1", "", "G2", "containerd-default-lexical"),
    ("containerd-2.4", "", "G3", "containerd-default-lexical"), ("containerd", "", "G2", "containerd-default-lexical"),
    ("docker-25.0", "containerd", "G1", "containerd-only"), ("docker-28.5.2", "containerd", "G1", "containerd-only"),
    ("docker-29", "containerd", "G2", "containerd-only"), ("docker-29.7.2", "containerd", "G2", "containerd-only"),
    ("docker-30", "containerd", "G3", "containerd-only"), ("docker", "containerd", "G2", "containerd-only"),
    ("29.6.2", "containerd", "G2", "containerd-only"), ("moby/29.6.2-rc.1", "containerd", "G2", "containerd-only"),
    ("docker v20.10.24+dfsg1", "", "G0", "dockerd-graphdriver"), ("docker-29.6", "", "G0", "dockerd-graphdriver"),
])
def test_an_engine_has_the_rule_of_its_version(text: str, store: Store, generation: str, algorithm: str) -> None:
    rule = parse_engine(text, store).rule()
    assert (rule.generation, rule.algorithm) == (generation, algorithm)
    assert rule.source


def test_what_is_newer_than_what_was_read_is_inferred() -> None:
    assert parse_engine("docker-29.7.2", "containerd").rule().confidence == "code"
    assert parse_engine("docker-29.7.3", "containerd").rule().confidence == "inferred"
    assert parse_engine("containerd-3.0").rule().confidence == "inferred"
    assert parse_engine("docker-99").rule().confidence == "code"  # dockerd's own store has known one rule since 2018


def test_a_generation_that_is_asked_for_overrules_the_version() -> None:
    assert parse_engine("docker-29.6", "containerd", "G3").rule().generation == "G3"
    assert parse_engine("docker-30", "containerd", "G2").rule().confidence == "code"
    assert parse_engine("docker-29.6", "graphdriver", "G3").rule().algorithm == "dockerd-graphdriver"


@pytest.mark.parametrize("text", ["", "  ", "podman-5", "docker-", "docker-x", "docker-1.2.3.4", "-29", "containerd2",
                                  "docker-99999", "docker-29.6 please"])
def test_what_is_no_engine_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="there is no engine"):
        parse_engine(text)


def test_containerd_has_no_store_but_its_own() -> None:
    with pytest.raises(UsageError, match="own store"):
        parse_engine("containerd-2.1", "graphdriver")
    assert parse_engine("containerd-2.1").store == "containerd"


@given(st.text(max_size=30))
def test_any_text_is_an_engine_or_a_usage_error(text: str) -> None:
    try:
        engine = parse_engine(text)
    except UsageError:
        return
    assert engine.rule().source
    assert engine.name.startswith(engine.kind)


@given(engines)
def test_every_engine_has_a_rule(engine: Engine) -> None:
    assert engine.rule().algorithm
    assert engine.lowest_host()[0] in (0, 14393, 17763)


def test_the_history_of_each_engine_is_in_order() -> None:
    for history in HISTORY.values():
        versions = [since.version for since in history]
        assert versions[0] == (0,)
        assert versions == sorted(versions)


@pytest.mark.parametrize(("text", "lowest"), [
    ("docker-29.6", 17763), ("docker-23", 17763), ("docker-20.10.24", 14393), ("docker-19.03", 14393),
    ("docker-18.09", 0), ("containerd-2.1", 0), ("docker", 17763),
])
def test_the_lowest_windows_that_an_engine_starts_on(text: str, lowest: int) -> None:
    build, source = parse_engine(text).lowest_host()
    assert build == lowest
    assert bool(source) == bool(build)


def test_the_engine_of_a_host_is_the_one_among_its_facts() -> None:
    facts = EngineFacts("docker", "28.1.1", "windows", "containerd")
    machine = host("10.0.26100.1", engine=facts)
    assert engine_of(machine) == Engine("docker", (28, 1, 1), "containerd")
    assert engine_of(machine, "graphdriver").store == "graphdriver"
    assert engine_of(host("10.0.26100.1", engine=replace(facts, version="dev"))).version == ()
    assert engine_of(host("10.0.26100.1", engine=EngineFacts("containerd", "v2.1.4"))) == Engine(
        "containerd", (2, 1, 4), "containerd")


def test_a_host_without_engine_is_taken_to_have_the_newest_docker_that_starts_there() -> None:
    assert engine_of(host("10.0.20348.1")) == Engine("docker", NEWEST_DOCKER, "graphdriver", assumed=True)
    assert engine_of(host("10.0.14393.1")) == Engine("docker", (20, 10), "graphdriver", assumed=True)
    assert engine_of(HostFacts()).assumed


@given(hosts)
def test_every_host_has_an_engine(machine: HostFacts) -> None:
    assert engine_of(machine).rule().source
